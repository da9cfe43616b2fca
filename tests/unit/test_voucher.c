/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vouchers in the ledger: places, time, data, windows, clocks, many made at once, the key. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger_fixture.h"
#include "lib/ledger.h"
#include "lib/ledger_care.h"
#include "lib/ledger_db.h"
#include "lib/voucher_key.h"

#define NOW 1800000000u

static const uint8_t digest[SP_VOUCHER_DIGEST] = {1, 2, 3};

static struct sp_client_key client(unsigned number)
{
	return (struct sp_client_key){.mac = {2, 0, 0, 0, 0, (uint8_t)number}};
}

static void add(struct sp_voucher *voucher)
{
	voucher->created = NOW;
	if (!voucher->devices)
		voucher->devices = 1;
	sp_ok(sp_ledger_voucher_add(sp_fixture.ledger, digest, voucher, &sp_fixture.err));
}

static struct sp_voucher found;
static struct sp_limits left;

/* Redeem and commit if that went well. */
static int redeem(unsigned number, uint64_t now)
{
	struct sp_client_key key = client(number);
	int code;

	sp_ok(sp_ledger_begin(sp_fixture.ledger, &sp_fixture.err));
	code = sp_ledger_voucher_redeem(sp_fixture.ledger, digest, &key, now, &found, &left,
	                                &sp_fixture.err);
	if (code)
		sp_ledger_rollback(sp_fixture.ledger);
	else
		sp_ok(sp_ledger_commit(sp_fixture.ledger, &sp_fixture.err));
	return code;
}

/* A session by the voucher that moved so much and is over, or goes on. */
static struct sp_record use(unsigned number, uint64_t up, uint64_t down, enum sp_cause cause)
{
	struct sp_record record = {
		.reading = {.client = client(number), .generation = number},
		.who = {.method = SP_METHOD_VOUCHER, .name = "1", .voucher = found.id},
		.begun = NOW,
	};

	sp_ok(sp_ledger_session_add(sp_fixture.ledger, &record, &sp_fixture.err));
	record.reading.up_bytes = up;
	record.reading.down_bytes = down;
	record.reading.written = NOW + 1;
	record.reading.cause = cause;
	sp_ok(sp_ledger_session_write(sp_fixture.ledger, 0, &record.reading, &sp_fixture.err));
	return record;
}

static void test_unknown(void **state)
{
	(void)state;
	assert_int_equal(redeem(1, NOW), -ENOENT);
	assert_int_equal(sp_ledger_voucher_get(sp_fixture.ledger, 1, &found, &sp_fixture.err),
	                 -ENOENT);
	assert_int_equal(sp_fixture.err.exit_code, SP_EXIT_NOT_FOUND);
	assert_int_equal(sp_ledger_voucher_revoke(sp_fixture.ledger, 1, &sp_fixture.err), -ENOENT);
}

static void test_comes_back_as_it_was(void **state)
{
	struct sp_voucher voucher = {
		.limits = {.seconds = 8, .quota = 9, .rate_down = 10000, .bind = true},
		.devices = 3,
		.from = NOW - 5,
		.until = NOW + 5,
		.batch = "july",
		.note = "desk",
	};

	(void)state;
	add(&voucher);
	assert_int_equal(voucher.id, 1);
	assert_int_equal(
		sp_ledger_voucher_add(sp_fixture.ledger, digest, &voucher, &sp_fixture.err),
		-EEXIST);
	sp_ok(sp_ledger_voucher_find(sp_fixture.ledger, digest, &found, &sp_fixture.err));
	assert_int_equal(found.id, 1);
	assert_int_equal(found.limits.seconds, 8);
	assert_int_equal(found.limits.quota, 9);
	assert_int_equal(found.limits.rate_down, 10000);
	assert_true(found.limits.bind);
	assert_int_equal(found.limits.ipv4, 0);
	assert_int_equal(found.devices, 3);
	assert_int_equal(found.taken, 0);
	assert_int_equal(found.from, NOW - 5);
	assert_int_equal(found.until, NOW + 5);
	assert_int_equal(found.created, NOW);
	assert_int_equal(found.first, 0);
	assert_false(found.revoked);
	assert_string_equal(found.batch, "july");
	assert_string_equal(found.note, "desk");
}

