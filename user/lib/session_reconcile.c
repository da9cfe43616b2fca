/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ledger and map say the same again: after a reboot, after a crash between the two writes of a
 * change, after a time without a ledger.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ledger.h"
#include "lib/ledger_db.h"
#include "lib/session.h"
#include "lib/session_memory.h"

#define ROUNDING 2 /* seconds that two clocks may be apart because both count whole ones */

/* Sessions that go on, or blocks, by the ledger, in the order of their clients. */
struct known {
	struct sp_client_key client;
	uint32_t generation;
	bool seen; /* in the map */
	uint64_t id, heard, until;
	uint64_t ends; /* by the kernel's clock and the wall clock of now; 0: no bound */
};

struct reconcile {
	struct sp_maps *maps;
	struct sp_ledger *ledger;
	struct sp_clock clock;
	struct list {
		struct known *known;
		size_t count, room;
	} sessions, blocks;
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

static int compare(const void *one, const void *other)
{
	const struct known *left = one, *right = other;

	return memcmp(&left->client, &right->client, sizeof(left->client));
}

static void sort(struct list *list)
{
	if (list->count)
		qsort(list->known, list->count, sizeof(*list->known), compare);
}

static struct known *find(const struct list *list, const struct sp_client_key *client)
{
	const struct known wanted = {.client = *client};

	return list->count ? bsearch(&wanted, list->known, list->count, sizeof(wanted), compare)
	                   : NULL;
}

/* The session of the ledger that @session is in the map; NULL: none. */
static struct known *find_session(const struct reconcile *reconcile,
                                  const struct sp_session *session)
{
	struct known *known = find(&reconcile->sessions, &session->key);

	return known && known->generation == session->policy.generation ? known : NULL;
}

static int mark(const struct sp_session *session, void *context)
{
	const struct reconcile *reconcile = context;
	struct known *known = NULL;

	if (session->policy.state == SP_CLIENT_AUTHORIZED)
		known = find_session(reconcile, session);
	else if (session->policy.state == SP_CLIENT_BLOCKED)
		known = find(&reconcile->blocks, &session->key);
	if (!known)
		return 0;
	known->seen = true;
	known->ends = sp_clock_unix(&reconcile->clock, session->policy.expires);
	return 0;
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

/* A session that the ledger does not know is remembered from now on, as that of somebody. */
static int adopt_session(struct reconcile *reconcile, const struct sp_session *session)
{
	const struct sp_client_policy *policy = &session->policy;
	struct sp_record record = {
		.reading = {.client = session->key, .generation = policy->generation},
		.begun = policy->granted_unix,
		.granted = policy->granted_unix,
		.until = sp_clock_unix(&reconcile->clock, policy->expires),
	};

	return sp_ledger_session_add(reconcile->ledger, &record, reconcile->err);
}

static int adopt_block(struct reconcile *reconcile, const struct sp_session *session)
{
	const struct sp_block block = {.client = session->key,
	                               .since = session->policy.granted_unix};

	return sp_ledger_block_set(reconcile->ledger, &block, reconcile->err);
}

static int adopt(const struct sp_session *session, void *context)
{
	struct reconcile *reconcile = context;

	if (session->effective == SP_CLIENT_AUTHORIZED && !find_session(reconcile, session))
		return adopt_session(reconcile, session);
	if (session->effective == SP_CLIENT_BLOCKED && !find(&reconcile->blocks, &session->key))
		return adopt_block(reconcile, session);
	return 0;
}

static int walk(struct reconcile *reconcile, sp_session_visit visit)
{
	return sp_session_each(reconcile->maps, &reconcile->clock, visit, reconcile,
	                       reconcile->err);
}

static int compare_and_mend(struct reconcile *reconcile)
{
	int code = sp_ledger_session_each(reconcile->ledger, collect, reconcile, reconcile->err);

	if (!code)
		code = sp_ledger_block_each(reconcile->ledger, collect_block, reconcile,
		                            reconcile->err);
	sort(&reconcile->sessions);
	sort(&reconcile->blocks);
	if (!code)
		code = walk(reconcile, mark);
	if (!code)
		code = mend_sessions(reconcile);
	if (!code)
		code = lift_blocks(reconcile);
	if (!code)
		code = walk(reconcile, adopt);
	free(reconcile->sessions.known);
	free(reconcile->blocks.known);
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
	return walk(reconcile, write_one);
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
