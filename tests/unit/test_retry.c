/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often somebody may try, and what was used once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "keeper/retry.h"
#include "keeper/spent.h"

#define NOW 5000000ull /* ms */

static const struct sp_attempts five = {.count = 5, .seconds = 60};
static struct sp_retry retry;

static int open_growing(void **state)
{
	(void)state;
	return sp_retry_open(&retry, 4, &five, true);
}

static int open_plain(void **state)
{
	(void)state;
	return sp_retry_open(&retry, 4, &five, false);
}

static int close_retry(void **state)
{
	(void)state;
	sp_retry_close(&retry);
	return 0;
}

static uint64_t wait_of(const char *who, uint64_t now)
{
	return sp_retry_wait(&retry, who, strlen(who), now);
}

static void fail_once(const char *who, uint64_t now)
{
	sp_retry_take(&retry, who, strlen(who), now);
	sp_retry_strike(&retry, who, strlen(who), now);
}

static void test_five_and_then_one_each(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(wait_of("a", NOW), 0);
		fail_once("a", NOW);
	}
	assert_int_equal(wait_of("a", NOW), 12000);
	assert_int_equal(wait_of("a", NOW + 11999), 1);
	assert_int_equal(wait_of("a", NOW + 12000), 0);
	assert_int_equal(wait_of("b", NOW), 0);
	fail_once("a", NOW + 12000);
	assert_int_equal(wait_of("a", NOW + 12000), 12000);
	/* All are there again after a minute. */
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(wait_of("a", NOW + 72000), 0);
		fail_once("a", NOW + 72000);
	}
	assert_int_equal(wait_of("a", NOW + 72000), 12000);
}

static void test_waits_grow(void **state)
{
	static const uint64_t waits[] = {12, 72, 192, 432, 912, 1872, 3612, 3612, 3612};
	uint64_t now = NOW;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		fail_once("a", now);
	for (unsigned i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		fail_once("a", now);
		assert_int_equal(wait_of("a", now), waits[i] * 1000);
		now += wait_of("a", now);
	}
	for (unsigned i = 0; i < 20; i++) { /* and not beyond */
		fail_once("a", now);
		now += wait_of("a", now);
	}
	fail_once("a", now);
	assert_int_equal(wait_of("a", now), 3612000);
	/* Forgotten when nothing was tried for long. */
	now += 3612000 + 11 * 60000;
	for (unsigned i = 0; i < 5; i++)
		fail_once("a", now);
	assert_int_equal(wait_of("a", now), 12000);
}

static void test_right_ones_cost_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(wait_of("a", NOW), 0);
		sp_retry_take(&retry, "a", 1, NOW);
		sp_retry_give_back(&retry, "a", 1);
	}
	/* But they do not wash away wrong ones. */
	for (unsigned i = 0; i < 4; i++) {
		fail_once("a", NOW);
		sp_retry_take(&retry, "a", 1, NOW);
		sp_retry_give_back(&retry, "a", 1);
	}
	assert_int_equal(wait_of("a", NOW), 0);
	fail_once("a", NOW);
	assert_int_equal(wait_of("a", NOW), 12000);
}

static void test_many_at_once_are_counted(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		sp_retry_take(&retry, "a", 1, NOW);
	assert_true(wait_of("a", NOW) > 0);
}

/* Who is counted all the same owes no more than all. */
static void test_debt_has_a_bound(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		sp_retry_take(&retry, "a", 1, NOW);
	assert_int_equal(wait_of("a", NOW), 12000);
}

/* Others by the thousand push out nobody who is waiting. */
static void test_crowd(void **state)
{
	char name[16];

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		fail_once("a", NOW);
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		fail_once(name, NOW);
	}
	assert_int_equal(wait_of("a", NOW), 12000);
}

static void test_none(void **state)
{
	static const struct sp_attempts none = {0};

	(void)state;
	assert_int_equal(sp_retry_open(&retry, 4, &none, true), 0);
	for (unsigned i = 0; i < 1000; i++)
		fail_once("a", NOW);
	assert_int_equal(wait_of("a", NOW), 0);
	sp_retry_give_back(&retry, "a", 1);
	sp_retry_close(&retry);
}

