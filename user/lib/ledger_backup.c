/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/ledger_care.h"
#include "lib/ledger_db.h"

static int file_failed(const char *path, int code, struct sp_error *err)
{
	bool forbidden = code == -EACCES || code == -EPERM;

	return sp_fail(err, code, forbidden ? SP_EXIT_PERMISSION : SP_EXIT_FAILED, "%s: %s", path,
	               strerror(-code));
}

/* SQLite would make it readable for others. */
static int make_file(const char *path, struct sp_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return file_failed(path, -errno, err);
	close(fd);
	return 0;
}

/* In one step, which is one moment of the ledger: in WAL mode nobody waits for it. One of many
 * steps would begin anew with each change of another process. */
static int copy(struct sp_ledger *ledger, sqlite3 *target)
{
	sqlite3_backup *backup = sqlite3_backup_init(target, "main", ledger->db, "main");
	int code;

	if (!backup)
		return sqlite3_errcode(target);
	code = sqlite3_backup_step(backup, -1);
	sqlite3_backup_finish(backup);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* A file of its own, that needs no log beside it. */
static int settle(sqlite3 *target)
{
	return sqlite3_exec(target, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
}

int sp_ledger_backup(struct sp_ledger *ledger, const char *path, struct sp_error *err)
{
	sqlite3 *target = NULL;
	int code = make_file(path, err), result;

	if (code)
		return code;
	result = sqlite3_open_v2(path, &target, SQLITE_OPEN_READWRITE, NULL);
	if (!result)
		result = copy(ledger, target);
	if (!result)
		result = settle(target);
	if (result) {
		code = sp_fail(err,
		               sqlite3_system_errno(target) ? -sqlite3_system_errno(target) : -EIO,
		               SP_EXIT_FAILED, "%s: cannot copy the ledger to it: %s", path,
		               sqlite3_errstr(result));
		unlink(path);
	}
	sqlite3_close(target);
	return code;
}

struct check {
	sp_damage_visit visit;
	void *context;
	int found;
};

static void report(struct check *check, const char *sentence)
{
	check->visit(sentence, check->context);
	check->found++;
}

/* Rows of @sql that are other than "ok". */
static int ask(struct sp_ledger *ledger, const char *sql, struct check *check, struct sp_error *err)
{
	sqlite3_stmt *statement;
	const char *text;
	int code = sqlite3_prepare_v2(ledger->db, sql, -1, &statement, NULL);

	while (!code && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		code = SQLITE_OK;
		text = (const char *)sqlite3_column_text(statement, 0);
		if (text && strcmp(text, "ok") != 0)
			report(check, text);
	}
	sqlite3_finalize(statement);
	if (code && code != SQLITE_DONE)
		return sp_db_failed(ledger, code, err);
	return 0;
}

int sp_ledger_check(struct sp_ledger *ledger, sp_damage_visit visit, void *context,
                    struct sp_error *err)
{
	struct check check = {.visit = visit, .context = context};
	int code = ask(ledger, "PRAGMA integrity_check", &check, err);

	if (!code)
		code = ask(ledger,
		           "SELECT 'a row of ' || \"table\" || ' is of none of ' || parent FROM "
		           "pragma_foreign_key_check",
		           &check, err);
	return code ? code : check.found;
}

int sp_ledger_probe(struct sp_ledger *ledger, struct sp_error *err)
{
	/* What does not change is not written. */
	static const char sql[] = "UPDATE state SET probes = probes + 1";
	bool own;
	int code = sp_db_enter(ledger, false, &own, err);

	if (code)
		return code;
	code = sp_db_exec(ledger, sql, err);
	return sp_db_leave(ledger, own, code, err);
}
