/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ledger that is used for years: what is old goes, copies, damage. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger_fixture.h"
#include "lib/ledger.h"
#include "lib/ledger_care.h"
#include "lib/ledger_db.h"
#include "lib/ledger_log.h"

#define NOW UINT64_C(1700000000)

static const uint8_t digest[SP_VOUCHER_DIGEST] = {7};

static struct sp_client_key client(unsigned number)
{
	return (struct sp_client_key){.mac = {2, 0, 0, 0, 0, (uint8_t)number}};
}

static int64_t number(const char *sql)
{
	int64_t value = -1;

	sp_ok(sp_db_number(sp_fixture.ledger, sql, &value, &sp_fixture.err));
	return value;
}

static struct sp_record begin(unsigned number_of, const struct sp_who *who, uint64_t at)
{
	struct sp_record record = {
		.reading = {.client = client(number_of), .generation = number_of},
		.who = *who,
		.begun = at,
		.granted = at,
	};

	sp_ok(sp_ledger_session_add(sp_fixture.ledger, &record, &sp_fixture.err));
	return record;
}

/* It used so many bytes, and an address. */
static struct sp_record live(unsigned number_of, const struct sp_who *who, uint64_t at,
                             uint64_t bytes, enum sp_cause cause)
{
	struct sp_record record = begin(number_of, who, at);

	record.reading.written = at + 10;
	record.reading.cause = cause;
	record.reading.up_bytes = bytes;
	record.reading.ipv4 = 0x0100000a;
	sp_ok(sp_ledger_session_write(sp_fixture.ledger, record.id, &record.reading,
	                              &sp_fixture.err));
	return record;
}

static unsigned prune(uint64_t before, unsigned most)
{
	unsigned removed;

	sp_ok(sp_ledger_prune(sp_fixture.ledger, before, most, &removed, &sp_fixture.err));
	return removed;
}

static void prune_all(uint64_t before)
{
	while (prune(before, 500) > 0)
		;
}

/* --- what is old --- */

static const struct sp_who by_click = {.method = SP_METHOD_CLICK};
static const struct sp_who by_radius = {.method = SP_METHOD_RADIUS, .name = "anna"};

static void test_old_ones_go_and_others_stay(void **state)
{
	(void)state;
	live(1, &by_click, NOW - 1000, 1, SP_CAUSE_CLIENT);
	live(2, &by_click, NOW - 100, 1, SP_CAUSE_CLIENT);
	/* It began long ago and goes on. */
	live(3, &by_click, NOW - 1000, 1, SP_CAUSE_NONE);
	prune_all(NOW - 500);
	assert_int_equal(number("SELECT count(*) FROM session"), 2);
	assert_int_equal(number("SELECT count(*) FROM session WHERE mac LIKE '%:01'"), 0);
	assert_int_equal(number("SELECT count(*) FROM address"), 2);
	assert_int_equal(number("SELECT count(*) FROM log WHERE time < 1699999500"), 0);
	assert_int_equal(number("SELECT count(*) FROM log"), 3);
	assert_int_equal(number("SELECT count(*) FROM session WHERE ended = 0"), 1);
}

static void test_piece_by_piece(void **state)
{
	unsigned pieces = 0, removed;

	(void)state;
	for (unsigned i = 1; i <= 25; i++)
		live(i, &by_click, NOW - 1000, 1, SP_CAUSE_CLIENT);
	while ((removed = prune(NOW - 500, 10)) > 0) {
		assert_in_range(removed, 1, 20);
		pieces++;
	}
	assert_true(pieces >= 8);
	assert_int_equal(number("SELECT count(*) FROM session"), 0);
	assert_int_equal(number("SELECT count(*) FROM log"), 0);
}

static void test_nothing_goes_of_what_is_kept_for_ever(void **state)
{
	(void)state;
	live(1, &by_click, 1, 1, SP_CAUSE_CLIENT);
	assert_int_equal(prune(0, 500), 0);
	assert_int_equal(number("SELECT count(*) FROM log"), 3);
}

