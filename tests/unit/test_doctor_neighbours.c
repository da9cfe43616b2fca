/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether the doctor sees that the kernel's neighbour tables are too small. Their size is that of
 * the machine, which no test changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/doctor.h"
#include "doctor/sysctl.h"

#define WORDS 16384u

static uint64_t words[WORDS];

/* What is found with @clients sessions; the caller frees it. */
static void look(struct sp_report *report, uint32_t clients)
{
	struct sp_doctor doctor = {
		.loaded = true,
		.maps = {.max_clients = WORDS * 64, .slot_words = words},
		.report = report,
	};

	memset(words, 0, sizeof(words));
	for (uint32_t i = 0; i < clients; i++)
		words[i / 64] |= 1ull << i % 64;
	*report = (struct sp_report){.group = "Gateway"};
	sp_doctor_neighbours(&doctor);
	assert_false(report->incomplete);
}

static void test_room_for_all(void **state)
{
	struct sp_report report;

	(void)state;
	look(&report, 3);
	assert_int_equal(report.at[SP_LEVEL_OK], 2);
	assert_int_equal(report.at[SP_LEVEL_WARNING], 0);
	sp_report_free(&report);
}

static void test_more_clients_than_room(void **state)
{
	int size = sp_sysctl_read("net/ipv4/neigh/default/gc_thresh3");
	struct sp_report report;
	char wanted[96];

	(void)state;
	assert_in_range(size, 1, WORDS * 32);
	look(&report, (uint32_t)size);
	assert_string_equal(report.first->about, "IPv4");
	assert_int_equal(report.first->level, SP_LEVEL_WARNING);
	snprintf(wanted, sizeof(wanted), "%d neighbours at most, and %d clients", size, size);
	assert_non_null(strstr(report.first->what, wanted));
	sp_report_free(&report);
}

/* The command gives room for twice as many, and the thresholds below it their share. */
static void test_the_remedy(void **state)
{
	struct sp_report report;

	(void)state;
	look(&report, 300000);
	assert_string_equal(report.first->command,
	                    "sysctl -w net.ipv4.neigh.default.gc_thresh3=1048576 "
	                    "net.ipv4.neigh.default.gc_thresh2=524288 "
	                    "net.ipv4.neigh.default.gc_thresh1=262144");
	assert_non_null(strstr(report.last->command, "net.ipv6."));
	sp_report_free(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room_for_all),
		cmocka_unit_test(test_more_clients_than_room),
		cmocka_unit_test(test_the_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
