/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/clock.h"

static const struct sp_clock at = {.jiffies = 1000000, .unix_time = 1700000000, .hz = 250};

/* What clock_getres says in place of the kernel. */
static struct timespec tick;

int clock_getres(clockid_t id, struct timespec *resolution)
{
	assert_int_equal(id, CLOCK_MONOTONIC_COARSE);
	*resolution = tick;
	return 0;
}

static void test_hz(void **state)
{
	/* TICK_NSEC is 10^9 / HZ, rounded. */
	static const struct {
		long nanoseconds;
		uint32_t hz;
	} rows[] = {{10000000, 100}, {4000000, 250}, {3333333, 300},
	            {1000000, 1000}, {976563, 1024}, {41666667, 24}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t hz = 0;

		tick = (struct timespec){0, rows[i].nanoseconds};
		assert_int_equal(sp_clock_hz(&hz, NULL), 0);
		assert_int_equal(hz, rows[i].hz);
	}
}

static void test_implausible_hz(void **state)
{
	static const struct timespec rows[] = {{0, 0}, {0, 1}, {0, 100000000}, {1, 4000000}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sp_error error;
		uint32_t hz = 7;

		tick = rows[i];
		assert_int_equal(sp_clock_hz(&hz, &error), -ENOTSUP);
		assert_int_equal(error.exit_code, SP_EXIT_FAILED);
		assert_int_equal(hz, 7);
	}
}

static void test_seconds_to_jiffies(void **state)
{
	(void)state;
	assert_int_equal(sp_clock_jiffies(&at, 0), 0);
	assert_int_equal(sp_clock_jiffies(&at, 4), 1000);
	assert_true(sp_clock_jiffies(&at, UINT64_MAX / 250) == UINT64_MAX / 250 * 250);
	assert_true(sp_clock_jiffies(&at, UINT64_MAX / 250 + 1) == UINT64_MAX);
	assert_int_equal(sp_clock_after(&at, 4), 1001000);
	assert_true(sp_clock_after(&at, UINT64_MAX / 250) == UINT64_MAX);
	assert_true(sp_clock_after(&at, UINT64_MAX) == UINT64_MAX);
}

static void test_jiffies_to_seconds(void **state)
{
	(void)state;
	assert_int_equal(sp_clock_until(&at, 0), 0);
	assert_int_equal(sp_clock_until(&at, 1000000), 0);
	assert_int_equal(sp_clock_until(&at, 1000001), 1);
	assert_int_equal(sp_clock_until(&at, 1000250), 1);
	assert_int_equal(sp_clock_until(&at, 1000251), 2);
	assert_true(sp_clock_until(&at, UINT64_MAX) == (UINT64_MAX - 1000000) / 250 + 1);
	assert_int_equal(sp_clock_since(&at, 1000001), 0);
	assert_int_equal(sp_clock_since(&at, 1000000), 0);
	assert_int_equal(sp_clock_since(&at, 999751), 0);
	assert_int_equal(sp_clock_since(&at, 999750), 1);
	assert_int_equal(sp_clock_since(&at, 0), 4000);
}

static void test_unix_time(void **state)
{
	struct sp_clock young = {.jiffies = 1000000, .unix_time = 10, .hz = 250};

	(void)state;
	assert_int_equal(sp_clock_unix(&at, 0), 0);
	assert_int_equal(sp_clock_unix(&at, 1000000), 1700000000);
	assert_int_equal(sp_clock_unix(&at, 999750), 1699999999);
	assert_int_equal(sp_clock_unix(&at, 1000250), 1700000001);
	assert_int_equal(sp_clock_unix(&young, 1), 0);
	young.hz = 1;
	young.unix_time = UINT64_MAX - 5;
	assert_true(sp_clock_unix(&young, UINT64_MAX) == UINT64_MAX);
}

static void test_read_needs_the_program(void **state)
{
	struct sp_clock clock;
	struct sp_error error;

	(void)state;
	tick = (struct timespec){0, 4000000};
	assert_true(sp_clock_read(&clock, -1, &error) < 0);
	assert_non_null(strstr(error.text, "clock program"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hz),
		cmocka_unit_test(test_implausible_hz),
		cmocka_unit_test(test_seconds_to_jiffies),
		cmocka_unit_test(test_jiffies_to_seconds),
		cmocka_unit_test(test_unix_time),
		cmocka_unit_test(test_read_needs_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
