/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ledger and map say the same again: after a reboot, after a crash between the two writes of a
 * change, after a time without a ledger.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ledger.h"
#include "lib/ledger_bulk.h"
#include "lib/ledger_db.h"
#include "lib/session.h"
#include "lib/session_memory.h"
#include "lib/session_policy.h"

#define ROUNDING 2 /* seconds that two clocks may be apart because both count whole ones */

/* Sessions that go on, or blocks, by the ledger or in the map, in the order of their clients. */
struct known {
	struct sp_client_key client;
	uint32_t generation; /* of a session */
	bool seen;           /* of the ledger: in the map as well */
	uint64_t id;         /* of the ledger, as the next two */
	uint64_t heard, until;
	uint64_t begun; /* in the map */
	uint64_t
		ends; /* in the map, by the kernel's clock and the wall clock of now; 0: no bound */
};

struct list {
	struct known *known;
	size_t count, room;
};

struct reconcile {
	struct sp_maps *maps;
	struct sp_ledger *ledger;
	struct sp_clock clock;
	struct list sessions, blocks;         /* of the ledger */
	struct list map_sessions, map_blocks; /* in the map */
	struct list unknown;                  /* sessions that only the map has */
	struct sp_error *err;
};

static int keep(struct reconcile *reconcile, struct list *list, struct known known)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 256;
		struct known *more = reallocarray(list->known, room, sizeof(*list->known));

		if (!more)
			return sp_fail(reconcile->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
		list->known = more;
		list->room = room;
	}
	list->known[list->count++] = known;
	return 0;
}

static int collect(const struct sp_record *record, void *context)
{
	struct reconcile *reconcile = context;
	const struct known known = {
		.client = record->reading.client,
		.generation = record->reading.generation,
		.id = record->id,
		.heard = record->reading.written,
		.until = record->until,
	};

	return keep(reconcile, &reconcile->sessions, known);
}

static int collect_block(const struct sp_block *block, void *context)
{
	struct reconcile *reconcile = context;

	return keep(reconcile, &reconcile->blocks, (struct known){.client = block->client});
}

/* One key to a client: any order will do. */
static uint64_t number_of(const struct sp_client_key *client)
{
	uint64_t number;

	_Static_assert(sizeof(number) == sizeof(*client), "a key is one word");
	memcpy(&number, client, sizeof(number));
	return number;
}

static int compare(const void *one, const void *other)
{
	uint64_t left = number_of(one), right = number_of(other);

	return (left > right) - (left < right);
}

static void sort(struct list *list)
{
	if (list->count)
		qsort(list->known, list->count, sizeof(*list->known), compare);
}

/* --- the map --- */

static int meet(const struct sp_client_key *key, const struct sp_client_policy *policy,
                void *context)
{
	struct reconcile *reconcile = context;
	struct known known = {.client = *key, .begun = policy->granted_unix};

	if (policy->state == SP_CLIENT_BLOCKED)
		return keep(reconcile, &reconcile->map_blocks, known);
	if (policy->state != SP_CLIENT_AUTHORIZED)
		return 0;
	known.generation = policy->generation;
	known.ends = sp_clock_unix(&reconcile->clock, policy->expires);
	return keep(reconcile, &reconcile->map_sessions, known);
}

static int only_in_map(struct reconcile *reconcile, const struct known *known)
{
	return keep(reconcile, &reconcile->unknown, *known);
}

static int adopt_block(struct reconcile *reconcile, const struct known *known)
{
	const struct sp_block block = {.client = known->client, .since = known->begun};

	return sp_ledger_block_set(reconcile->ledger, &block, reconcile->err);
}

/* Mark in @ledger what is in @map as well, and do @adopt with what only @map has. */
static int merge(struct reconcile *reconcile, struct list *map, struct list *ledger,
                 int (*adopt)(struct reconcile *reconcile, const struct known *known))
{
	size_t at = 0;
	int code = 0;

	sort(map);
	sort(ledger);
	for (size_t i = 0; i < map->count && !code; i++) {
		const struct known *known = &map->known[i];

		while (at < ledger->count && compare(&ledger->known[at], known) < 0)
			at++;
		if (at == ledger->count || compare(&ledger->known[at], known) != 0 ||
		    ledger->known[at].generation != known->generation) {
			code = adopt(reconcile, known);
			continue;
		}
		ledger->known[at].seen = true;
		ledger->known[at].ends = known->ends;
	}
	return code;
}

static bool differ(uint64_t one, uint64_t other)
{
	return one > other ? one - other > ROUNDING : other - one > ROUNDING;
}

/* Lost ones ended when they were last heard of. The ends of the others are those of the kernel's
 * clock, should the wall clock have been set meanwhile. */
static int mend_sessions(struct reconcile *reconcile)
{
	int code = 0;

	for (size_t i = 0; i < reconcile->sessions.count && !code; i++) {
		const struct known *known = &reconcile->sessions.known[i];

		if (!known->seen)
			code = sp_ledger_session_end(reconcile->ledger, known->id, SP_CAUSE_LOST,
			                             known->heard, reconcile->err);
		else if (differ(known->ends, known->until))
			code = sp_ledger_session_until(reconcile->ledger, known->id, known->ends,
			                               reconcile->err);
	}
	return code;
}

