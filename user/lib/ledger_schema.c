/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ledger_schema.h"

#include <errno.h>
#include <stdio.h>

#include "lib/ledger.h"

static int check_owner(struct sp_ledger *ledger, struct sp_error *err)
{
	int64_t application = 0, tables = 0;
	int code = sp_db_number(ledger, "PRAGMA application_id", &application, err);

	if (!code && application != SP_LEDGER_APPLICATION)
		code = sp_db_number(ledger, "SELECT count(*) FROM sqlite_schema", &tables, err);
	if (!code && tables)
		return sp_fail(err, -EUCLEAN, SP_EXIT_FAILED,
		               "%s: a database, but not one that sallyport made; move it away and "
		               "a new one is made",
		               ledger->path);
	return code;
}

int sp_schema_read(struct sp_ledger *ledger, unsigned latest, unsigned *version,
                   struct sp_error *err)
{
	int64_t number = 0;
	/* All of it at one moment: another process may be making the tables just now. */
	int code = sp_db_exec(ledger, "SAVEPOINT look", err);

	if (code)
		return code;
	code = sp_db_number(ledger, "PRAGMA user_version", &number, err);
	if (!code)
		code = check_owner(ledger, err);
	sqlite3_exec(ledger->db, "RELEASE look", NULL, NULL, NULL);
	if (!code && (number < 0 || number > latest))
		return sp_fail(err, -EPROTONOSUPPORT, SP_EXIT_FAILED,
		               "%s: written by a newer sallyport (version %lld of its tables, this "
		               "one knows %u); use that one",
		               ledger->path, (long long)number, latest);
	*version = (unsigned)number;
	return code;
}

static int set_version(struct sp_ledger *ledger, unsigned version, struct sp_error *err)
{
	char sql[96];

	snprintf(sql, sizeof(sql), "PRAGMA user_version = %u; PRAGMA application_id = %d", version,
	         SP_LEDGER_APPLICATION);
	return sp_db_exec(ledger, sql, err);
}

int sp_schema_migrate(struct sp_ledger *ledger, const char *const *steps, unsigned count,
                      struct sp_error *err)
{
	unsigned version = 0;
	int code = sp_ledger_begin(ledger, err);

	if (code)
		return code;
	/* Another process may have been quicker. */
	code = sp_schema_read(ledger, count, &version, err);
	for (; !code && version < count; version++)
		code = sp_db_exec(ledger, steps[version], err);
	if (!code)
		code = set_version(ledger, version, err);
	return sp_db_leave(ledger, true, code, err);
}
