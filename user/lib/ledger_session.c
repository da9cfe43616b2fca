/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/ledger.h"
#include "lib/ledger_db.h"

#define GRANTED                                                                           \
	"mac, vlan, generation, method, name, voucher, class, interim, " SP_LIMIT_COLUMNS \
	", begun, written, granted, until, zone, note"
#define COLUMNS                                                                          \
	"id, ended, cause, ipv4, ipv6, up_packets, up_bytes, down_packets, down_bytes, " \
	"accounted, seen, base_up_packets, base_up_bytes, base_down_packets, "           \
	"base_down_bytes, " GRANTED

static int missing(struct sp_error *err)
{
	return sp_fail(err, -ENOENT, SP_EXIT_NOT_FOUND, "there is no record of that session");
}

int sp_ledger_session_add(struct sp_ledger *ledger, struct sp_record *record, struct sp_error *err)
{
	static const char sql[] =
		"INSERT INTO session (" GRANTED ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, " SP_LIMIT_VALUES
		", ?, ?, ?, ?, ?, ?)";
	const struct sp_who *who = &record->who;
	struct sp_statement query = sp_statement(ledger, sql);
	bool own;
	int code = sp_db_enter(ledger, true, &own, err);

	if (code)
		return code;
	sp_in_client(&query, &record->reading.client);
	sp_in_number(&query, record->reading.generation);
	sp_in_number(&query, who->method);
	sp_in_text(&query, who->name);
	sp_in_reference(&query, who->voucher);
	sp_in_bytes(&query, who->class_bytes, who->class_length);
	sp_in_number(&query, who->interim);
	sp_in_limits(&query, &record->limits);
	sp_in_number(&query, record->begun);
	sp_in_number(&query, record->begun);
	sp_in_number(&query, record->granted);
	sp_in_number(&query, record->until);
	sp_in_text(&query, who->zone);
	sp_in_text(&query, record->note);
	code = sp_statement_run(&query, NULL, err);
	if (!code)
		record->id = (uint64_t)sqlite3_last_insert_rowid(ledger->db);
	return sp_db_leave(ledger, own, code, err);
}

static void take_who(struct sp_statement *query, struct sp_who *who)
{
	who->method = (enum sp_method)sp_out_number(query);
	sp_out_text(query, who->name, sizeof(who->name));
	who->voucher = sp_out_number(query);
	who->class_length = sp_out_bytes(query, who->class_bytes, sizeof(who->class_bytes));
	who->interim = (uint32_t)sp_out_number(query);
}

static void take_reading(struct sp_statement *query, struct sp_reading *reading)
{
	reading->ended = sp_out_number(query);
	reading->cause = (enum sp_cause)sp_out_number(query);
	reading->ipv4 = sp_out_ipv4(query);
	sp_out_ipv6(query, reading->ipv6);
	reading->up_packets = sp_out_number(query);
	reading->up_bytes = sp_out_number(query);
	reading->down_packets = sp_out_number(query);
	reading->down_bytes = sp_out_number(query);
}

static void take(struct sp_statement *query, struct sp_record *record)
{
	struct sp_reading *reading = &record->reading;

	*record = (struct sp_record){.id = sp_out_number(query)};
	take_reading(query, reading);
	record->accounted = (enum sp_accounted)sp_out_number(query);
	reading->seen = sp_out_number(query);
	record->base.up_packets = sp_out_number(query);
	record->base.up_bytes = sp_out_number(query);
	record->base.down_packets = sp_out_number(query);
	record->base.down_bytes = sp_out_number(query);
	sp_out_client(query, &reading->client);
	reading->generation = (uint32_t)sp_out_number(query);
	take_who(query, &record->who);
	sp_out_limits(query, &record->limits);
	record->begun = sp_out_number(query);
	reading->written = sp_out_number(query);
	record->granted = sp_out_number(query);
	record->until = sp_out_number(query);
	sp_out_text(query, record->who.zone, sizeof(record->who.zone));
	sp_out_text(query, record->note, sizeof(record->note));
}

static int read_one(struct sp_statement *query, struct sp_record *record, struct sp_error *err)
{
	int code = sp_statement_step(query, err);

	if (code < 0)
		return code;
	if (code == 0)
		return missing(err);
	take(query, record);
	sp_statement_end(query);
	return 0;
}

int sp_ledger_session_get(struct sp_ledger *ledger, uint64_t id, struct sp_record *record,
                          struct sp_error *err)
{
	static const char sql[] = "SELECT " COLUMNS " FROM session WHERE id = ?";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_number(&query, id);
	return read_one(&query, record, err);
}

int sp_ledger_session_last(struct sp_ledger *ledger, const struct sp_client_key *client,
                           struct sp_record *record, struct sp_error *err)
{
	static const char sql[] = "SELECT " COLUMNS " FROM session WHERE mac = ? AND vlan = ? "
				  "ORDER BY id DESC LIMIT 1";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_client(&query, client);
	return read_one(&query, record, err);
}