static void test_unconfirmed_accounting_stays(void **state)
{
	struct sp_record told = live(1, &by_radius, NOW - 1000, 1, SP_CAUSE_CLIENT);

	(void)state;
	live(2, &by_radius, NOW - 1000, 1, SP_CAUSE_CLIENT);
	sp_ok(sp_ledger_session_accounted(sp_fixture.ledger, told.id, SP_ACCOUNTED_STOP,
	                                  &sp_fixture.err));
	prune_all(NOW);
	assert_int_equal(number("SELECT count(*) FROM session"), 1);
	assert_int_equal(number("SELECT accounted FROM session"), SP_ACCOUNTED_NOTHING);
}

/* --- vouchers --- */

static int redeem(unsigned number_of, uint64_t at, struct sp_limits *left)
{
	struct sp_client_key key = client(number_of);
	struct sp_voucher voucher;
	int code;

	sp_ok(sp_ledger_begin(sp_fixture.ledger, &sp_fixture.err));
	code = sp_ledger_voucher_redeem(sp_fixture.ledger, digest, &key, at, &voucher, left,
	                                &sp_fixture.err);
	if (!code)
		sp_ok(sp_ledger_commit(sp_fixture.ledger, &sp_fixture.err));
	else
		sp_ledger_rollback(sp_fixture.ledger);
	return code;
}

static void test_what_a_voucher_counts_stays_counted(void **state)
{
	struct sp_voucher voucher = {.limits = {.quota = 1000}, .devices = 2, .created = 1};
	struct sp_who who = {.method = SP_METHOD_VOUCHER, .name = "1"};
	struct sp_limits left;
	struct sp_record record;

	(void)state;
	sp_ok(sp_ledger_voucher_add(sp_fixture.ledger, digest, &voucher, &sp_fixture.err));
	who.voucher = voucher.id;
	sp_ok(redeem(1, NOW - 1000, &left));
	live(1, &who, NOW - 1000, 300, SP_CAUSE_CLIENT);
	sp_ok(redeem(1, NOW - 900, &left));
	live(1, &who, NOW - 900, 200, SP_CAUSE_CLIENT);
	prune_all(NOW);
	assert_int_equal(number("SELECT count(*) FROM session"), 0);
	sp_ok(redeem(1, NOW, &left));
	assert_int_equal(left.quota, 500);
	live(1, &who, NOW, 100, SP_CAUSE_CLIENT);
	prune_all(NOW + 100);
	sp_ok(redeem(1, NOW + 100, &left));
	assert_int_equal(left.quota, 400);
	/* The place stays taken even when a session of it is undone. */
	record = begin(1, &who, NOW + 100);
	sp_ok(sp_ledger_session_forget(sp_fixture.ledger, &record, 0, &sp_fixture.err));
	sp_ok(sp_ledger_voucher_get(sp_fixture.ledger, voucher.id, &voucher, &sp_fixture.err));
	assert_int_equal(voucher.taken, 1);
	live(1, &who, NOW + 100, 400, SP_CAUSE_QUOTA);
	prune_all(NOW + 200);
	assert_int_equal(redeem(1, NOW + 200, &left), -ESTALE);
}

/* --- refused logins --- */

static void test_refused_logins_are_bounded(void **state)
{
	const struct sp_client_key key = client(1);

	(void)state;
	sp_ok(sp_db_exec(
		sp_fixture.ledger,
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
		"i < 100020) INSERT INTO log (time, event, mac, vlan) SELECT 1700000000, 5,"
		" '02:00:00:00:00:01', 0 FROM n",
		&sp_fixture.err));
	live(1, &by_click, NOW, 1, SP_CAUSE_NONE);
	sp_ok(sp_ledger_log_refused(sp_fixture.ledger, &key, &by_click, "full", NOW,
	                            &sp_fixture.err));
	prune_all(0);
	assert_int_equal(number("SELECT count(*) FROM log WHERE event = 5"), SP_LEDGER_REFUSED);
	assert_int_equal(number("SELECT count(*) FROM log WHERE event <> 5"), 2);
	assert_int_equal(number("SELECT count(*) FROM log WHERE note = 'full'"), 1);
}

/* --- copies --- */