/* Blocks that were lifted while the ledger could not be written. */
static int lift_blocks(struct reconcile *reconcile)
{
	int code = 0;

	for (size_t i = 0; i < reconcile->blocks.count && !code; i++)
		if (!reconcile->blocks.known[i].seen)
			code = sp_ledger_block_remove(reconcile->ledger,
			                              &reconcile->blocks.known[i].client,
			                              reconcile->err);
	return code;
}

/* --- sessions that the ledger does not know --- */

/* What has ended by now is not remembered; the others are in front. */
static int leave_out_ended(struct reconcile *reconcile)
{
	struct list *unknown = &reconcile->unknown;
	struct sp_session session;
	size_t left = 0;

	for (size_t i = 0; i < unknown->count; i++) {
		int code = sp_session_get(reconcile->maps, &reconcile->clock,
		                          &unknown->known[i].client, &session, reconcile->err);

		if (code)
			return code;
		if (session.effective == SP_CLIENT_AUTHORIZED)
			unknown->known[left++] = unknown->known[i];
	}
	unknown->count = left;
	return 0;
}

static void row_at(uint32_t index, struct sp_ledger_row *row, void *context)
{
	static const struct sp_limits none;
	const struct known *known = &((struct reconcile *)context)->unknown.known[index];

	*row = (struct sp_ledger_row){
		.client = known->client,
		.generation = known->generation,
		.method = SP_METHOD_NONE,
		.begun = known->begun,
		.until = known->ends,
		.name = "",
		.note = "",
		.limits = &none,
	};
}

/* They are remembered from now on, as those of somebody. */
static int adopt_sessions(struct reconcile *reconcile)
{
	int code = leave_out_ended(reconcile);
	uint64_t first;

	return code ? code
	            : sp_ledger_session_add_many(
			      reconcile->ledger, (uint32_t)reconcile->unknown.count, row_at,
			      reconcile, reconcile->clock.unix_time, &first, reconcile->err);
}

/* --- all of it --- */

static int read_both(struct reconcile *reconcile)
{
	int code = sp_ledger_session_each(reconcile->ledger, collect, reconcile, reconcile->err);

	if (!code)
		code = sp_ledger_block_each(reconcile->ledger, collect_block, reconcile,
		                            reconcile->err);
	return code ? code : sp_policy_each(reconcile->maps, meet, reconcile, reconcile->err);
}

static int compare_and_mend(struct reconcile *reconcile)
{
	int code = read_both(reconcile);

	if (!code)
		code = merge(reconcile, &reconcile->map_sessions, &reconcile->sessions,
		             only_in_map);
	if (!code)
		code = merge(reconcile, &reconcile->map_blocks, &reconcile->blocks, adopt_block);
	if (!code)
		code = mend_sessions(reconcile);
	if (!code)
		code = lift_blocks(reconcile);
	if (!code)
		code = adopt_sessions(reconcile);
	free(reconcile->sessions.known);
	free(reconcile->blocks.known);
	free(reconcile->map_sessions.known);
	free(reconcile->map_blocks.known);
	free(reconcile->unknown.known);
	return code;
}

static int write_one(const struct sp_session *session, void *context)
{
	struct reconcile *reconcile = context;
	const struct sp_reading reading =
		sp_memory_reading(session, &reconcile->clock, SP_CAUSE_NONE);
	int code;

	/* Of one that has moved nothing the ledger knows all. */
	if (session->policy.state != SP_CLIENT_AUTHORIZED ||
	    (!session->up_packets && !session->down_packets && !session->ended))
		return 0;
	code = sp_ledger_session_write(reconcile->ledger, 0, &reading, reconcile->err);
	return code == -ENOENT ? 0 : code;
}

static int write_all(struct reconcile *reconcile)
{
	return sp_session_each(reconcile->maps, &reconcile->clock, write_one, reconcile,
	                       reconcile->err);
}

/* Do @what in one transaction, with the lock of the instance. */
static int in_transaction(struct reconcile *reconcile, int (*what)(struct reconcile *))
{
	int code = sp_clock_read(&reconcile->clock, reconcile->maps->clock, reconcile->err);

	if (!code)
		code = sp_ledger_begin_quick(reconcile->ledger, reconcile->err);
	if (code)
		return code;
	code = what(reconcile);
	if (!code)
		return sp_ledger_commit(reconcile->ledger, reconcile->err);
	sp_ledger_rollback(reconcile->ledger);
	return code;
}

/* They may be very many. */
static int with_cache(struct reconcile *reconcile, int (*what)(struct reconcile *))
{
	int code;

	sp_db_cache(reconcile->ledger, true);
	code = in_transaction(reconcile, what);
	sp_db_cache(reconcile->ledger, false);
	return code;
}

static int locked(struct sp_maps *maps, int (*what)(struct reconcile *), struct sp_error *err)
{
	struct reconcile reconcile = {.maps = maps, .err = err};
	int code = sp_maps_lock(maps, err);

	if (code)
		return code;
	reconcile.ledger = sp_session_ledger(maps, err);
	code = reconcile.ledger ? with_cache(&reconcile, what) : -EIO;
	sp_maps_unlock(maps);
	return code;
}

int sp_session_reconcile(struct sp_maps *maps, struct sp_error *err)
{
	return locked(maps, compare_and_mend, err);
}

int sp_session_write_all(struct sp_maps *maps, struct sp_error *err)
{
	return locked(maps, write_all, err);
}