int sp_ledger_session_running(struct sp_ledger *ledger, const struct sp_client_key *client,
                              struct sp_record *record, struct sp_error *err)
{
	static const char sql[] =
		"SELECT " COLUMNS " FROM session WHERE mac = ? AND vlan = ? AND ended = 0";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_client(&query, client);
	return read_one(&query, record, err);
}

/* Run what changes one session. */
static int change(struct sp_statement *query, bool durable, struct sp_error *err)
{
	unsigned changed = 0;
	bool own;
	int code = sp_db_enter(query->ledger, durable, &own, err);

	if (code)
		return code;
	code = sp_statement_run(query, &changed, err);
	if (!code && !changed)
		code = missing(err);
	return sp_db_leave(query->ledger, own, code, err);
}

/* A session does not end before it began, whatever the wall clock was set to meanwhile. */
#define END "ended = CASE ? WHEN 0 THEN 0 ELSE max(?, begun) END "
#define WRITE                                                                                 \
	"UPDATE session SET up_packets = base_up_packets + ?, up_bytes = base_up_bytes + ?, " \
	"down_packets = base_down_packets + ?, down_bytes = base_down_bytes + ?, "            \
	"written = ?, seen = ifnull(nullif(?, 0), seen), "                                    \
	"ipv4 = ifnull(nullif(?, ''), ipv4), ipv6 = ifnull(nullif(?, ''), ipv6), "            \
	"cause = ?, " END "WHERE ended = 0 AND "

static void in_reading(struct sp_statement *query, const struct sp_reading *reading)
{
	sp_in_number(query, reading->up_packets);
	sp_in_number(query, reading->up_bytes);
	sp_in_number(query, reading->down_packets);
	sp_in_number(query, reading->down_bytes);
	sp_in_number(query, reading->written);
	sp_in_number(query, reading->seen);
	sp_in_ipv4(query, reading->ipv4);
	sp_in_ipv6(query, reading->ipv6);
	sp_in_number(query, reading->cause);
	sp_in_number(query, reading->cause);
	sp_in_number(query, reading->ended ? reading->ended : reading->written);
}

/* Who was put out must not be there again after a power failure; the other ends come again. */
static bool must_last(enum sp_cause cause)
{
	return cause == SP_CAUSE_CLIENT || cause == SP_CAUSE_OPERATOR;
}

int sp_ledger_session_write(struct sp_ledger *ledger, uint64_t id, const struct sp_reading *reading,
                            struct sp_error *err)
{
	static const char by_id[] = WRITE "id = ?";
	static const char by_client[] = WRITE "mac = ? AND vlan = ? AND generation = ?";
	struct sp_statement query = sp_statement(ledger, id ? by_id : by_client);

	in_reading(&query, reading);
	if (id) {
		sp_in_number(&query, id);
	} else {
		sp_in_client(&query, &reading->client);
		sp_in_number(&query, reading->generation);
	}
	return change(&query, must_last(reading->cause), err);
}

int sp_ledger_session_end(struct sp_ledger *ledger, uint64_t id, enum sp_cause cause, uint64_t at,
                          struct sp_error *err)
{
	static const char sql[] = "UPDATE session SET cause = ?, " END "WHERE ended = 0 AND id = ?";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_number(&query, cause);
	sp_in_number(&query, cause);
	sp_in_number(&query, at);
	sp_in_number(&query, id);
	return change(&query, must_last(cause), err);
}

/* Run what changes any number of sessions. */
static int change_all(struct sp_statement *query, struct sp_error *err)
{
	bool own;
	int code = sp_db_enter(query->ledger, true, &own, err);

	if (code)
		return code;
	code = sp_statement_run(query, NULL, err);
	return sp_db_leave(query->ledger, own, code, err);
}

int sp_ledger_session_limit(struct sp_ledger *ledger, const struct sp_record *record,
                            struct sp_error *err)
{
	static const char sql[] = "UPDATE session SET (" SP_LIMIT_COLUMNS ") = (" SP_LIMIT_VALUES
				  "), granted = ?, until = ?, note = ? WHERE id = ? AND ended = 0";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_limits(&query, &record->limits);
	sp_in_number(&query, record->granted);
	sp_in_number(&query, record->until);
	sp_in_text(&query, record->note);
	sp_in_number(&query, record->id);
	return change(&query, true, err);
}

int sp_ledger_session_until(struct sp_ledger *ledger, uint64_t id, uint64_t until,
                            struct sp_error *err)
{
	static const char sql[] = "UPDATE session SET until = ? WHERE id = ? AND ended = 0";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_number(&query, until);
	sp_in_number(&query, id);
	return change(&query, false, err);
}