static void test_places(void **state)
{
	struct sp_voucher voucher = {.devices = 2};

	(void)state;
	add(&voucher);
	sp_ok(redeem(1, NOW));
	assert_int_equal(found.taken, 1);
	sp_ok(redeem(2, NOW));
	assert_int_equal(redeem(3, NOW), -EUSERS);
	sp_ok(redeem(1, NOW + 1));
	assert_int_equal(found.taken, 2);
	sp_ok(sp_ledger_voucher_get(sp_fixture.ledger, 1, &found, &sp_fixture.err));
	assert_int_equal(found.taken, 2);
	assert_int_equal(found.first, NOW);
}

static void test_time_runs_from_the_first_redemption(void **state)
{
	struct sp_voucher voucher = {.limits = {.seconds = 100}, .devices = 2};

	(void)state;
	add(&voucher);
	sp_ok(redeem(1, NOW + 1000));
	assert_int_equal(left.seconds, 100);
	sp_ok(redeem(2, NOW + 1040));
	assert_int_equal(left.seconds, 60);
	sp_ok(redeem(1, NOW + 1099));
	assert_int_equal(left.seconds, 1);
	assert_int_equal(redeem(1, NOW + 1100), -ESTALE);
}

static void test_window(void **state)
{
	struct sp_voucher voucher = {
		.limits = {.seconds = 100}, .devices = 2, .from = NOW + 10, .until = NOW + 50};

	(void)state;
	add(&voucher);
	assert_int_equal(redeem(1, NOW + 9), -EAGAIN);
	sp_ok(redeem(1, NOW + 10));
	assert_int_equal(left.seconds, 40);
	sp_ok(redeem(2, NOW + 49));
	assert_int_equal(left.seconds, 1);
	assert_int_equal(redeem(1, NOW + 50), -ESTALE);
}

static void test_window_alone_bounds_the_session(void **state)
{
	struct sp_voucher voucher = {.until = NOW + 50};

	(void)state;
	add(&voucher);
	sp_ok(redeem(1, NOW));
	assert_int_equal(left.seconds, 50);
}

static void test_clock_that_goes_back_gives_nothing_back(void **state)
{
	struct sp_voucher voucher = {.limits = {.seconds = 100}};

	(void)state;
	add(&voucher);
	sp_ok(redeem(1, NOW));
	sp_ok(redeem(1, NOW + 60));
	assert_int_equal(left.seconds, 40);
	/* An hour back: of the hundred seconds sixty are gone, and time goes on from there. */
	sp_ok(redeem(1, NOW - 3600));
	assert_int_equal(left.seconds, 40);
	sp_ok(redeem(1, NOW - 3590));
	assert_int_equal(left.seconds, 30);
	assert_int_equal(redeem(1, NOW - 3560), -ESTALE);
}

static void test_clock_that_was_in_the_future(void **state)
{
	struct sp_voucher voucher = {.limits = {.seconds = 100}};

	(void)state;
	add(&voucher);
	sp_ok(redeem(1, NOW + 1000000));
	sp_ok(redeem(1, NOW));
	assert_int_equal(left.seconds, 100);
	sp_ok(redeem(1, NOW + 99));
	assert_int_equal(redeem(1, NOW + 100), -ESTALE);
}

static void test_data_is_of_each_device(void **state)
{
	struct sp_voucher voucher = {.limits = {.quota = 1000, .quota_down = 900}, .devices = 2};

	(void)state;
	add(&voucher);
	sp_ok(redeem(1, NOW));
	use(1, 100, 200, SP_CAUSE_CLIENT);
	use(1, 30, 20, SP_CAUSE_NONE);
	sp_ok(redeem(1, NOW));
	assert_int_equal(left.quota, 650);
	assert_int_equal(left.quota_down, 680);
	assert_int_equal(left.quota_up, 0);
	sp_ok(redeem(2, NOW));
	assert_int_equal(left.quota, 1000);
	use(2, 0, 900, SP_CAUSE_QUOTA);
	assert_int_equal(redeem(2, NOW), -ESTALE);
	assert_non_null(strstr(sp_fixture.err.text, "data"));
	sp_ok(redeem(1, NOW));
}