/* --- nonces --- */

static struct sp_instance instance;
static struct sp_spent spent;
static struct sp_error err;

static int make_folder(void **state)
{
	(void)state;
	snprintf(instance.state, sizeof(instance.state), "/tmp/sp-spent-XXXXXX");
	return mkdtemp(instance.state) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	sp_spent_close(&spent);
	unlink(spent.path);
	char path[sizeof(instance.state) + 16];

	snprintf(path, sizeof(path), "%s/nonces", instance.state);
	unlink(path);
	return rmdir(instance.state);
}

static void number(uint8_t nonce[SP_IPC_NONCE], uint32_t i)
{
	memset(nonce, 0, SP_IPC_NONCE);
	memcpy(nonce, &i, sizeof(i));
}

static void reopen(void)
{
	sp_spent_close(&spent);
	assert_int_equal(sp_spent_open(&spent, &instance, &err), 0);
}

static void test_nonces_are_kept(void **state)
{
	const uint64_t now = (uint64_t)time(NULL);
	uint8_t nonce[SP_IPC_NONCE];

	(void)state;
	reopen();
	for (uint32_t i = 0; i < 1000; i++) {
		number(nonce, i);
		assert_false(sp_spent_has(&spent, nonce));
		/* Every other one is soon over. */
		assert_int_equal(sp_spent_add(&spent, nonce, i % 2 ? now + 1800 : now - 1, now), 0);
	}
	reopen();
	for (uint32_t i = 0; i < 1000; i++) {
		number(nonce, i);
		assert_int_equal(sp_spent_has(&spent, nonce), i % 2);
	}
	assert_int_equal(spent.count, 500);
}

static void test_nonces_have_a_bound(void **state)
{
	const uint64_t now = (uint64_t)time(NULL);
	uint8_t nonce[SP_IPC_NONCE];

	(void)state;
	reopen();
	for (uint32_t i = 0; i < SP_SPENT_MOST; i++) {
		number(nonce, i);
		assert_int_equal(sp_spent_add(&spent, nonce, now + 1, now), 0);
	}
	number(nonce, SP_SPENT_MOST);
	assert_int_equal(sp_spent_add(&spent, nonce, now + 1, now), -ENOSPC);
	assert_int_equal(sp_spent_add(&spent, nonce, now + 5, now + 2), 0);
	assert_int_equal(spent.count, 1);
}

/* A power failure in the middle of writing. */
static void test_half_a_nonce(void **state)
{
	const uint64_t now = (uint64_t)time(NULL);
	uint8_t nonce[SP_IPC_NONCE];
	char path[sizeof(spent.path)];

	(void)state;
	reopen();
	number(nonce, 1);
	assert_int_equal(sp_spent_add(&spent, nonce, now + 100, now), 0);
	number(nonce, 2);
	assert_int_equal(sp_spent_add(&spent, nonce, now + 100, now), 0);
	snprintf(path, sizeof(path), "%s", spent.path);
	sp_spent_close(&spent);
	assert_int_equal(truncate(path, sizeof(struct sp_spent_nonce) + 5), 0);
	reopen();
	number(nonce, 1);
	assert_true(sp_spent_has(&spent, nonce));
	assert_int_equal(spent.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_five_and_then_one_each, open_plain,
	                                        close_retry),
		cmocka_unit_test_setup_teardown(test_waits_grow, open_growing, close_retry),
		cmocka_unit_test_setup_teardown(test_right_ones_cost_nothing, open_plain,
	                                        close_retry),
		cmocka_unit_test_setup_teardown(test_many_at_once_are_counted, open_plain,
	                                        close_retry),
		cmocka_unit_test_setup_teardown(test_debt_has_a_bound, open_plain, close_retry),
		cmocka_unit_test_setup_teardown(test_crowd, open_plain, close_retry),
		cmocka_unit_test(test_none),
		cmocka_unit_test_setup_teardown(test_nonces_are_kept, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_nonces_have_a_bound, make_folder,
	                                        remove_folder),
		cmocka_unit_test_setup_teardown(test_half_a_nonce, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
