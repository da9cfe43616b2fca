/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ledger_schema.h"

#include <errno.h>
#include <stdio.h>

#include "lib/ledger.h"

#define LIMITS                                                                     \
	"seconds INTEGER NOT NULL, idle INTEGER NOT NULL, quota INTEGER NOT NULL," \
	"quota_up INTEGER NOT NULL, quota_down INTEGER NOT NULL,"                  \
	"rate_up INTEGER NOT NULL, rate_down INTEGER NOT NULL,"                    \
	"burst_up INTEGER NOT NULL, burst_down INTEGER NOT NULL, binding TEXT NOT NULL,"

/*
 * Times are seconds since 1970, 0 is never. Numbers of methods, causes and of what was accounted
 * are those of lib/who.h and lib/ledger.h.
 */
static const char version1[] =
	"CREATE TABLE user ("
	" name TEXT PRIMARY KEY CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 253),"
	" hash TEXT NOT NULL, " LIMITS
	" devices INTEGER NOT NULL, until INTEGER NOT NULL, disabled INTEGER NOT NULL,"
	" note TEXT NOT NULL"
	") STRICT, WITHOUT ROWID;"

	"CREATE TABLE voucher ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32), " LIMITS
	" devices INTEGER NOT NULL CHECK (devices > 0),"
	" starts INTEGER NOT NULL, until INTEGER NOT NULL, created INTEGER NOT NULL,"
	" first INTEGER NOT NULL DEFAULT 0,"
	/* the latest time at which it is known to have been redeemed, against clocks that go back
         */
	" seen INTEGER NOT NULL DEFAULT 0,"
	" revoked INTEGER NOT NULL DEFAULT 0, batch TEXT NOT NULL, note TEXT NOT NULL"
	") STRICT;"
	"CREATE INDEX voucher_batch ON voucher (batch);"

	/* who has redeemed a voucher */
	"CREATE TABLE place ("
	" voucher INTEGER NOT NULL REFERENCES voucher (id), mac TEXT NOT NULL,"
	" vlan INTEGER NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (voucher, mac, vlan)"
	") STRICT, WITHOUT ROWID;"

	"CREATE TABLE session ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" mac TEXT NOT NULL, vlan INTEGER NOT NULL, generation INTEGER NOT NULL,"
	" method INTEGER NOT NULL, name TEXT NOT NULL, voucher INTEGER REFERENCES voucher (id),"
	" class BLOB NOT NULL, interim INTEGER NOT NULL, " LIMITS
	" begun INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0,"
	" cause INTEGER NOT NULL DEFAULT 0,"
	" ipv4 TEXT NOT NULL DEFAULT '', ipv6 TEXT NOT NULL DEFAULT '',"
	" up_packets INTEGER NOT NULL DEFAULT 0, up_bytes INTEGER NOT NULL DEFAULT 0,"
	" down_packets INTEGER NOT NULL DEFAULT 0, down_bytes INTEGER NOT NULL DEFAULT 0,"
	" written INTEGER NOT NULL, accounted INTEGER NOT NULL DEFAULT 0"
	") STRICT;"
	"CREATE UNIQUE INDEX session_running ON session (mac, vlan) WHERE ended = 0;"
	"CREATE INDEX session_client ON session (mac, vlan);"
	"CREATE INDEX session_voucher ON session (voucher, mac, vlan) WHERE voucher IS NOT NULL;"
	"CREATE INDEX session_who ON session (method, name) WHERE ended = 0;"
	"CREATE INDEX session_unaccounted ON session (id) WHERE method = 4 AND accounted < 2;";

const char *const sp_schema_steps[] = {version1};
const unsigned sp_schema_version = sizeof(sp_schema_steps) / sizeof(*sp_schema_steps);

_Static_assert(SP_METHOD_RADIUS == 4 && SP_ACCOUNTED_STOP == 2, "as session_unaccounted has them");

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
