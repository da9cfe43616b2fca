/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ledger_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/ledger_db.h"
#include "lib/text.h"

#define WORD(number, name, word) [number] = word,
static const char *const words[] = {SP_HISTORY_EVENTS(WORD)};
#undef WORD

const char *sp_history_event_word(enum sp_history_event event)
{
	return event < sizeof(words) / sizeof(*words) && words[event] ? words[event] : "?";
}

#define COLUMNS                                                                        \
	"id, time, event, session, mac, vlan, zone, method, name, ipv4, ipv6, cause, " \
	"up_bytes, down_bytes, " SP_LIMIT_COLUMNS ", note"

#define SQL_SIZE 1024

/* A statement that is made for one filter and used once. */
struct query {
	struct sp_statement statement;
	char sql[SQL_SIZE];
	size_t length;
};

static void append(struct query *query, const char *text)
{
	int length = snprintf(query->sql + query->length, sizeof(query->sql) - query->length, "%s",
	                      text);

	query->length += (size_t)length;
}

static int prepare(struct query *query, struct sp_ledger *ledger, struct sp_error *err)
{
	int code =
		sqlite3_prepare_v2(ledger->db, query->sql, -1, &query->statement.statement, NULL);

	query->statement.ledger = ledger;
	return code ? sp_db_failed(ledger, code, err) : 0;
}

/* --- lines --- */

static bool is_ipv6(const char *address)
{
	return strchr(address, ':') != NULL;
}

/* The conditions of the partial indexes are repeated, or they are not used. */
static void ask(struct query *query, const struct sp_history_filter *filter)
{
	append(query, "SELECT " COLUMNS " FROM log WHERE 1");
	if (filter->mac)
		append(query, " AND mac = ?");
	if (filter->vlan)
		append(query, " AND vlan = ?");
	if (filter->name)
		append(query, " AND name = ? AND name <> ''");
	if (filter->address)
		append(query, is_ipv6(filter->address) ? " AND ipv6 = ? AND ipv6 <> ''"
		                                       : " AND ipv4 = ? AND ipv4 <> ''");
	if (filter->since)
		append(query, " AND time >= ?");
	if (filter->until)
		append(query, " AND time < ?");
	if (filter->after)
		append(query, " AND id > ?");
}

static void ask_in_order(struct query *query, const struct sp_history_filter *filter)
{
	if (filter->limit)
		append(query, "SELECT * FROM (");
	ask(query, filter);
	if (filter->limit)
		append(query, " ORDER BY time DESC, id DESC LIMIT ?)");
	append(query, " ORDER BY time, id");
}

static void in_mac(struct sp_statement *statement, const uint8_t *mac)
{
	char text[SP_TEXT_MAC];

	sp_in_text(statement, sp_text_put_mac(text, mac));
}

static void in_client(struct sp_statement *statement, const struct sp_history_filter *filter)
{
	if (filter->mac)
		in_mac(statement, filter->mac);
	if (filter->vlan)
		sp_in_number(statement, *filter->vlan);
	if (filter->name)
		sp_in_text(statement, filter->name);
	if (filter->address)
		sp_in_text(statement, filter->address);
}

static void in_filter(struct sp_statement *statement, const struct sp_history_filter *filter)
{
	in_client(statement, filter);
	if (filter->since)
		sp_in_number(statement, filter->since);
	if (filter->until)
		sp_in_number(statement, filter->until);
	if (filter->after)
		sp_in_number(statement, filter->after);
	if (filter->limit)
		sp_in_number(statement, filter->limit);
}

static void take_who(struct sp_statement *statement, struct sp_who *who)
{
	*who = (struct sp_who){.voucher = 0};
	sp_out_text(statement, who->zone, sizeof(who->zone));
	who->method = (enum sp_method)sp_out_number(statement);
	sp_out_text(statement, who->name, sizeof(who->name));
}

static void take(struct sp_statement *statement, struct sp_history_line *line)
{
	*line = (struct sp_history_line){.id = sp_out_number(statement)};
	line->time = sp_out_number(statement);
	line->event = (enum sp_history_event)sp_out_number(statement);
	line->session = sp_out_number(statement);
	sp_out_client(statement, &line->client);
	take_who(statement, &line->who);
	line->ipv4 = sp_out_ipv4(statement);
	sp_out_ipv6(statement, line->ipv6);
	line->cause = (enum sp_cause)sp_out_number(statement);
	line->up_bytes = sp_out_number(statement);
	line->down_bytes = sp_out_number(statement);
	sp_out_limits(statement, &line->limits);
	sp_out_text(statement, line->note, sizeof(line->note));
}

