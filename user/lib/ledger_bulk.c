/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One INSERT for all rows, which SQLite reads from a virtual table: of a statement for each row two
 * thirds of the time are binding, beginning and ending it.
 */
#include "lib/ledger_bulk.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "lib/ledger_db.h"
#include "lib/ledger_log.h"
#include "lib/text.h"

struct source {
	sp_ledger_row_at row_at;
	void *context;
	uint32_t count;
	uint64_t now;
};

struct table {
	sqlite3_vtab base;
	const struct source *source;
};

struct cursor {
	sqlite3_vtab_cursor base;
	const struct source *source;
	uint32_t index;
	struct sp_ledger_row row;
	char mac[SP_TEXT_MAC], binding[INET_ADDRSTRLEN];
};

/* In this order in COLUMNS. */
enum column {
	MAC,
	VLAN,
	GENERATION,
	METHOD,
	NAME,
	NOTE,
	BEGUN,
	UNTIL,
	SECONDS,
	IDLE,
	QUOTA,
	QUOTA_UP,
	QUOTA_DOWN,
	RATE_UP,
	RATE_DOWN,
	BURST_UP,
	BURST_DOWN,
	BINDING,
};
#define COLUMNS                                                                           \
	"mac, vlan, generation, method, name, note, begun, until, seconds, idle, quota, " \
	"quota_up, "                                                                      \
	"quota_down, rate_up, rate_down, burst_up, burst_down, binding"

static int connect_table(sqlite3 *db, void *source, int argc, const char *const *argv,
                         sqlite3_vtab **vtab, char **text)
{
	struct table *table = sqlite3_malloc(sizeof(*table));
	int code = sqlite3_declare_vtab(db, "CREATE TABLE rows (" COLUMNS ")");

	(void)argc;
	(void)argv;
	(void)text;
	if (!table || code) {
		sqlite3_free(table);
		return table ? code : SQLITE_NOMEM;
	}
	*table = (struct table){.source = source};
	*vtab = &table->base;
	return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *vtab)
{
	sqlite3_free(vtab);
	return SQLITE_OK;
}

/* There is one way to read it: all of it. */
static int best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	info->estimatedRows = ((struct table *)vtab)->source->count;
	info->estimatedCost = (double)info->estimatedRows;
	return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out)
{
	struct cursor *cursor = sqlite3_malloc(sizeof(*cursor));

	if (!cursor)
		return SQLITE_NOMEM;
	*cursor = (struct cursor){.source = ((struct table *)vtab)->source};
	*out = &cursor->base;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *cursor)
{
	sqlite3_free(cursor);
	return SQLITE_OK;
}

static void read_row(struct cursor *cursor)
{
	if (cursor->index == cursor->source->count)
		return;
	cursor->source->row_at(cursor->index, &cursor->row, cursor->source->context);
	sp_text_put_mac(cursor->mac, cursor->row.client.mac);
}

static int first_row(sqlite3_vtab_cursor *base, int number, const char *text, int argc,
                     sqlite3_value **argv)
{
	struct cursor *cursor = (struct cursor *)base;

	(void)number;
	(void)text;
	(void)argc;
	(void)argv;
	cursor->index = 0;
	read_row(cursor);
	return SQLITE_OK;
}

static int next_row(sqlite3_vtab_cursor *base)
{
	struct cursor *cursor = (struct cursor *)base;

	cursor->index++;
	read_row(cursor);
	return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *base)
{
	const struct cursor *cursor = (struct cursor *)base;

	return cursor->index == cursor->source->count;
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *id)
{
	*id = ((struct cursor *)base)->index;
	return SQLITE_OK;
}

static void put_text(sqlite3_context *out, const char *text)
{
	sqlite3_result_text(out, text, -1, SQLITE_STATIC);
}

/* As sp_in_number. */
static void put_number(sqlite3_context *out, uint64_t number)
{
	sqlite3_result_int64(out, number > INT64_MAX ? INT64_MAX : (sqlite3_int64)number);
}

/* As sp_in_limits has it. */
static void put_binding(sqlite3_context *out, struct cursor *cursor)
{
	const struct sp_limits *limits = cursor->row.limits;

	if (!limits->bind || !limits->ipv4)
		put_text(out, limits->bind ? "auto" : "");
	else
		put_text(out, inet_ntop(AF_INET, &limits->ipv4, cursor->binding,
		                        sizeof(cursor->binding)));
}