static void test_revoked(void **state)
{
	struct sp_voucher voucher = {.devices = 2};

	(void)state;
	add(&voucher);
	sp_ok(redeem(1, NOW));
	sp_ok(sp_ledger_voucher_revoke(sp_fixture.ledger, 1, &sp_fixture.err));
	sp_ok(sp_ledger_voucher_revoke(sp_fixture.ledger, 1, &sp_fixture.err));
	assert_int_equal(redeem(1, NOW), -ENOENT);
	assert_int_equal(redeem(2, NOW), -ENOENT);
}

static void test_refused_redemption_changes_nothing(void **state)
{
	struct sp_voucher voucher = {.limits = {.quota = 10}, .devices = 2, .from = NOW};

	(void)state;
	add(&voucher);
	assert_int_equal(redeem(1, NOW - 1), -EAGAIN);
	sp_ok(sp_ledger_voucher_get(sp_fixture.ledger, 1, &found, &sp_fixture.err));
	assert_int_equal(found.taken, 0);
	assert_int_equal(found.first, 0);
}

/* The grant failed behind the ledger: it is as if the voucher had not been redeemed. */
static void test_forgotten_session_gives_its_place_back(void **state)
{
	struct sp_voucher voucher = {.limits = {.seconds = 100}};
	struct sp_record record,
		before = {.reading = {.client = client(1), .generation = 9}, .begun = NOW};

	(void)state;
	add(&voucher);
	sp_ok(sp_ledger_session_add(sp_fixture.ledger, &before, &sp_fixture.err));
	before.reading.cause = SP_CAUSE_REPLACED;
	before.reading.written = NOW;
	sp_ok(sp_ledger_session_write(sp_fixture.ledger, before.id, &before.reading,
	                              &sp_fixture.err));
	sp_ok(redeem(1, NOW));
	record = use(1, 0, 0, SP_CAUSE_NONE);
	sp_ok(sp_ledger_session_forget(sp_fixture.ledger, &record, before.id, &sp_fixture.err));
	sp_ok(sp_ledger_voucher_get(sp_fixture.ledger, 1, &found, &sp_fixture.err));
	assert_int_equal(found.taken, 0);
	assert_int_equal(found.first, 0);
	sp_ok(sp_ledger_session_running(sp_fixture.ledger, &before.reading.client, &record,
	                                &sp_fixture.err));
	assert_int_equal(record.id, before.id);
	assert_int_equal(record.reading.cause, SP_CAUSE_NONE);
	sp_ok(redeem(2, NOW + 50));
	assert_int_equal(left.seconds, 100);
}

static void test_place_that_was_used_stays(void **state)
{
	struct sp_voucher voucher = {.limits = {.seconds = 100}};
	struct sp_record record;

	(void)state;
	add(&voucher);
	sp_ok(redeem(1, NOW));
	use(1, 1, 1, SP_CAUSE_CLIENT);
	record = use(1, 0, 0, SP_CAUSE_NONE);
	sp_ok(sp_ledger_session_forget(sp_fixture.ledger, &record, 0, &sp_fixture.err));
	assert_int_equal(redeem(2, NOW), -EUSERS);
}

static int count(const struct sp_voucher *voucher, void *context)
{
	(void)voucher;
	++*(unsigned *)context;
	return 0;
}

static void test_by_batch(void **state)
{
	uint8_t other[SP_VOUCHER_DIGEST] = {0};
	unsigned seen = 0;

	(void)state;
	for (uint8_t i = 0; i < 5; i++) {
		struct sp_voucher voucher = {.devices = 1};

		snprintf(voucher.batch, sizeof(voucher.batch), "%s", i % 2 ? "odd" : "even");
		other[0] = i;
		sp_ok(sp_ledger_voucher_add(sp_fixture.ledger, other, &voucher, &sp_fixture.err));
	}
	sp_ok(sp_ledger_voucher_each(sp_fixture.ledger, "odd", count, &seen, &sp_fixture.err));
	assert_int_equal(seen, 2);
	sp_ok(sp_ledger_voucher_each(sp_fixture.ledger, NULL, count, &seen, &sp_fixture.err));
	assert_int_equal(seen, 7);
}

