/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger as a database: opening, migrations, transactions, users. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/ledger.h"
#include "lib/ledger_schema.h"
#include "ledger_fixture.h"

static void test_file_is_private(void **state)
{
	struct stat status;
	char path[128];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		static const char *const ends[] = {"", "-wal", "-shm"};

		snprintf(path, sizeof(path), "%s/ledger.db%s", sp_fixture.instance.state, ends[i]);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 07777, 0600);
	}
	assert_int_equal(stat(sp_fixture.instance.state, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_true(sp_ledger_exists(&sp_fixture.instance));
}

static void test_header(void **state)
{
	int64_t number;

	(void)state;
	sp_ok(sp_db_number(sp_fixture.ledger, "PRAGMA application_id", &number, &sp_fixture.err));
	assert_int_equal(number, 0x53504c31);
	sp_ok(sp_db_number(sp_fixture.ledger, "PRAGMA user_version", &number, &sp_fixture.err));
	assert_int_equal(number, sp_schema_version);
	sp_ok(sp_db_number(sp_fixture.ledger, "PRAGMA foreign_keys", &number, &sp_fixture.err));
	assert_int_equal(number, 1);
	sp_ok(sp_db_number(sp_fixture.ledger,
	                   "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'",
	                   &number, &sp_fixture.err));
	assert_int_equal(number, 1);
	sp_ok(sp_db_number(sp_fixture.ledger,
	                   "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND name "
	                   "NOT LIKE 'sqlite%' AND NOT strict",
	                   &number, &sp_fixture.err));
	assert_int_equal(number, 0);
}

static void reopen(int expected)
{
	sp_ledger_close(sp_fixture.ledger);
	sp_fixture.ledger = NULL;
	assert_int_equal(sp_ledger_open(&sp_fixture.ledger, &sp_fixture.instance, &sp_fixture.err),
	                 expected);
}

static char *path_of_ledger(void)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/ledger.db", sp_fixture.instance.state);
	return path;
}

static void test_one_that_others_can_read(void **state)
{
	(void)state;
	assert_int_equal(chmod(path_of_ledger(), 0644), 0);
	reopen(-EPERM);
	assert_non_null(strstr(sp_fixture.err.text, "mode 0600"));
}

static void test_newer_one(void **state)
{
	(void)state;
	sp_ok(sp_db_exec(sp_fixture.ledger, "PRAGMA user_version = 999", &sp_fixture.err));
	reopen(-EPROTONOSUPPORT);
	assert_non_null(strstr(sp_fixture.err.text, "newer"));
}

static void test_foreign_one(void **state)
{
	(void)state;
	sp_ok(sp_db_exec(sp_fixture.ledger, "PRAGMA application_id = 7", &sp_fixture.err));
	reopen(-EUCLEAN);
	assert_non_null(strstr(sp_fixture.err.text, "not one that sallyport made"));
}

static void test_damaged_one(void **state)
{
	char garbage[4096];
	int fd;

	(void)state;
	memset(garbage, 'x', sizeof(garbage));
	/* Else what is in the log would mend it. */
	sp_ok(sp_db_exec(sp_fixture.ledger, "PRAGMA wal_checkpoint(TRUNCATE)", &sp_fixture.err));
	sp_ledger_close(sp_fixture.ledger);
	sp_fixture.ledger = NULL;
	fd = open(path_of_ledger(), O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, garbage, sizeof(garbage)), sizeof(garbage));
	close(fd);
	reopen(-EUCLEAN);
	assert_non_null(strstr(sp_fixture.err.text, path_of_ledger()));
}

/* --- migrations --- */

static const char *const two_steps[] = {
	"CREATE TABLE one (a INTEGER); INSERT INTO one VALUES (7)",
	"ALTER TABLE one ADD COLUMN b INTEGER; UPDATE one SET b = a * 2",
};

static const char *const bad_step[] = {
	"CREATE TABLE one (a INTEGER); INSERT INTO one VALUES (7)",
	"ALTER TABLE one ADD COLUMN b INTEGER; UPDATE one SET nonsense = 1",
};

/* A database of its own, without any step gone. */
static void open_empty(struct sp_ledger *ledger)
{
	*ledger = (struct sp_ledger){.path = ":memory:"};
	assert_int_equal(sqlite3_open(":memory:", &ledger->db), 0);
}