static uint64_t number_of(const struct cursor *cursor, enum column column)
{
	const struct sp_limits *limits = cursor->row.limits;
	const uint64_t numbers[] = {
		[VLAN] = cursor->row.client.vlan,
		[GENERATION] = cursor->row.generation,
		[METHOD] = cursor->row.method,
		[BEGUN] = cursor->row.begun,
		[UNTIL] = cursor->row.until,
		[SECONDS] = limits->seconds,
		[IDLE] = limits->idle,
		[QUOTA] = limits->quota,
		[QUOTA_UP] = limits->quota_up,
		[QUOTA_DOWN] = limits->quota_down,
		[RATE_UP] = limits->rate_up,
		[RATE_DOWN] = limits->rate_down,
		[BURST_UP] = limits->burst_up,
		[BURST_DOWN] = limits->burst_down,
	};

	return numbers[column];
}

static int get_column(sqlite3_vtab_cursor *base, sqlite3_context *out, int number)
{
	struct cursor *cursor = (struct cursor *)base;
	enum column column = (enum column)number;

	switch (column) {
	case MAC:
		put_text(out, cursor->mac);
		break;
	case NAME:
		put_text(out, cursor->row.name);
		break;
	case NOTE:
		put_text(out, cursor->row.note);
		break;
	case BINDING:
		put_binding(out, cursor);
		break;
	default:
		put_number(out, number_of(cursor, column));
	}
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.xConnect = connect_table,
	.xBestIndex = best_index,
	.xDisconnect = disconnect_table,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = first_row,
	.xNext = next_row,
	.xEof = at_end,
	.xColumn = get_column,
	.xRowid = row_id,
};

/* SQLite's code. */
static int insert(struct sp_ledger *ledger)
{
	return sqlite3_exec(
		ledger->db,
		"INSERT INTO session (mac, vlan, generation, method, name, note, class, interim, "
		"begun, granted, written, until, " SP_LIMIT_COLUMNS ") "
		"SELECT mac, vlan, generation, method, name, note, x'', 0, begun, begun, begun, "
		"until, " SP_LIMIT_COLUMNS " FROM rows",
		NULL, NULL, NULL);
}

/* What the trigger on each new session does, of those from @first to @last. */
static int log_begun(struct sp_ledger *ledger, uint64_t first, uint64_t last, struct sp_error *err)
{
	static const char sql[] =
		"INSERT INTO log (time, event, session, mac, vlan, zone, method, name, "
		"note, " SP_LIMIT_COLUMNS
		") SELECT begun, ?, id, mac, vlan, zone, method, name, note, " SP_LIMIT_COLUMNS
		" FROM session WHERE id BETWEEN ? AND ? ORDER BY id";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_number(&query, SP_HISTORY_BEGIN);
	sp_in_number(&query, first);
	sp_in_number(&query, last);
	return sp_statement_run(&query, NULL, err);
}

static int log_later(struct sp_ledger *ledger, uint64_t first, uint64_t last, struct sp_error *err)
{
	static const char sql[] = "INSERT OR REPLACE INTO begun (first, last) VALUES (?, ?)";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_number(&query, first);
	sp_in_number(&query, last);
	return sp_statement_run(&query, NULL, err);
}

static int settled(struct sp_ledger *ledger, uint64_t first, struct sp_error *err)
{
	static const char sql[] = "DELETE FROM begun WHERE first = ?";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_number(&query, first);
	return sp_statement_run(&query, NULL, err);
}

/* 1: from *@first to *@last is the oldest part; 0: there is none. */
static int unsettled(struct sp_ledger *ledger, uint64_t *first, uint64_t *last,
                     struct sp_error *err)
{
	static const char sql[] = "SELECT first, last FROM begun ORDER BY first LIMIT 1";
	struct sp_statement query = sp_statement(ledger, sql);
	int code = sp_statement_step(&query, err);

	if (code <= 0)
		return code;
	*first = sp_out_number(&query);
	*last = sp_out_number(&query);
	sp_statement_end(&query);
	return 1;
}

static int settle(struct sp_ledger *ledger, uint32_t rows, struct sp_error *err)
{
	uint64_t first, last, end;
	int code = unsettled(ledger, &first, &last, err);

	/* Another process may have been quicker. */
	if (code <= 0)
		return code;
	end = last - first < rows ? last : first + rows - 1;
	code = log_begun(ledger, first, end, err);
	if (!code)
		code = settled(ledger, first, err);
	if (!code && end < last)
		code = log_later(ledger, end + 1, last, err);
	return code;
}

