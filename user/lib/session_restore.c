/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger is written before the map: what sessions used becomes their base, from which the
 * counters of the new map go on. A ledger that cannot be written brings nobody back, whose use
 * would be counted wrong.
 */
#include "lib/session_restore.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/session.h"
#include "lib/session_policy.h"
#include "lib/slots.h"

#define PIECE 4096u /* entries of one batch: a few ms */

/* A session that nothing is left of. */
struct over {
	uint64_t id, at;
	enum sp_cause cause;
};

struct restore {
	struct sp_maps *maps;
	struct sp_ledger *ledger;
	struct sp_clock clock;
	uint64_t now; /* that counts: not before what the ledger has seen */
	struct over *over;
	size_t over_count, over_room;
	struct sp_client_key *keys;
	struct sp_client_policy *policies;
	uint32_t filled; /* of these */
	uint32_t generation;
	int restored;
	struct sp_error *err;
};

enum sp_cause sp_session_left(const struct sp_record *record, uint64_t now, struct sp_limits *left)
{
	const struct sp_reading *reading = &record->reading;

	*left = record->limits;
	if (record->until && record->until <= now)
		return SP_CAUSE_TIME;
	left->seconds = record->until ? record->until - now : 0;
	if (sp_limits_take_off(left, reading->up_bytes, reading->down_bytes))
		return SP_CAUSE_QUOTA;
	if (left->bind && !left->ipv4)
		left->ipv4 = reading->ipv4;
	return SP_CAUSE_NONE;
}

static int no_memory(const struct restore *restore)
{
	return sp_fail(restore->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* --- the ledger --- */

static int find_over(const struct sp_record *record, void *context)
{
	struct restore *restore = context;
	struct sp_limits left;
	struct over over = {.id = record->id, .at = record->until};

	over.cause = sp_session_left(record, restore->now, &left);
	if (over.cause == SP_CAUSE_NONE)
		return 0;
	if (over.cause == SP_CAUSE_QUOTA)
		over.at = record->reading.written;
	if (restore->over_count == restore->over_room) {
		size_t room = restore->over_room ? restore->over_room * 2 : 256;
		struct over *more = reallocarray(restore->over, room, sizeof(*more));

		if (!more)
			return no_memory(restore);
		restore->over = more;
		restore->over_room = room;
	}
	restore->over[restore->over_count++] = over;
	return 0;
}

static int end_over(struct restore *restore)
{
	int code = sp_ledger_session_each(restore->ledger, find_over, restore, restore->err);

	for (size_t i = 0; i < restore->over_count && !code; i++)
		code = sp_ledger_session_end(restore->ledger, restore->over[i].id,
		                             restore->over[i].cause, restore->over[i].at,
		                             restore->err);
	free(restore->over);
	return code;
}

static int prepare_ledger(struct restore *restore)
{
	int code = sp_ledger_begin(restore->ledger, restore->err);

	if (code)
		return code;
	code = end_over(restore);
	if (!code)
		code = sp_ledger_session_restored(restore->ledger, restore->now, restore->err);
	if (!code)
		return sp_ledger_commit(restore->ledger, restore->err);
	sp_ledger_rollback(restore->ledger);
	return code;
}

/* --- the map --- */

static int write_piece(struct restore *restore)
{
	uint32_t count = restore->filled;
	int code = count ? bpf_map_update_batch(restore->maps->clients, restore->keys,
	                                        restore->policies, &count, NULL)
	                 : 0;

	if (code)
		return sp_fail(restore->err, code, SP_EXIT_FAILED, "%s/clients: cannot write: %s",
		               restore->maps->instance.pins, strerror(-code));
	restore->restored += (int)restore->filled;
	restore->filled = 0;
	return 0;
}

static int put(struct restore *restore, const struct sp_client_key *key,
               struct sp_client_policy *policy)
{
	if (sp_slots_take(restore->maps, restore->filled, &policy->slot))
		return sp_fail(
			restore->err, -ENOSPC, SP_EXIT_FAILED,
			"there were more clients than the %u of max_clients; raise it in the "
			"configuration",
			restore->maps->max_clients);
	policy->granted = restore->clock.jiffies;
	if (policy->generation > restore->generation)
		restore->generation = policy->generation;
	restore->keys[restore->filled] = *key;
	restore->policies[restore->filled++] = *policy;
	return restore->filled == PIECE ? write_piece(restore) : 0;
}

static int put_block(const struct sp_block *block, void *context)
{
	/* What it is counted by must not be 0, nor need it be anything else. */
	struct sp_client_policy policy = {
		.state = SP_CLIENT_BLOCKED,
		.generation = 1,
		.granted_unix = (uint32_t)block->since,
	};
	return put(context, &block->client, &policy);
}

static int put_session(const struct sp_record *record, void *context)
{
	struct restore *restore = context;
	struct sp_client_policy policy = {
		.state = SP_CLIENT_AUTHORIZED,
		.generation = record->reading.generation,
		.method = (uint8_t)record->who.method,
		.granted_unix = (uint32_t)record->begun,
	};
	struct sp_limits left;

	if (sp_session_left(record, restore->now, &left) != SP_CAUSE_NONE)
		return 0;
	sp_policy_limit(&policy, &left, &restore->clock);
	return put(restore, &record->reading.client, &policy);
}

/* Generations of new sessions go on from those there are. */
static int write_generation(struct restore *restore)
{
	struct sp_settings settings;
	uint32_t key = 0;
	int code = bpf_map_lookup_elem(restore->maps->settings, &key, &settings);

	if (!code) {
		settings.generation = restore->generation;
		code = bpf_map_update_elem(restore->maps->settings, &key, &settings, BPF_EXIST);
	}
	if (code)
		return sp_fail(restore->err, code, SP_EXIT_FAILED, "%s/settings: %s",
		               restore->maps->instance.pins, strerror(-code));
	return 0;
}

/* If there is not room for all of them, those there is room for. */
static int fill_map(struct restore *restore)
{
	int full = sp_ledger_block_each(restore->ledger, put_block, restore, restore->err), code;

	if (!full)
		full = sp_ledger_session_each(restore->ledger, put_session, restore, restore->err);
	if (full && full != -ENOSPC)
		return full;
	code = write_piece(restore);
	if (!code)
		code = write_generation(restore);
	return code ? code : full;
}

int sp_session_restore(struct sp_maps *maps, struct sp_error *err)
{
	struct restore restore = {.maps = maps, .err = err};
	uint64_t seen = 0;
	int code;

	if (!sp_ledger_exists(&maps->instance))
		return 0;
	restore.ledger = sp_session_ledger(maps, err);
	code = restore.ledger ? sp_clock_read(&restore.clock, maps->clock, err) : -EIO;
	if (!code)
		code = sp_ledger_seen(restore.ledger, &seen, err);
	if (code)
		return code;
	restore.now = seen > restore.clock.unix_time ? seen : restore.clock.unix_time;
	code = prepare_ledger(&restore);
	if (code)
		return code;
	restore.keys = calloc(PIECE, sizeof(*restore.keys));
	restore.policies = calloc(PIECE, sizeof(*restore.policies));
	code = restore.keys && restore.policies ? fill_map(&restore) : no_memory(&restore);
	free(restore.keys);
	free(restore.policies);
	return code ? code : restore.restored;
}