int sp_ledger_log_each(struct sp_ledger *ledger, const struct sp_history_filter *filter,
                       sp_history_visit visit, void *context, struct sp_error *err)
{
	struct query query = {.length = 0};
	struct sp_history_line line;
	int code, visited = 0;

	ask_in_order(&query, filter);
	code = prepare(&query, ledger, err);
	if (code)
		return code;
	in_filter(&query.statement, filter);
	while (!visited && (code = sp_statement_step(&query.statement, err)) > 0) {
		take(&query.statement, &line);
		visited = visit(&line, context);
	}
	sqlite3_finalize(query.statement.statement);
	return visited ? visited : code;
}

int sp_ledger_log_newest(struct sp_ledger *ledger, uint64_t *id, struct sp_error *err)
{
	int64_t number = 0;
	int code = sp_db_number(ledger, "SELECT ifnull(max(id), 0) FROM log", &number, err);

	*id = (uint64_t)number;
	return code;
}

/* --- who was there --- */

/* A look at the map comes every so many seconds. */
#define LOOK "10"

/* Of an address that is still the session's, how long it was is known by its last packet. */
#define UNTIL "CASE address.last WHEN 0 THEN max(session.seen, address.first) ELSE address.last END"

static void ask_at(struct query *query, const struct sp_history_filter *filter)
{
	append(query, "SELECT session.id, mac, vlan, zone, method, name, "
	              "ifnull(address, ''), ifnull(first, begun), "
	              "iif(address IS NULL, ended, " UNTIL "), begun, ended, cause FROM ");
	append(query, filter->address ? "address CROSS JOIN session ON session.id = session"
	                              : "session LEFT JOIN address ON session.id = session AND "
	                                "first <= ?1 AND " UNTIL " >= ?1 - " LOOK);
	append(query, " WHERE begun <= ?1 AND (ended = 0 OR ended >= ?1)");
	if (filter->mac)
		append(query, " AND mac = ?");
	if (filter->vlan)
		append(query, " AND vlan = ?");
	if (filter->name)
		append(query, " AND name = ?");
	if (filter->address)
		append(query, " AND address = ? AND first <= ?1 AND " UNTIL " >= ?1 - " LOOK);
	append(query, " ORDER BY session.id, first");
}

static void take_use(struct sp_statement *statement, struct sp_history_use *use)
{
	*use = (struct sp_history_use){.session = sp_out_number(statement)};
	sp_out_client(statement, &use->client);
	take_who(statement, &use->who);
	sp_out_text(statement, use->address, sizeof(use->address));
	use->from = sp_out_number(statement);
	use->until = sp_out_number(statement);
	use->begun = sp_out_number(statement);
	use->ended = sp_out_number(statement);
	use->cause = (enum sp_cause)sp_out_number(statement);
}

int sp_ledger_log_at(struct sp_ledger *ledger, const struct sp_history_filter *filter, uint64_t at,
                     sp_history_use_visit visit, void *context, struct sp_error *err)
{
	struct query query = {.length = 0};
	struct sp_history_use use;
	int code, visited = 0;

	ask_at(&query, filter);
	code = prepare(&query, ledger, err);
	if (code)
		return code;
	sp_in_number(&query.statement, at);
	in_client(&query.statement, filter);
	while (!visited && (code = sp_statement_step(&query.statement, err)) > 0) {
		take_use(&query.statement, &use);
		visited = visit(&use, context);
	}
	sqlite3_finalize(query.statement.statement);
	return visited ? visited : code;
}

/* --- refused logins --- */

int sp_ledger_log_refused(struct sp_ledger *ledger, const struct sp_client_key *client,
                          const struct sp_who *who, const char *why, uint64_t now,
                          struct sp_error *err)
{
	static const char sql[] =
		"INSERT INTO log (time, event, mac, vlan, zone, method, name, note) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
	struct sp_statement query;
	bool own;
	int code = sp_db_enter(ledger, false, &own, err);

	if (code)
		return code;
	query = sp_statement(ledger, sql);
	sp_in_number(&query, now);
	sp_in_number(&query, SP_HISTORY_REFUSED);
	sp_in_client(&query, client);
	sp_in_text(&query, who->zone);
	sp_in_number(&query, who->method);
	sp_in_text(&query, who->name);
	sp_in_text(&query, why);
	code = sp_statement_run(&query, NULL, err);
	return sp_db_leave(ledger, own, code, err);
}

int sp_ledger_log_knows(struct sp_ledger *ledger, const char *name, bool *known,
                        struct sp_error *err)
{
	static const char sql[] = "SELECT EXISTS (SELECT 1 FROM user WHERE name = ?1) OR EXISTS "
				  "(SELECT 1 FROM log WHERE name = ?1 AND name <> '')";
	struct sp_statement query = sp_statement(ledger, sql);
	int code;

	sp_in_text(&query, name);
	code = sp_statement_step(&query, err);
	if (code <= 0)
		return code;
	*known = sp_out_number(&query) != 0;
	sp_statement_end(&query);
	return 0;
}
