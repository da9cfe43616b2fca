/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ledger_whole.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PATIENCE_SECONDS 2
#define INSTRUCTIONS     10000 /* of SQLite's machine between two looks at the clock: a few ms */

/* A result other than 0 interrupts. */
static int is_over(void *context)
{
	const time_t *end = context;

	return time(NULL) > *end;
}

/* Its first complaint, or "ok". */
static int read_result(sqlite3 *db, char *text, size_t size)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL);

	if (!code)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		snprintf(text, size, "%s", (const char *)sqlite3_column_text(statement, 0));
		code = SQLITE_OK;
	}
	sqlite3_finalize(statement);
	return code;
}

int sp_ledger_whole(const struct sp_instance *instance, struct sp_error *err)
{
	char path[SP_INSTANCE_PATH + 16], text[128] = "";
	time_t end = time(NULL) + PATIENCE_SECONDS;
	sqlite3 *db = NULL;
	int code, result = 0;

	snprintf(path, sizeof(path), "%s/ledger.db", instance->state);
	code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (!code) {
		sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		sqlite3_progress_handler(db, INSTRUCTIONS, is_over, &end);
		code = read_result(db, text, sizeof(text));
	}
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		result = -EUCLEAN;
	else if (code && code != SQLITE_INTERRUPT)
		result = -EIO;
	if (result)
		sp_fail(err, result, SP_EXIT_FAILED, "%s: %s", path,
		        db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
	else if (!code && strcmp(text, "ok") != 0)
		result = sp_fail(err, -EUCLEAN, SP_EXIT_FAILED, "%s is damaged: %s", path, text);
	sqlite3_close(db);
	return result;
}
