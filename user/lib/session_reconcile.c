/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ledger and map say the same again: after a reboot, after a crash between the two writes of a
 * change, after a time without a ledger.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ledger.h"
#include "lib/session.h"
#include "lib/session_memory.h"

/* Sessions that go on by the ledger, in the order of their clients. */
struct known {
	struct sp_client_key client;
	uint32_t generation;
	bool seen; /* in the map */
	uint64_t id;
};

struct reconcile {
	struct sp_maps *maps;
	struct sp_ledger *ledger;
	struct sp_clock clock;
	struct known *known;
	size_t count, room;
	struct sp_error *err;
};

static int collect(const struct sp_record *record, void *context)
{
	struct reconcile *reconcile = context;

	if (reconcile->count == reconcile->room) {
		size_t room = reconcile->room ? reconcile->room * 2 : 256;
		struct known *more =
			reallocarray(reconcile->known, room, sizeof(*reconcile->known));

		if (!more)
			return sp_fail(reconcile->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
		reconcile->known = more;
		reconcile->room = room;
	}
	reconcile->known[reconcile->count++] =
		(struct known){record->client, record->generation, false, record->id};
	return 0;
}

static int compare(const void *one, const void *other)
{
	const struct known *left = one, *right = other;

	return memcmp(&left->client, &right->client, sizeof(left->client));
}

/* The session of the ledger that @session is in the map; NULL: none. */
static struct known *find(const struct reconcile *reconcile, const struct sp_session *session)
{
	const struct known wanted = {.client = session->key};
	struct known *known = NULL;

	if (reconcile->count)
		known = bsearch(&wanted, reconcile->known, reconcile->count, sizeof(wanted),
		                compare);
	return known && known->generation == session->policy.generation ? known : NULL;
}

static int mark(const struct sp_session *session, void *context)
{
	struct known *known =
		session->policy.state == SP_CLIENT_AUTHORIZED ? find(context, session) : NULL;

	if (known)
		known->seen = true;
	return 0;
}

/* They ended when they were last heard of. */
static int end_lost(struct reconcile *reconcile)
{
	struct sp_record record;
	int code = 0;

	for (size_t i = 0; i < reconcile->count && !code; i++) {
		if (reconcile->known[i].seen)
			continue;
		code = sp_ledger_session_get(reconcile->ledger, reconcile->known[i].id, &record,
		                             reconcile->err);
		record.cause = SP_CAUSE_LOST;
		if (!code)
			code = sp_ledger_session_write(reconcile->ledger, &record, reconcile->err);
	}
	return code;
}

/* A session that the ledger does not know is remembered from now on, as that of somebody. */
static int adopt(const struct sp_session *session, void *context)
{
	struct reconcile *reconcile = context;
	struct sp_record record = {
		.client = session->key,
		.generation = session->policy.generation,
		.begun = session->policy.granted_unix,
	};

	if (session->effective != SP_CLIENT_AUTHORIZED || find(reconcile, session))
		return 0;
	return sp_ledger_session_add(reconcile->ledger, &record, reconcile->err);
}

static int walk(struct reconcile *reconcile, sp_session_visit visit)
{
	return sp_session_each(reconcile->maps, &reconcile->clock, visit, reconcile,
	                       reconcile->err);
}

static int compare_and_mend(struct reconcile *reconcile)
{
	int code = sp_ledger_session_each(reconcile->ledger, collect, reconcile, reconcile->err);

	if (reconcile->count)
		qsort(reconcile->known, reconcile->count, sizeof(*reconcile->known), compare);
	if (!code)
		code = walk(reconcile, mark);
	if (!code)
		code = end_lost(reconcile);
	if (!code)
		code = walk(reconcile, adopt);
	free(reconcile->known);
	return code;
}

static int write_one(const struct sp_session *session, void *context)
{
	struct reconcile *reconcile = context;
	struct sp_record record = sp_memory_record(session, &reconcile->clock, SP_CAUSE_NONE);
	int code;

	if (session->policy.state != SP_CLIENT_AUTHORIZED)
		return 0;
	code = sp_ledger_session_write(reconcile->ledger, &record, reconcile->err);
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

static int locked(struct sp_maps *maps, int (*what)(struct reconcile *), struct sp_error *err)
{
	struct reconcile reconcile = {.maps = maps, .err = err};
	int code = sp_maps_lock(maps, err);

	if (code)
		return code;
	reconcile.ledger = sp_session_ledger(maps, err);
	code = reconcile.ledger ? in_transaction(&reconcile, what) : -EIO;
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
