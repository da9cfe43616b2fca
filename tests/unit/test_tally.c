/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a child counts, as the keeper sees it: never less than before, whatever the child does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "keeper/tally.h"

static struct sp_tally_book book;
static struct sp_tally *child; /* its side */

static void begin_child(void)
{
	int fd = sp_tally_begin(&book);

	assert_true(fd >= 0);
	/* It can be neither made smaller nor larger: the keeper reads all of it at any time. */
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 1 << 20), -1);
	child = mmap(NULL, sizeof(*child), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(child, MAP_FAILED);
	close(fd);
}

static void end_child(void)
{
	sp_tally_end(&book);
	munmap(child, sizeof(*child));
}

static int setup(void **state)
{
	(void)state;
	memset(&book, 0, sizeof(book));
	begin_child();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	end_child();
	sp_tally_close(&book);
	return 0;
}

static struct sp_tally look(void)
{
	struct sp_tally sum = {.gauge = {0}};

	sp_tally_look(&book);
	sp_tally_add(&book, &sum);
	return sum;
}

static void test_counts_are_seen(void **state)
{
	(void)state;
	sp_tally_status(child->responder.answers, 511);
	sp_tally_status(child->responder.answers, 511);
	sp_tally_status(child->responder.answers, 99);
	sp_tally_status(child->responder.answers, 600);
	child->gauge[SP_TALLY_OPEN] = 7;
	assert_int_equal(look().responder.answers[SP_TALLY_STATUS(511)], 2);
	assert_int_equal(look().gauge[SP_TALLY_OPEN], 7);
	for (unsigned i = 0; i < SP_TALLY_CELLS; i++)
		assert_true(i == SP_TALLY_STATUS(511) || look().cell[i] == 0);
}

static void test_next_child_goes_on(void **state)
{
	(void)state;
	child->cell[3] = 10;
	child->gauge[0] = 4;
	/* Nobody looked at what it counted last. */
	end_child();
	assert_int_equal(look().cell[3], 10);
	assert_int_equal(look().gauge[0], 0);
	begin_child();
	child->cell[3] = 5;
	assert_int_equal(look().cell[3], 15);
}

static void test_no_count_goes_back(void **state)
{
	(void)state;
	child->cell[0] = 100;
	assert_int_equal(look().cell[0], 100);
	child->cell[0] = 1;
	assert_int_equal(look().cell[0], 100);
	child->cell[0] = 101;
	assert_int_equal(look().cell[0], 101);
}

/* However often a liar is replaced, its sum does not run over. */
static void test_lies_are_bounded(void **state)
{
	uint64_t before = 0;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		child->cell[1] = UINT64_MAX;
		child->gauge[1] = UINT64_MAX;
		assert_true(look().cell[1] >= before);
		assert_int_equal(look().gauge[1], UINT32_MAX);
		before = look().cell[1];
		end_child();
		begin_child();
	}
	assert_true(before <= INT64_MAX);
	assert_int_equal(look().cell[0], 0);
}

/* Alone it counts where nobody looks. */
static void test_there_is_always_a_place(void **state)
{
	(void)state;
	assert_non_null(sp_tally);
	sp_tally->cell[0]++;
	assert_int_equal(look().cell[0], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_counts_are_seen),         TEST(test_next_child_goes_on),
		TEST(test_no_count_goes_back),      TEST(test_lies_are_bounded),
		TEST(test_there_is_always_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
