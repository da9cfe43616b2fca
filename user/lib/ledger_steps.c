/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps of the schema. Times are seconds since 1970, 0 is never. Numbers of methods, causes,
 * log events and of what was accounted are those of lib/who.h, lib/ledger_log.h and lib/ledger.h.
 */
#include "lib/ledger_schema.h"

#include "lib/ledger.h"
#include "lib/ledger_log.h"

#define LIMITS                                                                     \
	"seconds INTEGER NOT NULL, idle INTEGER NOT NULL, quota INTEGER NOT NULL," \
	"quota_up INTEGER NOT NULL, quota_down INTEGER NOT NULL,"                  \
	"rate_up INTEGER NOT NULL, rate_down INTEGER NOT NULL,"                    \
	"burst_up INTEGER NOT NULL, burst_down INTEGER NOT NULL, binding TEXT NOT NULL,"

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

/* --- versions 2 to 4: sessions outlive a reboot, and what happened is logged --- */

/* The bounds keep the sum within 64 bits. */
static const char version2[] =
	"ALTER TABLE session ADD COLUMN zone TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE session ADD COLUMN note TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE session ADD COLUMN granted INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE session ADD COLUMN until INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE session ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE session ADD COLUMN restored INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE session ADD COLUMN base_up_packets INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE session ADD COLUMN base_up_bytes INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE session ADD COLUMN base_down_packets INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE session ADD COLUMN base_down_bytes INTEGER NOT NULL DEFAULT 0;"
	"UPDATE session SET granted = begun, seen = written, until = CASE "
	"WHEN seconds = 0 THEN 0 WHEN seconds > 1000000000000 THEN 9223372036854775807 "
	"ELSE begun + seconds END;"
	"CREATE INDEX session_ended ON session (ended) WHERE ended > 0;"
	"CREATE INDEX session_goes_on ON session (id) WHERE ended = 0;"

	/* Which addresses a session used: from, and until; 0: the one that it was last seen with.
         */
	"CREATE TABLE address ("
	" session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,"
	" address TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY (session, address)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX address_address ON address (address, first);"
	"INSERT INTO address (session, address, first) SELECT id, ipv4, begun FROM session "
	"WHERE ipv4 <> '';"
	"INSERT INTO address (session, address, first) SELECT id, ipv6, begun FROM session "
	"WHERE ipv6 <> '';"

	"CREATE TABLE block ("
	" mac TEXT NOT NULL, vlan INTEGER NOT NULL, since INTEGER NOT NULL, note TEXT NOT NULL,"
	" PRIMARY KEY (mac, vlan)) STRICT, WITHOUT ROWID;"

	/* seen: the wall clock; before it, the log may be deleted, and refused logins before that
         * id
         */
	"CREATE TABLE state ("
	" one INTEGER PRIMARY KEY CHECK (one = 1), seen INTEGER NOT NULL DEFAULT 0,"
	" log_before INTEGER NOT NULL DEFAULT 0, refused_before INTEGER NOT NULL DEFAULT 0,"
	" probes INTEGER NOT NULL DEFAULT 0"
	") STRICT;"
	"INSERT INTO state (one) VALUES (1);"

	/* Vouchers of a creation that has not come to its end are nobody's. */
	"CREATE TABLE creation ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, begun INTEGER NOT NULL) STRICT;"
	"ALTER TABLE voucher ADD COLUMN creation INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX voucher_creation ON voucher (creation) WHERE creation > 0;"

	/* What sessions of it used that are not kept any more, and how many those were. */
	"ALTER TABLE place ADD COLUMN sessions INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE place ADD COLUMN up_bytes INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE place ADD COLUMN down_bytes INTEGER NOT NULL DEFAULT 0;";

