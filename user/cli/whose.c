/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/whose.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ledger.h"
#include "lib/ledger_bulk.h"
#include "lib/log.h"
#include "lib/session_memory.h"

struct sp_whose_entry {
	struct sp_client_key client;
	uint32_t generation; /* 0: a block */
	uint32_t name, note; /* where they begin in `names` */
	uint32_t zone;       /* index in struct sp_whose */
};

/* @at is where that of the client before is: many have the same, or none. */
static int keep_text(struct sp_whose *whose, const char *text, uint32_t *at)
{
	size_t size = strlen(text) + 1;

	if (whose->names && !strcmp(whose->names + *at, text))
		return 0;
	if (!whose->names || whose->length + size > whose->names_room) {
		size_t room = whose->names_room ? whose->names_room * 2 : 4096;
		char *more = room <= UINT32_MAX ? realloc(whose->names, room) : NULL;

		if (!more)
			return -ENOMEM;
		whose->names = more;
		whose->names_room = room;
	}
	*at = (uint32_t)whose->length;
	memcpy(whose->names + whose->length, text, size);
	whose->length += size;
	return 0;
}

/* The index of zone @name, which is remembered. */
static uint32_t find_zone(struct sp_whose *whose, const char *name)
{
	for (unsigned i = 0; i < whose->zones; i++)
		if (!strcmp(whose->zone[i], name))
			return i;
	if (whose->zones == SP_WHOSE_ZONES)
		return 0;
	memcpy(whose->zone[whose->zones], name, strlen(name) + 1);
	return whose->zones++;
}

static int keep(const struct sp_client_key *client, uint32_t generation, const char *name,
                const char *zone, const char *note, void *context)
{
	struct sp_whose *whose = context;
	struct sp_whose_entry entry = {
		.client = *client, .generation = generation, .zone = find_zone(whose, zone)};

	if (whose->count == whose->room) {
		uint32_t room = whose->room ? whose->room * 2 : 256;
		struct sp_whose_entry *more = reallocarray(whose->list, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		whose->list = more;
		whose->room = room;
	}
	if (whose->count) {
		entry.name = whose->list[whose->count - 1].name;
		entry.note = whose->list[whose->count - 1].note;
	}
	if (keep_text(whose, name, &entry.name) || keep_text(whose, note, &entry.note))
		return -ENOMEM;
	whose->list[whose->count++] = entry;
	return 0;
}

static int keep_block(const struct sp_block *block, void *context)
{
	return block->note[0] ? keep(&block->client, 0, "", "", block->note, context) : 0;
}

/* Where the search for @client begins. MACs of one maker differ in their last bytes. */
static uint32_t place_of(const struct sp_whose *whose, const struct sp_client_key *client)
{
	uint64_t bits;

	memcpy(&bits, client, sizeof(bits));
	/* Knuth's multiplicative hashing; its upper bits are the mixed ones. */
	return (uint32_t)(bits * UINT64_C(0x9e3779b97f4a7c15) >> 32) & whose->mask;
}

static int index_all(struct sp_whose *whose)
{
	uint32_t size = 1;

	while (size < whose->count * 2)
		size *= 2;
	whose->mask = size - 1;
	whose->table = calloc(size, sizeof(*whose->table));
	if (!whose->table)
		return -ENOMEM;
	for (uint32_t i = 0; i < whose->count; i++) {
		uint32_t at = place_of(whose, &whose->list[i].client);

		while (whose->table[at])
			at = (at + 1) & whose->mask;
		whose->table[at] = i + 1;
	}
	return 0;
}

static const struct sp_whose_entry *find(const struct sp_whose *whose,
                                         const struct sp_client_key *client, uint32_t generation)
{
	if (!whose->table)
		return NULL;
	for (uint32_t at = place_of(whose, client); whose->table[at]; at = (at + 1) & whose->mask) {
		const struct sp_whose_entry *entry = &whose->list[whose->table[at] - 1];

		if (entry->generation == generation &&
		    !memcmp(&entry->client, client, sizeof(*client)))
			return entry;
	}
	return NULL;
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

	*whose = (struct sp_whose){.maps = maps, .zones = 1};
	if (!ledger)
		return;
	if (sp_ledger_session_each_name(ledger, keep, whose, &err) ||
	    sp_ledger_block_each(ledger, keep_block, whose, &err) || index_all(whose))
		sp_log(SP_LOG_WARNING, "whose the sessions are cannot be read: %s", err.text);
}

void sp_whose_close(struct sp_whose *whose)
{
	free(whose->list);
	free(whose->table);
	free(whose->names);
	*whose = (struct sp_whose){.maps = NULL};
}

struct sp_owner sp_whose_find(struct sp_whose *whose, const struct sp_session *session)
{
	const struct sp_client_policy *policy = &session->policy;
	bool blocked = policy->state != SP_CLIENT_AUTHORIZED;
	const struct sp_whose_entry *entry =
		find(whose, &session->key, blocked ? 0 : policy->generation);

	if (blocked)
		return (struct sp_owner){NULL, "", "", entry ? whose->names + entry->note : ""};
	if (!entry)
		return (struct sp_owner){policy->method ? sp_method_name(policy->method) : NULL, "",
		                         "", ""};
	/* Let in by a sallyport whose policies did not say it. */
	if (policy->method == SP_METHOD_NONE)
		return sp_whose_one(whose->maps, session, &whose->one);
	return (struct sp_owner){sp_method_name(policy->method), whose->names + entry->name,
	                         whose->zone[entry->zone], whose->names + entry->note};
}

struct sp_owner sp_whose_one(struct sp_maps *maps, const struct sp_session *session,
                             struct sp_owner_text *text)
{
	struct sp_ledger *ledger = look_into(maps);
	struct sp_record record;
	struct sp_error err;

	text->note[0] = '\0';
	if (ledger && session->policy.state == SP_CLIENT_BLOCKED)
		sp_memory_note(maps, session, text->note);
	if (!ledger || session->policy.state != SP_CLIENT_AUTHORIZED ||
	    sp_ledger_session_last(ledger, &session->key, &record, &err) ||
	    record.reading.generation != session->policy.generation)
		return (struct sp_owner){NULL, "", "", text->note};
	text->who = record.who;
	memcpy(text->note, record.note, sizeof(text->note));
	return (struct sp_owner){sp_method_name(text->who.method), text->who.name, text->who.zone,
	                         text->note};
}