/* --- several processes --- */

static unsigned count_all(void)
{
	uint64_t count;

	sp_ok(sp_ledger_voucher_count(sp_fixture.ledger, &count, &sp_fixture.err));
	return (unsigned)count;
}

/* Each with a code of its own. */
static void add_some(uint64_t creation, uint8_t first, uint8_t end)
{
	for (uint8_t i = first; i < end; i++) {
		const uint8_t other[SP_VOUCHER_DIGEST] = {9, i};
		struct sp_voucher voucher = {.devices = 1, .creation = creation, .batch = "b"};

		sp_ok(sp_ledger_voucher_add(sp_fixture.ledger, other, &voucher, &sp_fixture.err));
	}
}

static int count_one(const struct sp_voucher *voucher, void *context)
{
	(void)voucher;
	++*(unsigned *)context;
	return 0;
}

static void test_creation_is_nobodys_until_it_ends(void **state)
{
	static const uint8_t third[SP_VOUCHER_DIGEST] = {9, 3};
	struct sp_client_key key = client(1);
	struct sp_voucher voucher;
	uint64_t creation;
	unsigned listed = 0;

	(void)state;
	sp_ok(sp_ledger_creation_begin(sp_fixture.ledger, NOW, &creation, &sp_fixture.err));
	add_some(creation, 0, 20);
	assert_int_equal(count_all(), 0);
	assert_int_equal(
		sp_ledger_voucher_find(sp_fixture.ledger, third, &voucher, &sp_fixture.err),
		-ENOENT);
	assert_int_equal(sp_ledger_voucher_get(sp_fixture.ledger, 3, &voucher, &sp_fixture.err),
	                 -ENOENT);
	assert_int_equal(sp_ledger_voucher_revoke(sp_fixture.ledger, 3, &sp_fixture.err), -ENOENT);
	sp_ok(sp_ledger_voucher_each(sp_fixture.ledger, "b", count_one, &listed, &sp_fixture.err));
	sp_ok(sp_ledger_voucher_each(sp_fixture.ledger, NULL, count_one, &listed, &sp_fixture.err));
	assert_int_equal(listed, 0);
	sp_ok(sp_ledger_begin(sp_fixture.ledger, &sp_fixture.err));
	assert_int_equal(sp_ledger_voucher_redeem(sp_fixture.ledger, third, &key, NOW, &voucher,
	                                          &left, &sp_fixture.err),
	                 -ENOENT);
	sp_ledger_rollback(sp_fixture.ledger);
	sp_ok(sp_ledger_creation_end(sp_fixture.ledger, creation, &sp_fixture.err));
	assert_int_equal(count_all(), 20);
	sp_ok(sp_ledger_voucher_find(sp_fixture.ledger, third, &voucher, &sp_fixture.err));
	assert_int_equal(sp_ledger_creation_end(sp_fixture.ledger, creation, &sp_fixture.err),
	                 -ESTALE);
}

static void test_creation_that_is_undone_or_killed(void **state)
{
	uint64_t undone, killed;
	unsigned removed = 1;
	int64_t rows;

	(void)state;
	sp_ok(sp_ledger_creation_begin(sp_fixture.ledger, NOW, &undone, &sp_fixture.err));
	add_some(undone, 0, 10);
	sp_ok(sp_ledger_creation_begin(sp_fixture.ledger, 1, &killed, &sp_fixture.err));
	add_some(killed, 10, 20);
	while (removed)
		sp_ok(sp_ledger_creation_undo(sp_fixture.ledger, undone, 4, &removed,
		                              &sp_fixture.err));
	sp_ok(sp_db_number(sp_fixture.ledger, "SELECT count(*) FROM voucher", &rows,
	                   &sp_fixture.err));
	assert_int_equal(rows, 10);
	do
		sp_ok(sp_ledger_prune(sp_fixture.ledger, 0, 4, &removed, &sp_fixture.err));
	while (removed);
	sp_ok(sp_db_number(sp_fixture.ledger, "SELECT count(*) FROM voucher", &rows,
	                   &sp_fixture.err));
	assert_int_equal(rows, 0);
	assert_int_equal(sp_ledger_creation_end(sp_fixture.ledger, killed, &sp_fixture.err),
	                 -ESTALE);
}