static void test_backup_is_a_ledger(void **state)
{
	struct sp_instance other = sp_fixture.instance;
	struct sp_ledger *copy;
	char path[160];
	struct stat status;
	int64_t sessions;

	(void)state;
	live(1, &by_click, NOW, 1, SP_CAUSE_NONE);
	snprintf(other.state, sizeof(other.state), "%.40s/copy", sp_fixture.instance.state);
	assert_int_equal(mkdir(other.state, 0700), 0);
	snprintf(path, sizeof(path), "%s/ledger.db", other.state);
	sp_ok(sp_ledger_backup(sp_fixture.ledger, path, &sp_fixture.err));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(sp_ledger_backup(sp_fixture.ledger, path, &sp_fixture.err), -EEXIST);
	sp_ok(sp_ledger_open(&copy, &other, &sp_fixture.err));
	sp_ok(sp_db_number(copy, "SELECT count(*) FROM session", &sessions, &sp_fixture.err));
	assert_int_equal(sessions, 1);
	sp_ledger_close(copy);
	unlink(path);
	snprintf(path, sizeof(path), "%s/ledger.db-wal", other.state);
	unlink(path);
	snprintf(path, sizeof(path), "%s/ledger.db-shm", other.state);
	unlink(path);
	assert_int_equal(rmdir(other.state), 0);
}

static void test_backup_that_fails_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(sp_ledger_backup(sp_fixture.ledger, "/nowhere/at/all", &sp_fixture.err),
	                 -ENOENT);
	assert_non_null(strstr(sp_fixture.err.text, "/nowhere/at/all"));
}

/* --- damage --- */

static void hear(const char *sentence, void *context)
{
	snprintf(context, 400, "%s", sentence);
}

static void test_check(void **state)
{
	char said[400] = "";
	int64_t page;
	int fd;

	(void)state;
	for (unsigned i = 1; i <= 200; i++)
		live(i, &by_click, NOW, 1, SP_CAUSE_CLIENT);
	sp_ok(sp_ledger_check(sp_fixture.ledger, hear, said, &sp_fixture.err));
	assert_string_equal(said, "");
	page = number("SELECT rootpage FROM sqlite_schema WHERE name = 'log_mac'");
	assert_int_equal(number("PRAGMA page_size"), 4096);
	sp_ok(sp_db_exec(sp_fixture.ledger, "PRAGMA wal_checkpoint(TRUNCATE)", &sp_fixture.err));
	fd = open(sp_fixture.ledger->path, O_WRONLY);
	assert_true(fd >= 0);
	/* One that is not read before it is needed. */
	assert_int_equal(pwrite(fd, "nonsense nonsense", 17, 4096 * (page - 1)), 17);
	close(fd);
	sp_ledger_close(sp_fixture.ledger);
	sp_ok(sp_ledger_open(&sp_fixture.ledger, &sp_fixture.instance, &sp_fixture.err));
	assert_true(sp_ledger_check(sp_fixture.ledger, hear, said, &sp_fixture.err) != 0);
}

static void test_rows_of_nobody(void **state)
{
	char said[400] = "";

	(void)state;
	sp_ok(sp_db_exec(sp_fixture.ledger,
	                 "PRAGMA foreign_keys = OFF; INSERT INTO address (session, address, first) "
	                 "VALUES (77, '10.0.0.1', 1)",
	                 &sp_fixture.err));
	assert_int_equal(sp_ledger_check(sp_fixture.ledger, hear, said, &sp_fixture.err), 1);
	assert_non_null(strstr(said, "address"));
}

static void test_probe(void **state)
{
	(void)state;
	sp_ok(sp_ledger_probe(sp_fixture.ledger, &sp_fixture.err));
	sp_ok(sp_db_exec(sp_fixture.ledger, "PRAGMA query_only = ON", &sp_fixture.err));
	assert_true(sp_ledger_probe(sp_fixture.ledger, &sp_fixture.err) < 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sp_fixture_open, sp_fixture_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_old_ones_go_and_others_stay),
		TEST(test_piece_by_piece),
		TEST(test_nothing_goes_of_what_is_kept_for_ever),
		TEST(test_unconfirmed_accounting_stays),
		TEST(test_what_a_voucher_counts_stays_counted),
		TEST(test_refused_logins_are_bounded),
		TEST(test_backup_is_a_ledger),
		TEST(test_backup_that_fails_leaves_nothing),
		TEST(test_check),
		TEST(test_rows_of_nobody),
		TEST(test_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
