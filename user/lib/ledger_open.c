/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/ledger.h"
#include "lib/ledger_schema.h"

#define BUSY_MS 5000

/*
 * A checkpoint costs a sync of the disk or two. Who opens the database while nobody else has it
 * open reads the log of what was written since the last one, 4 us for a page.
 */
#define CHECKPOINT_PAGES 250

/*
 * SQLite's own checkpoints leave the log as it is, to be written anew from its beginning, but only
 * the processes that have it open know that: commands without a daemon would let it grow for ever.
 * One that cannot be truncated, because somebody reads, is looked at after the next commit.
 */
static int after_commit(void *context, sqlite3 *db, const char *name, int pages)
{
	(void)context;
	if (pages < CHECKPOINT_PAGES)
		return SQLITE_OK;
	sqlite3_busy_timeout(db, 0);
	(void)sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(db, BUSY_MS);
	return SQLITE_OK;
}

static void path_of(const struct sp_instance *instance, char path[SP_INSTANCE_PATH + 16])
{
	snprintf(path, SP_INSTANCE_PATH + 16, "%s/ledger.db", instance->state);
}

bool sp_ledger_exists(const struct sp_instance *instance)
{
	char path[SP_INSTANCE_PATH + 16];
	struct stat status;

	path_of(instance, path);
	/* One that may not be seen is there. */
	return !stat(path, &status) || errno != ENOENT;
}

bool sp_ledger_is_gone(const struct sp_ledger *ledger)
{
	struct stat status;

	return ledger->failed || stat(ledger->path, &status) || status.st_dev != ledger->device ||
	       status.st_ino != ledger->file;
}

static int system_failed(const char *path, struct sp_error *err)
{
	int code = -errno;
	bool forbidden = code == -EACCES || code == -EPERM;

	return sp_fail(err, code, forbidden ? SP_EXIT_PERMISSION : SP_EXIT_FAILED, "%s: %s%s", path,
	               strerror(-code), forbidden ? "; run this as root" : "");
}

/* Make the file, which SQLite would make readable for others, or look at the one there is. */
static int check_file(struct sp_ledger *ledger, struct sp_error *err)
{
	const char *path = ledger->path;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat status = {0};
	int code = 0;

	if (fd < 0)
		return system_failed(path, err);
	if (fstat(fd, &status))
		code = system_failed(path, err);
	else if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077))
		code = sp_fail(err, -EPERM, SP_EXIT_FAILED,
		               "%s: expected a file of root's with mode 0600: it tells who was "
		               "here, and lets in who can write it",
		               path);
	ledger->device = status.st_dev;
	ledger->file = status.st_ino;
	close(fd);
	return code;
}

static int make_folder(const char *path, struct sp_error *err)
{
	return mkdir(path, 0700) && errno != EEXIST ? system_failed(path, err) : 0;
}

static int open_database(struct sp_ledger *ledger, struct sp_error *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	int code = sqlite3_open_v2(ledger->path, &ledger->db, flags, NULL);

	if (code)
		return sp_db_failed(ledger, code, err);
	sqlite3_extended_result_codes(ledger->db, 1);
	sqlite3_busy_timeout(ledger->db, BUSY_MS);
	/* A file that somebody prepared must not make us run what is in it. */
	sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	/* A command that grants a session need not wait for a checkpoint as well. */
	sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_wal_hook(ledger->db, after_commit, NULL);
	return 0;
}

static int set_up(struct sp_ledger *ledger, struct sp_error *err)
{
	int code = sp_db_exec(ledger, "PRAGMA journal_mode = WAL", err);

	return code ? code : sp_schema_migrate(ledger, sp_schema_steps, sp_schema_version, err);
}

/* SQLite does not wait for its turn to go over to WAL mode. */
static int set_up_locked(struct sp_ledger *ledger, const char *folder, struct sp_error *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = 0;

	if (fd < 0)
		return system_failed(folder, err);
	while (!code && flock(fd, LOCK_EX))
		if (errno != EINTR)
			code = system_failed(folder, err);
	if (!code)
		code = set_up(ledger, err);
	close(fd);
	return code;
}

static int prepare(struct sp_ledger *ledger, const struct sp_instance *instance,
                   struct sp_error *err)
{
	unsigned version = 0;
	int code = make_folder(instance->state, err);

	if (!code)
		code = check_file(ledger, err);
	if (!code)
		code = open_database(ledger, err);
	if (!code)
		code = sp_schema_read(ledger, sp_schema_version, &version, err);
	if (!code && version < sp_schema_version)
		code = set_up_locked(ledger, instance->state, err);
	/* Making the schema was for the disk. */
	if (!code)
		code = sp_db_exec(ledger, "PRAGMA synchronous = NORMAL", err);
	ledger->durable = false;
	return code;
}

int sp_ledger_open(struct sp_ledger **ledger, const struct sp_instance *instance,
                   struct sp_error *err)
{
	int code;

	*ledger = calloc(1, sizeof(**ledger));
	if (!*ledger)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	path_of(instance, (*ledger)->path);
	code = prepare(*ledger, instance, err);
	if (!code)
		return 0;
	sp_ledger_close(*ledger);
	*ledger = NULL;
	return code;
}

void sp_ledger_close(struct sp_ledger *ledger)
{
	if (!ledger)
		return;
	for (unsigned i = 0; i < SP_LEDGER_STATEMENTS; i++)
		sqlite3_finalize(ledger->statement[i].statement);
	(void)sp_ledger_settle(ledger, NULL);
	sqlite3_close(ledger->db);
	free(ledger);
}