int sp_ledger_log_settle(struct sp_ledger *ledger, uint32_t rows, bool *more, struct sp_error *err)
{
	uint64_t first, last;
	int code = unsettled(ledger, &first, &last, err);
	bool own;

	*more = false;
	if (code <= 0)
		return code;
	code = sp_db_enter(ledger, false, &own, err);
	if (code)
		return code;
	code = settle(ledger, rows, err);
	code = sp_db_leave(ledger, own, code, err);
	if (code)
		return code;
	code = unsettled(ledger, &first, &last, err);
	*more = code > 0;
	return code < 0 ? code : 0;
}

/* The clock that is remembered, as the trigger does it. */
static int note_time(struct sp_ledger *ledger, uint64_t now, struct sp_error *err)
{
	static const char sql[] = "UPDATE state SET seen = max(seen, ?)";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_number(&query, now);
	return sp_statement_run(&query, NULL, err);
}

/* What the ledger alone knows of these clients is no more. */
static int end_lost(struct sp_ledger *ledger, struct sp_error *err)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
	         "UPDATE session SET ended = max(written, begun), cause = %d WHERE ended = 0 AND "
	         "(mac, vlan) IN (SELECT mac, vlan FROM rows)",
	         SP_CAUSE_LOST);
	return sp_db_exec(ledger, sql, err);
}

static int insert_rows(struct sp_ledger *ledger)
{
	int code;

	sp_db_triggers(ledger, false);
	code = insert(ledger);
	sp_db_triggers(ledger, true);
	return code;
}

static int insert_all(struct sp_ledger *ledger, struct sp_error *err)
{
	int code = insert_rows(ledger);

	if (code == SQLITE_CONSTRAINT_UNIQUE) {
		int result = end_lost(ledger, err);

		if (result)
			return result;
		code = insert_rows(ledger);
	}
	return code ? sp_db_failed(ledger, code, err) : 0;
}

/* The id of the first of @source's sessions; 0: they are not there. */
static int add_all(struct sp_ledger *ledger, const struct source *source, uint64_t *first,
                   struct sp_error *err)
{
	int code = insert_all(ledger, err);
	uint64_t last;

	if (code)
		return code;
	last = (uint64_t)sqlite3_last_insert_rowid(ledger->db);
	*first = last - source->count + 1;
	code = note_time(ledger, source->now, err);
	if (code)
		return code;
	return source->count > SP_LEDGER_LOG_NOW ? log_later(ledger, *first, last, err)
	                                         : log_begun(ledger, *first, last, err);
}

int sp_ledger_session_add_many(struct sp_ledger *ledger, uint32_t count, sp_ledger_row_at row_at,
                               void *context, uint64_t now, uint64_t *first, struct sp_error *err)
{
	struct source source = {row_at, context, count, now};
	int code = sqlite3_create_module(ledger->db, "rows", &module, &source);

	*first = 0;
	if (code)
		return sp_db_failed(ledger, code, err);
	sp_db_cache(ledger, true);
	if (count)
		code = add_all(ledger, &source, first, err);
	sp_db_cache(ledger, false);
	/* Without a module it is nobody's any more. */
	sqlite3_create_module(ledger->db, "rows", NULL, NULL);
	return code;
}

int sp_ledger_session_each_name(struct sp_ledger *ledger, sp_ledger_name_visit visit, void *context,
                                struct sp_error *err)
{
	static const char sql[] = "SELECT mac, vlan, generation, name, zone, note FROM "
				  "session WHERE ended = 0 AND (name <> '' OR zone <> '' OR "
				  "note <> '')";
	struct sp_statement query = sp_statement(ledger, sql);
	int code = 0, visited = 0;

	while (!visited && (code = sp_statement_step(&query, err)) > 0) {
		struct sp_client_key client;
		uint32_t generation;
		char name[SP_LEDGER_NAME], zone[SP_LEDGER_ZONE], note[SP_NOTE_SIZE];

		sp_out_client(&query, &client);
		generation = (uint32_t)sp_out_number(&query);
		sp_out_text(&query, name, sizeof(name));
		sp_out_text(&query, zone, sizeof(zone));
		sp_out_text(&query, note, sizeof(note));
		visited = visit(&client, generation, name, zone, note, context);
	}
	if (visited)
		sp_statement_end(&query);
	return visited ? visited : code;
}