static int64_t number(struct sp_ledger *ledger, const char *sql)
{
	int64_t value = -1;

	sp_ok(sp_db_number(ledger, sql, &value, &sp_fixture.err));
	return value;
}

static void test_migration_goes_what_is_left(void **state)
{
	struct sp_ledger ledger;

	(void)state;
	open_empty(&ledger);
	sp_ok(sp_schema_migrate(&ledger, two_steps, 1, &sp_fixture.err));
	assert_int_equal(number(&ledger, "PRAGMA user_version"), 1);
	sp_ok(sp_db_exec(&ledger, "UPDATE one SET a = 21", &sp_fixture.err));
	sp_ok(sp_schema_migrate(&ledger, two_steps, 2, &sp_fixture.err));
	assert_int_equal(number(&ledger, "PRAGMA user_version"), 2);
	assert_int_equal(number(&ledger, "SELECT b FROM one"), 42);
	sp_ok(sp_schema_migrate(&ledger, two_steps, 2, &sp_fixture.err));
	assert_int_equal(number(&ledger, "SELECT count(*) FROM one"), 1);
	sqlite3_close(ledger.db);
}

static void test_migration_that_fails_changes_nothing(void **state)
{
	struct sp_ledger ledger;

	(void)state;
	open_empty(&ledger);
	sp_ok(sp_schema_migrate(&ledger, bad_step, 1, &sp_fixture.err));
	assert_true(sp_schema_migrate(&ledger, bad_step, 2, &sp_fixture.err) < 0);
	assert_int_equal(number(&ledger, "PRAGMA user_version"), 1);
	assert_int_equal(number(&ledger, "SELECT count(*) FROM pragma_table_info('one')"), 1);
	sqlite3_close(ledger.db);
}

/* --- transactions --- */

static struct sp_user user_of(const char *name)
{
	struct sp_user user = {.limits = {.seconds = 3600}, .devices = 2};

	snprintf(user.name, sizeof(user.name), "%s", name);
	snprintf(user.hash, sizeof(user.hash), "$y$hash of %s", name);
	return user;
}

static void test_rollback_takes_back(void **state)
{
	struct sp_user user = user_of("anna"), found;

	(void)state;
	sp_ok(sp_ledger_begin(sp_fixture.ledger, &sp_fixture.err));
	sp_ok(sp_ledger_user_add(sp_fixture.ledger, &user, &sp_fixture.err));
	sp_ledger_rollback(sp_fixture.ledger);
	sp_ledger_rollback(sp_fixture.ledger);
	assert_int_equal(sp_ledger_user_get(sp_fixture.ledger, "anna", &found, &sp_fixture.err),
	                 -ENOENT);
	sp_ok(sp_ledger_begin_quick(sp_fixture.ledger, &sp_fixture.err));
	sp_ok(sp_ledger_user_add(sp_fixture.ledger, &user, &sp_fixture.err));
	sp_ok(sp_ledger_commit(sp_fixture.ledger, &sp_fixture.err));
	sp_ok(sp_ledger_user_get(sp_fixture.ledger, "anna", &found, &sp_fixture.err));
}

static void test_full_disk(void **state)
{
	struct sp_user user = user_of("anna"), found;
	int code = 0;

	(void)state;
	sp_ok(sp_ledger_user_add(sp_fixture.ledger, &user, &sp_fixture.err));
	assert_true(number(sp_fixture.ledger, "PRAGMA max_page_count = 1") > 0);
	for (unsigned i = 0; i < 200 && !code; i++) {
		snprintf(user.name, sizeof(user.name), "user%u", i);
		code = sp_ledger_user_add(sp_fixture.ledger, &user, &sp_fixture.err);
	}
	assert_int_equal(code, -EXFULL);
	assert_int_equal(sp_fixture.err.exit_code, SP_EXIT_FAILED);
	sp_ok(sp_ledger_user_get(sp_fixture.ledger, "anna", &found, &sp_fixture.err));
}

/* --- users --- */