int sp_ledger_session_restored(struct sp_ledger *ledger, uint64_t now, struct sp_error *err)
{
	static const char sql[] =
		"UPDATE session SET base_up_packets = up_packets, base_up_bytes = up_bytes, "
		"base_down_packets = down_packets, base_down_bytes = down_bytes, restored = ? "
		"WHERE ended = 0";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_number(&query, now);
	return change_all(&query, err);
}

static int remove_session(struct sp_ledger *ledger, uint64_t id, struct sp_error *err)
{
	static const char sql[] = "DELETE FROM session WHERE id = ?";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_number(&query, id);
	return change(&query, false, err);
}

int sp_ledger_session_reopen(struct sp_ledger *ledger, uint64_t id, struct sp_error *err)
{
	static const char sql[] = "UPDATE session SET ended = 0, cause = 0 WHERE id = ?";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_number(&query, id);
	return change(&query, false, err);
}

/* A place that no session used is free again, and a voucher without places is new. */
static int free_place(struct sp_ledger *ledger, uint64_t voucher,
                      const struct sp_client_key *client, struct sp_error *err)
{
	static const char place[] =
		"DELETE FROM place WHERE voucher = ?1 AND mac = ?2 AND vlan = ?3 AND sessions = 0 "
		"AND NOT EXISTS "
		"(SELECT 1 FROM session WHERE voucher = ?1 AND mac = ?2 AND vlan = ?3)";
	static const char first[] = "UPDATE voucher SET first = 0, seen = 0 WHERE id = ?1 AND NOT "
				    "EXISTS (SELECT 1 FROM place WHERE voucher = ?1)";
	struct sp_statement query = sp_statement(ledger, place);
	int code;

	sp_in_number(&query, voucher);
	sp_in_client(&query, client);
	code = sp_statement_run(&query, NULL, err);
	if (code)
		return code;
	query = sp_statement(ledger, first);
	sp_in_number(&query, voucher);
	return sp_statement_run(&query, NULL, err);
}

int sp_ledger_session_forget(struct sp_ledger *ledger, const struct sp_record *record,
                             uint64_t reopened, struct sp_error *err)
{
	bool own;
	int code = sp_db_enter(ledger, true, &own, err);

	if (code)
		return code;
	code = remove_session(ledger, record->id, err);
	if (!code && record->who.voucher)
		code = free_place(ledger, record->who.voucher, &record->reading.client, err);
	if (!code && reopened)
		code = sp_ledger_session_reopen(ledger, reopened, err);
	return sp_db_leave(ledger, own, code, err);
}

int sp_ledger_session_count(struct sp_ledger *ledger, const char *name, enum sp_method method,
                            const struct sp_client_key *except, unsigned *count,
                            struct sp_error *err)
{
	static const char sql[] = "SELECT count(*) FROM session WHERE method = ? AND name = ? "
				  "AND ended = 0 AND NOT (mac = ? AND vlan = ?)";
	static const struct sp_client_key nobody;
	struct sp_statement query = sp_statement(ledger, sql);
	int code;

	sp_in_number(&query, method);
	sp_in_text(&query, name);
	sp_in_client(&query, except ? except : &nobody);
	code = sp_statement_step(&query, err);
	if (code <= 0)
		return code;
	*count = (unsigned)sp_out_number(&query);
	sp_statement_end(&query);
	return 0;
}

static int visit_all(struct sp_statement *query, sp_record_visit visit, void *context,
                     struct sp_error *err)
{
	struct sp_record record;
	int code = 0, visited = 0;

	while (!visited && (code = sp_statement_step(query, err)) > 0) {
		take(query, &record);
		visited = visit(&record, context);
	}
	if (visited)
		sp_statement_end(query);
	return visited ? visited : code;
}

int sp_ledger_session_each(struct sp_ledger *ledger, sp_record_visit visit, void *context,
                           struct sp_error *err)
{
	/* Those that have ended, of half a year, are many times as many. */
	static const char sql[] = "SELECT " COLUMNS " FROM session INDEXED BY session_goes_on "
				  "WHERE ended = 0 ORDER BY id";
	struct sp_statement query = sp_statement(ledger, sql);

	return visit_all(&query, visit, context, err);
}

int sp_ledger_session_each_unaccounted(struct sp_ledger *ledger, sp_record_visit visit,
                                       void *context, struct sp_error *err)
{
	static const char sql[] =
		"SELECT " COLUMNS " FROM session WHERE method = 4 AND accounted < 2 ORDER BY id";
	struct sp_statement query = sp_statement(ledger, sql);

	return visit_all(&query, visit, context, err);
}

int sp_ledger_session_accounted(struct sp_ledger *ledger, uint64_t id, enum sp_accounted accounted,
                                struct sp_error *err)
{
	static const char sql[] = "UPDATE session SET accounted = ? WHERE id = ?";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_number(&query, accounted);
	sp_in_number(&query, id);
	return change(&query, false, err);
}
