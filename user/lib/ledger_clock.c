/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ledger.h"
#include "lib/ledger_db.h"

/* What is for ever stays so: 0, and what is too far away to be meant as a date. */
static int move_ends(struct sp_ledger *ledger, int64_t step, struct sp_error *err)
{
	static const char later[] = "UPDATE session SET until = until + ? WHERE ended = 0 "
				    "AND until BETWEEN 1 AND 4000000000000";
	static const char earlier[] = "UPDATE session SET until = max(until - ?, 1) "
				      "WHERE ended = 0 AND until BETWEEN 1 AND 4000000000000";
	struct sp_statement query = sp_statement(ledger, step > 0 ? later : earlier);

	sp_in_number(&query, step > 0 ? (uint64_t)step : 0 - (uint64_t)step);
	return sp_statement_run(&query, NULL, err);
}

int sp_ledger_clock(struct sp_ledger *ledger, uint64_t now, int64_t step, struct sp_error *err)
{
	static const char sql[] = "UPDATE state SET seen = ?";
	struct sp_statement query;
	bool own;
	int code = sp_db_enter(ledger, step != 0, &own, err);

	if (code)
		return code;
	query = sp_statement(ledger, sql);
	sp_in_number(&query, now);
	code = sp_statement_run(&query, NULL, err);
	if (!code && step)
		code = move_ends(ledger, step, err);
	return sp_db_leave(ledger, own, code, err);
}

int sp_ledger_seen(struct sp_ledger *ledger, uint64_t *seen, struct sp_error *err)
{
	int64_t number = 0;
	int code = sp_db_number(ledger, "SELECT seen FROM state", &number, err);

	*seen = number > 0 ? (uint64_t)number : 0;
	return code;
}
