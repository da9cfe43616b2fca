/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ledger_db.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "lib/ledger.h"

static int errno_of(struct sp_ledger *ledger, int code)
{
	if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
		return -EEXIST;
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -EXFULL;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_CONSTRAINT:
		return -EINVAL;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
		return -EACCES;
	default:
		/* SQLite tells a full disk from other errors only where it writes itself. */
		return sqlite3_system_errno(ledger->db) == ENOSPC ? -EXFULL : -EIO;
	}
}

static const char *advice(int code)
{
	switch (code) {
	case -EBUSY:
		return "; another process has been writing it for seconds; try again";
	case -EXFULL:
		return "; make room on that disk";
	case -EUCLEAN:
		return "; put back a copy, or move it away and a new one is made";
	default:
		return "";
	}
}

/* Whatever connection: the ledger is closed and opened again when it was moved away. */
static struct sp_ledger_counts counts;

struct sp_ledger_counts sp_ledger_counted(void)
{
	return counts;
}

int sp_db_failed(struct sp_ledger *ledger, int code, struct sp_error *err)
{
	int result = errno_of(ledger, code);

	/* What a constraint refuses is an answer. */
	counts.errors += result != -EEXIST && result != -EINVAL;
	ledger->failed |= result == -EUCLEAN || result == -EIO;
	return sp_fail(err, result, SP_EXIT_FAILED, "%s: %s%s", ledger->path,
	               ledger->db ? sqlite3_errmsg(ledger->db) : sqlite3_errstr(code),
	               advice(result));
}

int sp_db_exec(struct sp_ledger *ledger, const char *sql, struct sp_error *err)
{
	int code = sqlite3_exec(ledger->db, sql, NULL, NULL, NULL);

	return code ? sp_db_failed(ledger, code, err) : 0;
}

int sp_db_number(struct sp_ledger *ledger, const char *sql, int64_t *number, struct sp_error *err)
{
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v2(ledger->db, sql, -1, &statement, NULL);

	if (!code) {
		code = sqlite3_step(statement);
		if (code == SQLITE_ROW)
			*number = sqlite3_column_int64(statement, 0);
		code = code == SQLITE_ROW ? SQLITE_OK : code;
	}
	code = code ? sp_db_failed(ledger, code, err) : 0;
	sqlite3_finalize(statement);
	return code;
}

static int begin(struct sp_ledger *ledger, bool durable, struct sp_error *err)
{
	int code = 0;

	if (durable && ledger->gathers) {
		ledger->owes = true;
		durable = false;
	}
	if (durable != ledger->durable)
		code = sp_db_exec(
			ledger,
			durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", err);
	if (code)
		return code;
	ledger->durable = durable;
	return sp_db_exec(ledger, "BEGIN IMMEDIATE", err);
}

static bool in_transaction(const struct sp_ledger *ledger)
{
	return !sqlite3_get_autocommit(ledger->db);
}

int sp_ledger_begin(struct sp_ledger *ledger, struct sp_error *err)
{
	return begin(ledger, true, err);
}

int sp_ledger_begin_quick(struct sp_ledger *ledger, struct sp_error *err)
{
	return begin(ledger, false, err);
}

int sp_ledger_commit(struct sp_ledger *ledger, struct sp_error *err)
{
	int code = sp_db_exec(ledger, "COMMIT", err);

	if (code) {
		sp_ledger_rollback(ledger);
		return code;
	}
	counts.commits++;
	counts.written = (uint64_t)time(NULL);
	return 0;
}

void sp_ledger_rollback(struct sp_ledger *ledger)
{
	/* SQLite has done it already after some errors. */
	if (in_transaction(ledger))
		sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
}

void sp_ledger_gather(struct sp_ledger *ledger, bool on)
{
	ledger->gathers = on;
}

/* As SQLite does it itself after each commit when it is told to. */
static int sync_log(struct sp_ledger *ledger, int *reason)
{
	sqlite3_file *file = NULL;
	int code = sqlite3_file_control(ledger->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);

	*reason = 0;
	if (code || !file || !file->pMethods)
		return code;
	code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
	if (code)
		file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, reason);
	return code;
}

int sp_ledger_settle(struct sp_ledger *ledger, struct sp_error *err)
{
	int reason, code = 0;

	ledger->gathers = false;
	if (ledger->owes)
		code = sync_log(ledger, &reason);
	ledger->owes = false;
	if (!code)
		return 0;
	counts.errors++;
	ledger->failed = true;
	return sp_fail(err, -EIO, SP_EXIT_FAILED, "%s: cannot be written to the disk: %s",
	               ledger->path, reason ? strerror(reason) : sqlite3_errstr(code));
}

int sp_db_enter(struct sp_ledger *ledger, bool durable, bool *own, struct sp_error *err)
{
	*own = !in_transaction(ledger);
	return *own ? begin(ledger, durable, err) : 0;
}

int sp_db_leave(struct sp_ledger *ledger, bool own, int code, struct sp_error *err)
{
	if (!own)
		return code;
	if (!code)
		return sp_ledger_commit(ledger, err);
	sp_ledger_rollback(ledger);
	return code;
}

void sp_db_cache(struct sp_ledger *ledger, bool large)
{
	/* KiB, where SQLite's default is 2,000: pages of trees that grow at several ends at once.
	 */
	sqlite3_exec(ledger->db, large ? "PRAGMA cache_size = -65536" : "PRAGMA cache_size = -2000",
	             NULL, NULL, NULL);
}

void sp_db_triggers(struct sp_ledger *ledger, bool on)
{
	sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, (int)on, NULL);
}

static int prepare(struct sp_ledger *ledger, const char *sql, sqlite3_stmt **statement)
{
	unsigned i = 0;

	while (i < SP_LEDGER_STATEMENTS && ledger->statement[i].sql &&
	       ledger->statement[i].sql != sql)
		i++;
	if (i == SP_LEDGER_STATEMENTS)
		return SQLITE_FULL;
	*statement = ledger->statement[i].statement;
	if (*statement)
		return SQLITE_OK;
	if (sqlite3_prepare_v3(ledger->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL))
		return sqlite3_errcode(ledger->db);
	ledger->statement[i].sql = sql;
	ledger->statement[i].statement = *statement;
	return SQLITE_OK;
}

struct sp_statement sp_statement(struct sp_ledger *ledger, const char *sql)
{
	struct sp_statement query = {.ledger = ledger};

	query.code = prepare(ledger, sql, &query.statement);
	return query;
}

void sp_statement_end(struct sp_statement *query)
{
	/* Of a statement that could not be prepared there is none, which is fine. */
	sqlite3_reset(query->statement);
	if (query->statement)
		sqlite3_clear_bindings(query->statement);
}

int sp_statement_step(struct sp_statement *query, struct sp_error *err)
{
	int result = 0;

	if (!query->code)
		query->code = sqlite3_step(query->statement);
	query->out = 0;
	if (query->code == SQLITE_ROW) {
		query->code = SQLITE_OK;
		return 1;
	}
	if (query->code != SQLITE_DONE)
		result = sp_db_failed(query->ledger, query->code, err);
	sp_statement_end(query);
	return result;
}

int sp_statement_run(struct sp_statement *query, unsigned *changed, struct sp_error *err)
{
	int result = sp_statement_step(query, err);

	if (result > 0)
		sp_statement_end(query);
	if (result >= 0 && changed)
		*changed = (unsigned)sqlite3_changes(query->ledger->db);
	return result > 0 ? 0 : result;
}
