/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of an export: the members of `client list -j`. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "cli/import_file.h"
#include "cli/import_line.h"
#include "lib/address.h"
#include "lib/flat_json.h"
#include "lib/text.h"
#include "lib/who.h"

/* What a line says, as it says it. */
struct said {
	const char *sallyport, *mac, *state, *method, *who, *bind, *note;
	uint64_t version, clients, vlan, expires, seconds_left, idle_limit;
	uint64_t quota, quota_up, quota_down, up_bytes, down_bytes;
	uint64_t rate_up, rate_down, burst_up, burst_down;
	uint64_t present; /* bits of `members` that are there and not null */
};

#define TEXT(name)                                               \
	{                                                        \
#name, SP_FLAT_TEXT, offsetof(struct said, name) \
	}
#define NUMBER(name)                                               \
	{                                                          \
#name, SP_FLAT_NUMBER, offsetof(struct said, name) \
	}

/* In the order in which an export has them, which makes finding them quick. */
static const struct member {
	const char *name;
	enum sp_flat_kind kind;
	size_t at;
} members[] = {
	TEXT(mac),          NUMBER(vlan),     TEXT(state),          TEXT(method),
	TEXT(who),          NUMBER(expires),  NUMBER(seconds_left), NUMBER(idle_limit),
	NUMBER(quota),      NUMBER(quota_up), NUMBER(quota_down),   NUMBER(rate_up),
	NUMBER(rate_down),  NUMBER(burst_up), NUMBER(burst_down),   NUMBER(up_bytes),
	NUMBER(down_bytes), TEXT(bind),       TEXT(note),           TEXT(sallyport),
	NUMBER(version),    NUMBER(clients),
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))
enum { MAC = 0, EXPIRES = 5, SECONDS_LEFT = 6, VERSION = 20, CLIENTS = 21 };

struct reading {
	struct said said;
	size_t next;
	struct sp_error *err;
};

static bool is_present(const struct said *said, unsigned member)
{
	return said->present >> member & 1;
}

static int keep(struct reading *reading, size_t index, const struct sp_flat_member *member)
{
	char *at = (char *)&reading->said + members[index].at;

	if (is_present(&reading->said, (unsigned)index))
		return sp_fail(reading->err, -EINVAL, SP_EXIT_USAGE, "\"%s\" is there twice",
		               member->name);
	if (member->kind == SP_FLAT_NULL)
		return 0;
	if (member->kind != members[index].kind)
		return sp_fail(reading->err, -EINVAL, SP_EXIT_USAGE, "\"%s\": expected %s",
		               member->name,
		               members[index].kind == SP_FLAT_TEXT ? "a string" : "a number");
	if (member->kind == SP_FLAT_TEXT)
		memcpy(at, &member->text, sizeof(member->text));
	else
		memcpy(at, &member->number, sizeof(member->number));
	reading->said.present |= UINT64_C(1) << index;
	return 0;
}

static int meet(const struct sp_flat_member *member, void *context)
{
	struct reading *reading = context;

	for (size_t i = 0; i < MEMBERS; i++) {
		size_t index = (reading->next + i) % MEMBERS;

		if (strcmp(members[index].name, member->name) != 0)
			continue;
		reading->next = index + 1;
		return keep(reading, index, member);
	}
	/* Of no interest here, or of a later version. */
	return 0;
}

static int read_line(char *line, struct reading *reading, struct sp_error *err)
{
	const char *expected;
	int code;

	*reading = (struct reading){.err = err};
	code = sp_flat_json(line, meet, reading, &expected);
	return code == -EBADMSG ? sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s", expected) : code;
}

int sp_import_head_line(char *line, struct sp_error *err)
{
	struct reading reading;
	int code = read_line(line, &reading, err);

	if (code)
		return code;
	if (!reading.said.sallyport || strcmp(reading.said.sallyport, "export") != 0 ||
	    !is_present(&reading.said, VERSION))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "expected the first line that `sallyport export` writes");
	if (reading.said.version != SP_EXPORT_VERSION)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "an export of version %llu; this sallyport reads version %u",
		               (unsigned long long)reading.said.version, SP_EXPORT_VERSION);
	return 0;
}

static int take_method(const char *name, enum sp_method *method, struct sp_error *err)
{
	*method = SP_METHOD_NONE;
	if (!name)
		return 0;
	for (unsigned i = SP_METHOD_NONE + 1; i < SP_METHODS; i++)
		if (!strcmp(name, sp_method_name(i)))
			*method = (enum sp_method)i;
	if (*method)
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "\"method\": expected click, voucher, user, radius, external, operator or "
	               "null, got \"%s\"",
	               name);
}

