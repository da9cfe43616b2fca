/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vouchers in the ledger: places, time, data, windows, clocks, and many who want the last place. */
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

/* Exit code of a device that tries once: 0 it has a place, 1 it has none, 2 anything else. */
static void race(unsigned number, int start)
{
	struct sp_client_key key = client(number);
	struct sp_ledger *ledger;
	struct sp_error err;
	char byte;
	int code;

	if (read(start, &byte, 1) != 0 || sp_ledger_open(&ledger, &sp_fixture.instance, &err) ||
	    sp_ledger_begin(ledger, &err))
		_exit(2);
	code = sp_ledger_voucher_redeem(ledger, digest, &key, NOW, &found, &left, &err);
	if (!code)
		code = sp_ledger_commit(ledger, &err);
	_exit(code == 0 ? 0 : code == -EUSERS ? 1 : 2);
}

static void test_race_for_the_last_place(void **state)
{
	struct sp_voucher voucher = {.devices = 1};
	unsigned results[3] = {0};
	int start[2], status;

	(void)state;
	add(&voucher);
	assert_int_equal(pipe(start), 0);
	for (unsigned i = 0; i < 20; i++)
		if (fork() == 0) {
			close(start[1]);
			race(i, start[0]);
		}
	close(start[0]);
	close(start[1]);
	for (unsigned i = 0; i < 20; i++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		results[WEXITSTATUS(status)]++;
	}
	assert_int_equal(results[0], 1);
	assert_int_equal(results[1], 19);
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
		TEST(test_race_for_the_last_place),
		TEST(test_killed_while_redeeming),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