/* Queries repeat the conditions of the partial indexes. */
static const char version3[] =
	"CREATE TABLE log ("
	" id INTEGER PRIMARY KEY, time INTEGER NOT NULL, event INTEGER NOT NULL,"
	" session INTEGER NOT NULL DEFAULT 0, mac TEXT NOT NULL, vlan INTEGER NOT NULL,"
	" zone TEXT NOT NULL DEFAULT '', method INTEGER NOT NULL DEFAULT 0,"
	" name TEXT NOT NULL DEFAULT '', ipv4 TEXT NOT NULL DEFAULT '',"
	" ipv6 TEXT NOT NULL DEFAULT '', cause INTEGER NOT NULL DEFAULT 0,"
	" up_bytes INTEGER NOT NULL DEFAULT 0, down_bytes INTEGER NOT NULL DEFAULT 0,"
	" seconds INTEGER NOT NULL DEFAULT 0, idle INTEGER NOT NULL DEFAULT 0,"
	" quota INTEGER NOT NULL DEFAULT 0, quota_up INTEGER NOT NULL DEFAULT 0,"
	" quota_down INTEGER NOT NULL DEFAULT 0, rate_up INTEGER NOT NULL DEFAULT 0,"
	" rate_down INTEGER NOT NULL DEFAULT 0, burst_up INTEGER NOT NULL DEFAULT 0,"
	" burst_down INTEGER NOT NULL DEFAULT 0, binding TEXT NOT NULL DEFAULT '',"
	" note TEXT NOT NULL DEFAULT '') STRICT;"
	"CREATE INDEX log_time ON log (time);"
	"CREATE INDEX log_mac ON log (mac, time);"
	"CREATE INDEX log_name ON log (name, time) WHERE name <> '';"
	"CREATE INDEX log_ipv4 ON log (ipv4, time) WHERE ipv4 <> '';"
	"CREATE INDEX log_ipv6 ON log (ipv6, time) WHERE ipv6 <> '';"
	"CREATE INDEX log_refused ON log (id) WHERE event = 5;"

	"CREATE TRIGGER log_is_not_changed BEFORE UPDATE ON log BEGIN"
	" SELECT RAISE(ABORT, 'the log is only written, never changed'); END;"
	"CREATE TRIGGER log_is_kept BEFORE DELETE ON log"
	" WHEN old.time >= (SELECT log_before FROM state) AND NOT (old.event = 5"
	" AND old.id < (SELECT refused_before FROM state)) BEGIN"
	" SELECT RAISE(ABORT, 'the log is kept for as long as its retention says'); END;"

	/* the sessions that there were before there was a log */
	"INSERT INTO log (time, event, session, mac, vlan, method, name) "
	"SELECT begun, 1, id, mac, vlan, method, name FROM session ORDER BY id;"
	"INSERT INTO log (time, event, session, mac, vlan, method, name, ipv4, ipv6) "
	"SELECT begun, 2, id, mac, vlan, method, name, ipv4, ipv6 FROM session "
	"WHERE ipv4 <> '' OR ipv6 <> '' ORDER BY id;"
	"INSERT INTO log (time, event, session, mac, vlan, method, name, ipv4, ipv6, cause, "
	"up_bytes,"
	" down_bytes) SELECT ended, 4, id, mac, vlan, method, name, ipv4, ipv6, cause, up_bytes,"
	" down_bytes FROM session WHERE ended > 0 ORDER BY id;";

/* It would put each statement further to the right than the one before. */
/* clang-format off */
#define TRIGGER(name, event, body) "CREATE TRIGGER " name " AFTER " event " BEGIN " body "; END;"
#define LOG_LIMITS                                                                      \
	"new.seconds, new.idle, new.quota, new.quota_up, new.quota_down, new.rate_up, " \
	"new.rate_down, new.burst_up, new.burst_down, new.binding"
