/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client allow, block, remove, show, list.
 */
#include <errno.h>
#include <stdio.h>

#include "cli/client_limits.h"
#include "cli/client_output.h"
#include "cli/command.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/whose.h"
#include "lib/session.h"
#include "lib/text.h"

static int put_one_json(struct sp_maps *maps, const struct sp_session *session,
                        const struct sp_clock *clock, struct sp_error *err)
{
	struct sp_owner_text text;
	struct sp_owner owner = sp_whose_one(maps, session, &text);

	return sp_put_client_json(session, &owner, clock, err);
}

/* Say what has become of @key. */
static int put_granted(const struct sp_invocation *invocation, struct sp_maps *maps,
                       const struct sp_clock *clock, const struct sp_client_key *key,
                       struct sp_error *err)
{
	struct sp_session session;
	int code = sp_session_get(maps, clock, key, &session, err);

	if (code)
		return code;
	if (invocation->json)
		return put_one_json(maps, &session, clock, err);
	sp_put_client_granted(&session, clock);
	return 0;
}

int sp_client_allow_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	const char *note = invocation->option[SP_OPTION_NOTE];
	struct sp_client_key key;
	struct sp_limits limits;
	struct sp_clock clock;
	struct sp_maps maps;
	int code = sp_open_key(invocation, &key, err);

	if (!code)
		code = sp_client_limits_read(invocation, &limits, err);
	if (!code)
		code = sp_open_maps(invocation, &maps, &clock, err);
	if (code)
		return code;
	code = sp_session_allow(&maps, &key, &limits, note, err);
	if (!code)
		code = put_granted(invocation, &maps, &clock, &key, err);
	sp_maps_close(&maps);
	return code;
}

/* The client that the command line names, and where it may be found. */
static int open_client(const struct sp_invocation *invocation, struct sp_client_key *key,
                       struct sp_maps *maps, struct sp_clock *clock, struct sp_error *err)
{
	int code = sp_open_key(invocation, key, err);

	return code ? code : sp_open_maps(invocation, maps, clock, err);
}

int sp_client_block_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_client_key key;
	struct sp_clock clock;
	struct sp_maps maps;
	int code = open_client(invocation, &key, &maps, &clock, err);

	if (code)
		return code;
	code = sp_session_block(&maps, &key, invocation->option[SP_OPTION_NOTE], err);
	if (!code)
		code = put_granted(invocation, &maps, &clock, &key, err);
	sp_maps_close(&maps);
	return code;
}

/* As `client show` would say it of a client that is not known any more. */
static int put_removed(const struct sp_invocation *invocation, const struct sp_client_key *key,
                       struct sp_error *err)
{
	char mac[SP_TEXT_MAC];

	sp_text_put_mac(mac, key->mac);
	if (invocation->json)
		return sp_put_json(json_pack("{s:s, s:i, s:s}", "mac", mac, "vlan", (int)key->vlan,
		                             "state", "captive"),
		                   err);
	printf("%s", mac);
	if (key->vlan)
		printf(" on VLAN %u", key->vlan);
	printf(" is captive\n");
	return 0;
}

int sp_client_remove_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_client_key key;
	struct sp_clock clock;
	struct sp_maps maps;
	int code = open_client(invocation, &key, &maps, &clock, err);

	if (code)
		return code;
	code = sp_session_remove(&maps, &key, err);
	sp_maps_close(&maps);
	return code ? code : put_removed(invocation, &key, err);
}

static int show(const struct sp_invocation *invocation, struct sp_maps *maps,
                const struct sp_clock *clock, const struct sp_client_key *key, struct sp_error *err)
{
	struct sp_session session;
	struct sp_owner owner;
	struct sp_owner_text text;
	char mac[SP_TEXT_MAC];
	int code = sp_session_get(maps, clock, key, &session, err);

	if (code == -ENOENT)
		return sp_fail(err, code, SP_EXIT_NOT_FOUND,
		               "client %s on VLAN %u is not known, so it is captive",
		               sp_text_put_mac(mac, key->mac), key->vlan);
	if (code)
		return code;
	if (invocation->json)
		return put_one_json(maps, &session, clock, err);
	owner = sp_whose_one(maps, &session, &text);
	sp_put_client(&session, &owner, clock);
	return 0;
}

int sp_client_show_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_client_key key;
	struct sp_clock clock;
	struct sp_maps maps;
	int code = open_client(invocation, &key, &maps, &clock, err);

	if (code)
		return code;
	code = show(invocation, &maps, &clock, &key, err);
	sp_maps_close(&maps);
	return code;
}

struct listing {
	const struct sp_clock *clock;
	struct sp_whose whose;
	bool json;
	struct sp_error *err;
};

static int list_one(const struct sp_session *session, void *context)
{
	struct listing *listing = context;
	struct sp_owner owner = sp_whose_find(&listing->whose, session);

	return listing->json ? sp_put_client_json(session, &owner, listing->clock, listing->err)
	                     : sp_put_client_row(session, &owner, listing->clock, listing->err);
}

int sp_client_list_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_clock clock;
	struct listing listing = {.clock = &clock, .json = invocation->json, .err = err};
	struct sp_maps maps;
	int code = sp_open_maps(invocation, &maps, &clock, err);

	if (code)
		return code;
	sp_whose_open(&listing.whose, &maps);
	if (!invocation->json)
		sp_put_client_header();
	code = sp_session_each(&maps, &clock, list_one, &listing, err);
	sp_whose_close(&listing.whose);
	sp_maps_close(&maps);
	return code;
}
