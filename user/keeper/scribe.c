/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/scribe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ledger_bulk.h"
#include "lib/monotonic.h"
#include "lib/session.h"
#include "lib/session_memory.h"

#define PAUSE_MS  20 /* in which others find the ledger free, while the log is told of an import */
#define PERIOD_MS 10000
#define AGAIN_MS  1000 /* while the ledger cannot be written */
#define ROUNDING  2    /* seconds that two clocks may be apart because both count whole ones */
#define PIECE     500  /* rows of one transaction: 5 to 10 ms */

int sp_scribe_init(struct sp_scribe *scribe, struct sp_maps *maps, struct sp_error *err)
{
	*scribe = (struct sp_scribe){
		.maps = maps,
		.told = calloc(maps->max_clients, sizeof(*scribe->told)),
		.due = sp_monotonic_ms() + PERIOD_MS,
		.log = {.burst = 5},
	};
	return scribe->told ? 0 : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

struct look {
	struct sp_scribe *scribe;
	struct sp_clock clock;
	struct sp_census census;
};

static int put(struct sp_scribe *scribe, const struct sp_reading *reading)
{
	if (scribe->count == scribe->room) {
		size_t room = scribe->room ? scribe->room * 2 : PIECE;
		struct sp_reading *more = reallocarray(scribe->queue, room, sizeof(*scribe->queue));

		if (!more)
			return -ENOMEM;
		scribe->queue = more;
		scribe->room = room;
	}
	scribe->queue[scribe->count++] = *reading;
	return 0;
}

static int look_at(const struct sp_session *session, void *context)
{
	struct look *look = context;
	const struct sp_client_policy *policy = &session->policy;
	const struct sp_told now = {policy->generation, session->ended_for,
	                            session->up_packets + session->down_packets};
	struct sp_reading reading;
	struct sp_told *told;
	bool fresh;

	sp_census_add(&look->census, session);
	if (policy->state != SP_CLIENT_AUTHORIZED ||
	    policy->slot >= look->scribe->maps->max_clients)
		return 0;
	told = &look->scribe->told[policy->slot];
	fresh = told->generation != now.generation;
	if (told->generation == now.generation && told->cause == now.cause &&
	    told->packets == now.packets)
		return 0;
	*told = now;
	/* Of a session that has begun and moved nothing the ledger knows all. */
	if (fresh && !now.packets && !now.cause)
		return 0;
	reading = sp_memory_reading(session, &look->clock, SP_CAUSE_NONE);
	return put(look->scribe, &reading);
}

/* By how many seconds the wall clock was set since @before. */
static int64_t step_since(const struct sp_clock *before, const struct sp_clock *now)
{
	uint64_t passed = (now->jiffies - before->jiffies) / now->hz;

	return (int64_t)(now->unix_time - before->unix_time - passed);
}

/*
 * The ledger knows the ends of sessions by the wall clock, the kernel by its own. Where nothing
 * moves, this is also what tells whether the ledger can be written.
 */
static int keep_time(struct sp_scribe *scribe, const struct sp_clock *now, struct sp_error *err)
{
	struct sp_ledger *ledger = sp_session_ledger(scribe->maps, err);
	int64_t step = scribe->clock.hz ? step_since(&scribe->clock, now) : 0;
	int code = -EIO;

	if (step >= -ROUNDING && step <= ROUNDING)
		step = 0;
	if (ledger)
		code = sp_ledger_clock(ledger, now->unix_time, step, err);
	if (!code && (step || !scribe->clock.hz))
		scribe->clock = *now;
	return code;
}

static int look(struct sp_scribe *scribe, struct sp_error *err)
{
	struct look look = {.scribe = scribe};
	int code = sp_clock_read(&look.clock, scribe->maps->clock, err);

	scribe->next = scribe->count = 0;
	if (!code)
		code = keep_time(scribe, &look.clock, err);
	if (code)
		return code;
	code = sp_session_each(scribe->maps, &look.clock, look_at, &look, err);
	if (!code) {
		scribe->census = look.census;
		scribe->counted = true;
	}
	return code == -ENOMEM ? sp_fail(err, code, SP_EXIT_FAILED, "out of memory") : code;
}

/* Of sessions that end by themselves; who ends one otherwise says so. */
static void report_end(const struct sp_reading *reading)
{
	static struct sp_log_limit limit = {.burst = 50};
	const struct sp_log_about about = {.client = &reading->client};
	char name[SP_SESSION_NAME];

	sp_log_about(&limit, &about, SP_LOG_INFO, "%s: session ended: %s",
	             sp_session_name(name, &reading->client), sp_cause_name(reading->cause));
}

static int write_row(struct sp_ledger *ledger, const struct sp_reading *reading,
                     struct sp_error *err)
{
	int code = sp_ledger_session_write(ledger, 0, reading, err);

	if (!code && reading->cause)
		report_end(reading);
	/* Ended meanwhile, or granted when there was no ledger. */
	return code == -ENOENT ? 0 : code;
}

static int write_rows(struct sp_scribe *scribe, struct sp_ledger *ledger, size_t end,
                      struct sp_error *err)
{
	int code = sp_ledger_begin_quick(ledger, err);

	if (code)
		return code;
	for (size_t i = scribe->next; i < end && !code; i++)
		code = write_row(ledger, &scribe->queue[i], err);
	if (!code)
		return sp_ledger_commit(ledger, err);
	sp_ledger_rollback(ledger);
	return code;
}

static int write_piece(struct sp_scribe *scribe, struct sp_error *err)
{
	size_t end = scribe->next + PIECE < scribe->count ? scribe->next + PIECE : scribe->count;
	struct sp_ledger *ledger = sp_session_ledger(scribe->maps, err);
	int code = ledger ? write_rows(scribe, ledger, end, err) : -EIO;

	scribe->next = end;
	return code;
}

static void tell(struct sp_scribe *scribe, bool failing)
{
	if (scribe->failing == failing)
		return;
	scribe->failing = failing;
	if (!failing)
		sp_log(SP_LOG_NOTICE, "the ledger can be written again");
	if (scribe->changed)
		scribe->changed(scribe->context, failing);
}

/* What a large import left to be told. */
static int settle(struct sp_scribe *scribe, struct sp_error *err)
{
	struct sp_ledger *ledger = sp_session_ledger(scribe->maps, err);

	scribe->behind = false;
	scribe->settle_due = sp_monotonic_ms() + PAUSE_MS;
	return ledger ? sp_ledger_log_settle(ledger, PIECE, &scribe->behind, err) : -EIO;
}

/* Everything is written anew at the next look. */
static void fail(struct sp_scribe *scribe, const struct sp_error *err)
{
	sp_log_limited(&scribe->log, SP_LOG_ERROR, "cannot write down what sessions used: %s",
	               err->text);
	scribe->next = scribe->count = 0;
	for (uint32_t i = 0; i < scribe->maps->max_clients; i++)
		scribe->told[i].generation = 0;
}

static uint64_t next_time(const struct sp_scribe *scribe)
{
	return scribe->behind && scribe->settle_due < scribe->due ? scribe->settle_due
	                                                          : scribe->due;
}

uint64_t sp_scribe_attend(struct sp_scribe *scribe)
{
	uint64_t now = sp_monotonic_ms();
	struct sp_error err;
	int code;

	if (scribe->next == scribe->count && now < next_time(scribe))
		return next_time(scribe);
	if (scribe->next < scribe->count) {
		code = write_piece(scribe, &err);
	} else if (now >= scribe->due) {
		scribe->due = now + PERIOD_MS;
		scribe->behind = true;
		code = look(scribe, &err);
	} else {
		code = settle(scribe, &err);
	}
	if (code)
		fail(scribe, &err);
	if (code)
		scribe->due = now + AGAIN_MS;
	if (code || scribe->next == scribe->count)
		tell(scribe, code != 0);
	return scribe->next < scribe->count ? now : next_time(scribe);
}

static int write_rest(struct sp_scribe *scribe, struct sp_error *err)
{
	int code = 0;

	while (!code && scribe->next < scribe->count)
		code = write_piece(scribe, err);
	return code;
}

void sp_scribe_close(struct sp_scribe *scribe)
{
	struct sp_error err;
	int code;

	if (!scribe->told)
		return;
	code = write_rest(scribe, &err);
	if (!code)
		code = look(scribe, &err);
	if (!code)
		code = write_rest(scribe, &err);
	if (code)
		fail(scribe, &err);
	free(scribe->queue);
	free(scribe->told);
	*scribe = (struct sp_scribe){.maps = NULL};
}
