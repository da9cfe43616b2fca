/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/whose.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ledger.h"
#include "lib/log.h"

struct sp_whose_entry {
	struct sp_client_key client;
	uint32_t generation;
	enum sp_method method;
	char *name; /* NULL: none */
};

static int keep(const struct sp_record *record, void *context)
{
	struct sp_whose *whose = context;
	struct sp_whose_entry entry = {record->reading.client, record->reading.generation, record->who.method,
	                               NULL};

	if (whose->count == whose->room) {
		size_t room = whose->room ? whose->room * 2 : 256;
		struct sp_whose_entry *more = reallocarray(whose->list, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		whose->list = more;
		whose->room = room;
	}
	if (record->who.name[0])
		entry.name = strdup(record->who.name);
	whose->list[whose->count++] = entry;
	return 0;
}

static int compare(const void *one, const void *other)
{
	const struct sp_whose_entry *left = one, *right = other;

	return memcmp(&left->client, &right->client, sizeof(left->client));
}

/* NULL: there is none, or it cannot be read, which is said. */
static struct sp_ledger *look_into(struct sp_maps *maps)
{
	struct sp_ledger *ledger = NULL;
	struct sp_error err;

	if (!sp_ledger_exists(&maps->instance))
		return NULL;
	ledger = sp_session_ledger(maps, &err);
	if (!ledger)
		sp_log(SP_LOG_WARNING, "whose the sessions are cannot be read: %s", err.text);
	return ledger;
}

void sp_whose_open(struct sp_whose *whose, struct sp_maps *maps)
{
	struct sp_ledger *ledger = look_into(maps);
	struct sp_error err = {.text = "out of memory"};

	*whose = (struct sp_whose){.list = NULL};
	if (!ledger)
		return;
	if (sp_ledger_session_each(ledger, keep, whose, &err))
		sp_log(SP_LOG_WARNING, "whose the sessions are cannot be read: %s", err.text);
	if (whose->count)
		qsort(whose->list, whose->count, sizeof(*whose->list), compare);
}

void sp_whose_close(struct sp_whose *whose)
{
	for (size_t i = 0; i < whose->count; i++)
		free(whose->list[i].name);
	free(whose->list);
	*whose = (struct sp_whose){.list = NULL};
}

struct sp_owner sp_whose_find(const struct sp_whose *whose, const struct sp_session *session)
{
	const struct sp_whose_entry wanted = {.client = session->key};
	const struct sp_whose_entry *entry = NULL;

	if (whose->count)
		entry = bsearch(&wanted, whose->list, whose->count, sizeof(wanted), compare);
	if (!entry || entry->generation != session->policy.generation ||
	    session->policy.state != SP_CLIENT_AUTHORIZED)
		return (struct sp_owner){NULL, ""};
	return (struct sp_owner){sp_method_name(entry->method), entry->name ? entry->name : ""};
}

struct sp_owner sp_whose_one(struct sp_maps *maps, const struct sp_session *session,
                             struct sp_who *who)
{
	struct sp_ledger *ledger = look_into(maps);
	struct sp_record record;
	struct sp_error err;

	if (!ledger || session->policy.state != SP_CLIENT_AUTHORIZED ||
	    sp_ledger_session_last(ledger, &session->key, &record, &err) ||
	    record.reading.generation != session->policy.generation)
		return (struct sp_owner){NULL, ""};
	*who = record.who;
	return (struct sp_owner){sp_method_name(who->method), who->name};
}