#define LOG_WHOLE(time, event)                                                             \
	"INSERT INTO log (time, event, session, mac, vlan, zone, method, name, note, "     \
	SP_LIMIT_COLUMNS ") SELECT " time ", " event ", new.id, new.mac, new.vlan, "       \
	"new.zone, new.method, new.name, new.note, " LOG_LIMITS "; "                       \
	"UPDATE state SET seen = " time " WHERE seen < " time
#define LOG_BRIEF(row, time, event)                                                      \
	"INSERT INTO log (session, mac, vlan, zone, method, name, ipv4, ipv6, up_bytes, " \
	"down_bytes, cause, time, event) SELECT " row ".id, " row ".mac, " row ".vlan, "  \
	row ".zone, " row ".method, " row ".name, " row ".ipv4, " row ".ipv6, "           \
	row ".up_bytes, " row ".down_bytes, " row ".cause, " time ", " event
#define LOG_BLOCK(row, time, event)                                      \
	"INSERT INTO log (time, event, mac, vlan, note) VALUES (" time   \
	", " event ", " row ".mac, " row ".vlan, " row ".note)"

/*
 * A look at the map comes every ten seconds: since the one before, but not for longer than that,
 * the address may have been in use.
 */
#define ADDRESS(column)                                                                        \
	TRIGGER("session_" column,                                                             \
		"UPDATE OF " column " ON session WHEN new." column " <> old." column,          \
		"UPDATE address SET last = max(old.seen, first) WHERE session = new.id "       \
		"AND address = old." column "; "                                               \
		"INSERT INTO address (session, address, first) VALUES "                        \
		"(new.id, new." column ", max(old.written, new.written - 10)) "                \
		"ON CONFLICT DO UPDATE SET last = 0")

static const char version4[] =
	TRIGGER("session_begins", "INSERT ON session", LOG_WHOLE("new.begun", "1"))
	TRIGGER("session_changes", "UPDATE OF granted ON session", LOG_WHOLE("new.granted", "3"))
	TRIGGER("session_ends",
		"UPDATE OF ended ON session WHEN old.ended = 0 AND new.ended > 0",
		LOG_BRIEF("new", "new.ended", "4"))
	TRIGGER("session_resumes",
		"UPDATE OF ended ON session WHEN old.ended > 0 AND new.ended = 0",
		LOG_BRIEF("new", "old.ended", "7"))
	TRIGGER("session_is_restored", "UPDATE OF restored ON session",
		LOG_BRIEF("new", "new.restored", "8"))
	TRIGGER("session_is_undone", "DELETE ON session WHEN old.ended = 0",
		LOG_BRIEF("old", "old.begun", "6"))
	ADDRESS("ipv4")
	ADDRESS("ipv6")
	TRIGGER("address_appears", "INSERT ON address",
		"INSERT INTO log (time, event, session, mac, vlan, zone, method, name, ipv4, ipv6) "
		"SELECT new.first, 2, id, mac, vlan, zone, method, name, "
		"iif(instr(new.address, ':'), '', new.address), "
		"iif(instr(new.address, ':'), new.address, '') "
		"FROM session WHERE id = new.session")
	TRIGGER("block_begins", "INSERT ON block", LOG_BLOCK("new", "new.since", "9"))
	TRIGGER("block_changes", "UPDATE ON block", LOG_BLOCK("new", "new.since", "9"))
	TRIGGER("block_ends", "DELETE ON block", LOG_BLOCK("old", "unixepoch()", "10"));
/* clang-format on */

/* Sessions of a large import, of whose begin the log does not tell yet (sp_ledger_log_settle). */
static const char version5[] =
	"CREATE TABLE begun (first INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT;";

const char *const sp_schema_steps[] = {version1, version2, version3, version4, version5};
const unsigned sp_schema_version = sizeof(sp_schema_steps) / sizeof(*sp_schema_steps);

_Static_assert(SP_METHOD_RADIUS == 4 && SP_ACCOUNTED_STOP == 2, "as session_unaccounted has them");
_Static_assert(SP_HISTORY_REFUSED == 5, "as log_refused has it");