/* --- the key --- */

static void test_lost_key_is_not_replaced(void **state)
{
	uint8_t key[SP_KEY_BYTES], other[SP_KEY_BYTES];
	char path[160];

	(void)state;
	sp_ok(sp_voucher_key(&sp_fixture.instance, sp_fixture.ledger, key, &sp_fixture.err));
	add_some(0, 0, 3);
	sp_ok(sp_voucher_key(&sp_fixture.instance, sp_fixture.ledger, other, &sp_fixture.err));
	assert_memory_equal(key, other, sizeof(key));
	snprintf(path, sizeof(path), "%s/voucher.key", sp_fixture.instance.state);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(
		sp_voucher_key(&sp_fixture.instance, sp_fixture.ledger, other, &sp_fixture.err),
		-ENOKEY);
	assert_non_null(strstr(sp_fixture.err.text, path));
	assert_non_null(strstr(sp_fixture.err.text, "3 vouchers"));
	assert_true(access(path, F_OK) != 0);
	for (uint64_t id = 1; id <= 3; id++)
		sp_ok(sp_ledger_voucher_revoke(sp_fixture.ledger, id, &sp_fixture.err));
	sp_ok(sp_voucher_key(&sp_fixture.instance, sp_fixture.ledger, other, &sp_fixture.err));
	assert_memory_not_equal(key, other, sizeof(key));
}

/* Redeem one voucher after the other and tell of each when it is committed, until killed. */
static void redeem_on_and_on(int out)
{
	struct sp_ledger *ledger;
	struct sp_error err;
	uint8_t next[SP_VOUCHER_DIGEST] = {0};
	struct sp_client_key key = client(1);

	if (sp_ledger_open(&ledger, &sp_fixture.instance, &err))
		_exit(2);
	for (uint8_t i = 0; i < 200; i++) {
		struct sp_voucher voucher = {.devices = 1};

		next[1] = i;
		if (sp_ledger_voucher_add(ledger, next, &voucher, &err) ||
		    sp_ledger_begin(ledger, &err) ||
		    sp_ledger_voucher_redeem(ledger, next, &key, NOW, &voucher, &left, &err) ||
		    sp_ledger_commit(ledger, &err) || write(out, &i, 1) != 1)
			_exit(2);
	}
	_exit(0);
}

/* What was told stays, whenever the process was killed. */
static void test_killed_while_redeeming(void **state)
{
	int out[2], status;
	uint8_t told = 0;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(out), 0);
	child = fork();
	if (child == 0)
		redeem_on_and_on(out[1]);
	close(out[1]);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(read(out[0], &told, 1), 1);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	while (read(out[0], &told, 1) == 1)
		;
	close(out[0]);
	for (unsigned i = 0; i <= told; i++) {
		uint8_t each[SP_VOUCHER_DIGEST] = {0, (uint8_t)i};
		struct sp_client_key other = client(2);

		sp_ok(sp_ledger_begin(sp_fixture.ledger, &sp_fixture.err));
		assert_int_equal(sp_ledger_voucher_redeem(sp_fixture.ledger, each, &other, NOW,
		                                          &found, &left, &sp_fixture.err),
		                 -EUSERS);
		sp_ledger_rollback(sp_fixture.ledger);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sp_fixture_open, sp_fixture_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unknown),
		TEST(test_comes_back_as_it_was),
		TEST(test_places),
		TEST(test_time_runs_from_the_first_redemption),
		TEST(test_window),
		TEST(test_window_alone_bounds_the_session),
		TEST(test_clock_that_goes_back_gives_nothing_back),
		TEST(test_clock_that_was_in_the_future),
		TEST(test_data_is_of_each_device),
		TEST(test_revoked),
		TEST(test_refused_redemption_changes_nothing),
		TEST(test_forgotten_session_gives_its_place_back),
		TEST(test_place_that_was_used_stays),
		TEST(test_by_batch),
		TEST(test_creation_is_nobodys_until_it_ends),
		TEST(test_creation_that_is_undone_or_killed),
		TEST(test_lost_key_is_not_replaced),
		TEST(test_killed_while_redeeming),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