static int take_binding(const char *bind, struct sp_limits *limits, struct sp_error *err)
{
	struct sp_address address;

	if (!bind || !strcmp(bind, "off"))
		return 0;
	limits->bind = true;
	if (!strcmp(bind, "auto"))
		return 0;
	if (!sp_address_read(bind, &address) || !sp_address_is_ipv4(&address) ||
	    sp_address_refuse(&address))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "\"bind\": expected off, auto or an IPv4 address, got \"%s\"", bind);
	limits->ipv4 = address.word[3];
	return 0;
}

/* What is left of a quota. False: nothing. */
static bool take_quota(uint64_t quota, uint64_t used, uint64_t *left)
{
	*left = quota > used ? quota - used : 0;
	return !quota || *left;
}

/* Time goes on between export and import: the earlier of both ends counts. */
static bool take_time(const struct said *said, uint64_t now, uint64_t *seconds)
{
	uint64_t left;

	if (!is_present(said, EXPIRES) && !is_present(said, SECONDS_LEFT))
		return true;
	*seconds = is_present(said, SECONDS_LEFT) ? said->seconds_left : UINT64_MAX;
	if (is_present(said, EXPIRES)) {
		left = said->expires > now ? said->expires - now : 0;
		if (left < *seconds)
			*seconds = left;
	}
	return *seconds;
}

static int check_rate(const char *name, uint64_t rate, uint64_t *burst, struct sp_error *err)
{
	if (!rate)
		*burst = 0;
	if ((!rate || (rate >= 8000 && rate <= SP_TEXT_RATE_MOST)) &&
	    (!*burst || (*burst >= SP_BURST_LEAST && *burst <= UINT32_MAX * UINT64_C(8))))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "\"rate_%s\", \"burst_%s\": out of range: expected 8000 to %llu bit/s, from "
	               "%u bytes at once",
	               name, name, SP_TEXT_RATE_MOST, SP_BURST_LEAST);
}

/* @ended: of the limits that it had nothing is left. */
static int take_limits(const struct said *said, uint64_t now, struct sp_limits *limits, bool *ended,
                       struct sp_error *err)
{
	int code = take_binding(said->bind, limits, err);

	*ended = !take_time(said, now, &limits->seconds) ||
	         !take_quota(said->quota, said->up_bytes + said->down_bytes, &limits->quota) ||
	         !take_quota(said->quota_up, said->up_bytes, &limits->quota_up) ||
	         !take_quota(said->quota_down, said->down_bytes, &limits->quota_down);
	limits->idle = said->idle_limit;
	limits->rate_up = said->rate_up;
	limits->rate_down = said->rate_down;
	limits->burst_up = said->burst_up;
	limits->burst_down = said->burst_down;
	if (!code)
		code = check_rate("up", limits->rate_up, &limits->burst_up, err);
	return code ? code : check_rate("down", limits->rate_down, &limits->burst_down, err);
}

static int take_key(const struct said *said, struct sp_client_key *key, struct sp_error *err)
{
	if (!said->mac || sp_text_mac(said->mac, key->mac))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "\"mac\": expected an address such as 02:00:00:00:00:07");
	if (said->vlan > SP_VLAN_MAX)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "\"vlan\": expected a number from 0 (untagged) to %u", SP_VLAN_MAX);
	key->vlan = (uint16_t)said->vlan;
	return 0;
}

static int take_client(const struct said *said, uint64_t now, struct sp_bulk_client *client,
                       bool *ended, struct sp_error *err)
{
	int code = take_key(said, &client->key, err);

	*ended = false;
	client->name = said->who ? said->who : "";
	client->note = said->note ? said->note : "";
	if (!code && strlen(client->name) >= SP_LEDGER_NAME)
		code = sp_fail(err, -EINVAL, SP_EXIT_USAGE, "\"who\": expected at most %u bytes",
		               SP_LEDGER_NAME - 1);
	if (code)
		return code;
	if (said->state && !strcmp(said->state, "blocked")) {
		client->state = SP_CLIENT_BLOCKED;
		return 0;
	}
	if (!said->state || strcmp(said->state, "authorized") != 0)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "\"state\": expected \"authorized\" or \"blocked\"");
	client->state = SP_CLIENT_AUTHORIZED;
	code = take_method(said->method, &client->method, err);
	return code ? code : take_limits(said, now, &client->limits, ended, err);
}

int sp_import_json_line(char *line, uint64_t now, struct sp_bulk_client *client, bool *ended,
                        uint64_t *clients, struct sp_error *err)
{
	struct reading reading;
	int code = read_line(line, &reading, err);

	*client = (struct sp_bulk_client){.name = "", .note = ""};
	*ended = false;
	if (code)
		return code;
	if (is_present(&reading.said, CLIENTS) && !is_present(&reading.said, MAC)) {
		*clients = reading.said.clients;
		return 0;
	}
	return take_client(&reading.said, now, client, ended, err);
}
