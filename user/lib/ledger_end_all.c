/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of all sessions at once. What triggers and indexes do for each of a million takes a
 * minute; one INSERT tells the log of all, and an index that will be empty is made anew.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/ledger.h"
#include "lib/ledger_db.h"
#include "lib/ledger_log.h"

/* Those of sessions that go on. */
static const char *const indexes[] = {"session_running", "session_who", "session_goes_on"};
#define MANY    10000 /* sessions: below, making indexes anew takes longer */
#define INDEXES (sizeof(indexes) / sizeof(indexes[0]))

struct ending {
	struct sp_ledger *ledger;
	uint64_t now;
	struct sp_error *err;
	char *made_by[INDEXES]; /* the statement that makes the index; NULL: there is none */
};

/* What the trigger on each end of a session does. */
static int log_ends(const struct ending *ending)
{
	static const char sql[] =
		"INSERT INTO log (session, mac, vlan, zone, method, name, ipv4, ipv6, up_bytes, "
		"down_bytes, cause, time, event) SELECT id, mac, vlan, zone, method, name, ipv4, "
		"ipv6, up_bytes, down_bytes, ?, max(?, begun), ? FROM session INDEXED BY "
		"session_goes_on WHERE ended = 0 ORDER BY id";
	struct sp_statement query = sp_statement(ending->ledger, sql);

	sp_in_number(&query, SP_CAUSE_LOST);
	sp_in_number(&query, ending->now);
	sp_in_number(&query, SP_HISTORY_END);
	return sp_statement_run(&query, NULL, ending->err);
}

static int end_sessions(const struct ending *ending)
{
	static const char sql[] =
		"UPDATE session SET ended = max(?, begun), cause = ? WHERE ended = 0";
	struct sp_statement query = sp_statement(ending->ledger, sql);

	sp_in_number(&query, ending->now);
	sp_in_number(&query, SP_CAUSE_LOST);
	return sp_statement_run(&query, NULL, ending->err);
}

/* Remove index @name, remembering how it is made. */
static int drop(const struct ending *ending, const char *name, char **made_by)
{
	static const char find[] = "SELECT sql FROM sqlite_schema WHERE type = 'index' AND "
				   "name = ?";
	struct sp_statement query = sp_statement(ending->ledger, find);
	char sql[64];
	int code;

	sp_in_text(&query, name);
	code = sp_statement_step(&query, ending->err);
	if (code <= 0)
		return code;
	*made_by = sp_out_copy(&query);
	sp_statement_end(&query);
	snprintf(sql, sizeof(sql), "DROP INDEX %s", name);
	return *made_by ? sp_db_exec(ending->ledger, sql, ending->err)
	                : sp_fail(ending->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static int end_without_indexes(struct ending *ending)
{
	int code = 0;

	for (size_t i = 0; i < INDEXES && !code; i++)
		code = drop(ending, indexes[i], &ending->made_by[i]);
	if (!code)
		code = end_sessions(ending);
	for (size_t i = 0; i < INDEXES && !code; i++)
		if (ending->made_by[i])
			code = sp_db_exec(ending->ledger, ending->made_by[i], ending->err);
	for (size_t i = 0; i < INDEXES; i++)
		free(ending->made_by[i]);
	return code;
}

/* In a transaction. */
static int end_all(struct ending *ending)
{
	int64_t count = 0;
	int code = sp_db_number(ending->ledger, "SELECT count(*) FROM session WHERE ended = 0",
	                        &count, ending->err);

	if (!code)
		code = log_ends(ending);
	if (code)
		return code;
	sp_db_triggers(ending->ledger, false);
	code = count > MANY ? end_without_indexes(ending) : end_sessions(ending);
	sp_db_triggers(ending->ledger, true);
	return code;
}

int sp_ledger_session_end_all(struct sp_ledger *ledger, uint64_t now, struct sp_error *err)
{
	struct ending ending = {.ledger = ledger, .now = now, .err = err};
	bool own;
	int code = sp_db_enter(ledger, true, &own, err);

	if (code)
		return code;
	sp_db_cache(ledger, true);
	code = sp_db_leave(ledger, own, end_all(&ending), err);
	sp_db_cache(ledger, false);
	return code;
}
