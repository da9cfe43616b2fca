/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the ledger share: SQLite's codes as ours, statements that are prepared once,
 * and the columns that several tables have.
 */
#ifndef SP_LIB_LEDGER_DB_H
#define SP_LIB_LEDGER_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/error.h"
#include "lib/instance.h"
#include "lib/limits.h"

#define SP_LEDGER_STATEMENTS 64 /* more than there are in the source */

struct sp_ledger {
	sqlite3 *db;
	char path[SP_INSTANCE_PATH + 16];
	uint64_t device, file; /* stat's numbers of it */
	bool durable;          /* the `synchronous` of now: FULL, else NORMAL */
	bool failed;           /* it was damaged, or the disk was */
	bool gathers;          /* sp_ledger_gather() */
	bool owes;             /* what was committed since need not be on the disk yet */
	struct {
		const char *sql;
		sqlite3_stmt *statement;
	} statement[SP_LEDGER_STATEMENTS];
};

/* Fill @err for the SQLite error @code. Returns the negative errno. */
int sp_db_failed(struct sp_ledger *ledger, int code, struct sp_error *err);

/* Run SQL without parameters and results. */
int sp_db_exec(struct sp_ledger *ledger, const char *sql, struct sp_error *err);

/* The one number that @sql results in. */
int sp_db_number(struct sp_ledger *ledger, const char *sql, int64_t *number, struct sp_error *err);

/*
 * Begin a transaction unless the caller is in one: @own says so to sp_db_leave, which commits or,
 * if @code is an error, rolls back what this function began. Returns @code or the commit's error.
 */
int sp_db_enter(struct sp_ledger *ledger, bool durable, bool *own, struct sp_error *err);
int sp_db_leave(struct sp_ledger *ledger, bool own, int code, struct sp_error *err);

/* A large cache of pages, for work on very many rows at once; or the usual one again. */
void sp_db_cache(struct sp_ledger *ledger, bool large);

/* Whether triggers run: who switches them off does for all rows at once what they do for each. */
void sp_db_triggers(struct sp_ledger *ledger, bool on);

/* A statement on its way: values are put in and taken out from left to right. */
struct sp_statement {
	struct sp_ledger *ledger;
	sqlite3_stmt *statement;
	int in, out; /* the last parameter, the next column */
	int code;    /* first error of SQLite */
};

/* @sql is kept by its address: a constant, whose statement is not in use. */
struct sp_statement sp_statement(struct sp_ledger *ledger, const char *sql);

void sp_in_number(struct sp_statement *query, uint64_t number);
void sp_in_reference(struct sp_statement *query, uint64_t id); /* 0: NULL */
void sp_in_text(struct sp_statement *query, const char *text);
void sp_in_bytes(struct sp_statement *query, const void *bytes, size_t size);
void sp_in_client(struct sp_statement *query, const struct sp_client_key *client); /* mac, vlan */
void sp_in_ipv4(struct sp_statement *query, uint32_t address);                     /* 0: "" */
void sp_in_ipv6(struct sp_statement *query, const uint8_t address[16]);

#define SP_LIMIT_COLUMNS                                                                         \
	"seconds, idle, quota, quota_up, quota_down, rate_up, rate_down, burst_up, burst_down, " \
	"binding"
#define SP_LIMIT_VALUES "?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
void sp_in_limits(struct sp_statement *query, const struct sp_limits *limits);

/* The next row: 1, there is none: 0, or a negative errno. After 0 and errors the query is over. */
int sp_statement_step(struct sp_statement *query, struct sp_error *err);
void sp_statement_end(struct sp_statement *query);

uint64_t sp_out_number(struct sp_statement *query);
void sp_out_text(struct sp_statement *query, char *text, size_t size);
char *sp_out_copy(struct sp_statement *query); /* the caller frees it; NULL: no memory, or NULL */
uint32_t sp_out_bytes(struct sp_statement *query, void *bytes, size_t size);
void sp_out_client(struct sp_statement *query, struct sp_client_key *client);
uint32_t sp_out_ipv4(struct sp_statement *query);
void sp_out_ipv6(struct sp_statement *query, uint8_t address[16]);
void sp_out_limits(struct sp_statement *query, struct sp_limits *limits);

/* Run to the end a statement that results in nothing. 0 or a negative errno; @changed (may be
 * NULL): rows that it has changed. */
int sp_statement_run(struct sp_statement *query, unsigned *changed, struct sp_error *err);

#endif