static void test_user_comes_back_as_it_was(void **state)
{
	struct sp_user user = {
		.name = "zo\xc3\xab",
		.hash = "$y$j9T$abc$def",
		.limits = {1, 2, 3, 4, 5, 6, 7, 8, 9, true, 0x0201550a},
		.devices = 3,
		.until = 4000000000,
		.disabled = true,
		.note = "room 12",
	};
	struct sp_user found = {.devices = 77};

	(void)state;
	sp_ok(sp_ledger_user_add(sp_fixture.ledger, &user, &sp_fixture.err));
	sp_ok(sp_ledger_user_get(sp_fixture.ledger, user.name, &found, &sp_fixture.err));
	assert_string_equal(found.name, user.name);
	assert_string_equal(found.hash, user.hash);
	assert_string_equal(found.note, user.note);
	assert_int_equal(found.limits.seconds, 1);
	assert_int_equal(found.limits.idle, 2);
	assert_int_equal(found.limits.quota, 3);
	assert_int_equal(found.limits.quota_up, 4);
	assert_int_equal(found.limits.quota_down, 5);
	assert_int_equal(found.limits.rate_up, 6);
	assert_int_equal(found.limits.rate_down, 7);
	assert_int_equal(found.limits.burst_up, 8);
	assert_int_equal(found.limits.burst_down, 9);
	assert_true(found.limits.bind);
	assert_int_equal(found.limits.ipv4, 0x0201550a);
	assert_int_equal(found.devices, 3);
	assert_int_equal(found.until, 4000000000);
	assert_true(found.disabled);
}

static void test_users_change(void **state)
{
	struct sp_user user = user_of("anna"), found;
	struct sp_ledger *ledger = sp_fixture.ledger;
	struct sp_error *err = &sp_fixture.err;

	(void)state;
	sp_ok(sp_ledger_user_add(ledger, &user, err));
	assert_int_equal(sp_ledger_user_add(ledger, &user, err), -EEXIST);
	assert_non_null(strstr(err->text, "anna"));
	sp_ok(sp_ledger_user_password(ledger, "anna", "$y$other", err));
	sp_ok(sp_ledger_user_disable(ledger, "anna", true, err));
	sp_ok(sp_ledger_user_get(ledger, "anna", &found, err));
	assert_string_equal(found.hash, "$y$other");
	assert_true(found.disabled);
	sp_ok(sp_ledger_user_disable(ledger, "anna", false, err));
	sp_ok(sp_ledger_user_get(ledger, "anna", &found, err));
	assert_false(found.disabled);
	sp_ok(sp_ledger_user_remove(ledger, "anna", err));
	assert_int_equal(sp_ledger_user_remove(ledger, "anna", err), -ENOENT);
	assert_int_equal(err->exit_code, SP_EXIT_NOT_FOUND);
	assert_int_equal(sp_ledger_user_password(ledger, "anna", "x", err), -ENOENT);
	assert_int_equal(sp_ledger_user_disable(ledger, "anna", true, err), -ENOENT);
	assert_int_equal(sp_ledger_user_get(ledger, "Anna", &found, err), -ENOENT);
}

static int collect(const struct sp_user *user, void *context)
{
	char *names = context;

	strcat(names, user->name);
	return strlen(names) > 2 ? 5 : 0;
}

static void test_users_in_order_until_enough(void **state)
{
	static const char *const names[] = {"c", "a", "d", "b"};
	char seen[16] = "";

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct sp_user user = user_of(names[i]);

		sp_ok(sp_ledger_user_add(sp_fixture.ledger, &user, &sp_fixture.err));
	}
	assert_int_equal(sp_ledger_user_each(sp_fixture.ledger, collect, seen, &sp_fixture.err), 5);
	assert_string_equal(seen, "abc");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sp_fixture_open, sp_fixture_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_file_is_private),
		TEST(test_header),
		TEST(test_one_that_others_can_read),
		TEST(test_newer_one),
		TEST(test_foreign_one),
		TEST(test_damaged_one),
		TEST(test_migration_goes_what_is_left),
		TEST(test_migration_that_fails_changes_nothing),
		TEST(test_rollback_takes_back),
		TEST(test_full_disk),
		TEST(test_user_comes_back_as_it_was),
		TEST(test_users_change),
		TEST(test_users_in_order_until_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
