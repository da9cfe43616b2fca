/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/openmetrics.h"

static char *text;
static size_t length;
static struct sp_openmetrics metrics;

static int begin(void **state)
{
	(void)state;
	metrics.out = open_memstream(&text, &length);
	return metrics.out ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	free(text);
	text = NULL;
	return 0;
}

/* What was written until now. */
static const char *written(void)
{
	assert_int_equal(fclose(metrics.out), 0);
	return text;
}

static void test_counter(void **state)
{
	(void)state;
	sp_openmetrics_family(&metrics, SP_COUNTER, "verdict_bytes", "bytes", "Bytes.");
	sp_openmetrics_sample(&metrics, UINT64_MAX, "reason", "ARP", "verdict", "pass", SP_NO_MORE);
	sp_openmetrics_sample(&metrics, 0, SP_NO_MORE);
	sp_openmetrics_end(&metrics);
	assert_string_equal(written(),
	                    "# TYPE sallyport_verdict_bytes counter\n"
	                    "# UNIT sallyport_verdict_bytes bytes\n"
	                    "# HELP sallyport_verdict_bytes Bytes.\n"
	                    "sallyport_verdict_bytes_total{reason=\"ARP\",verdict=\"pass\"} "
	                    "18446744073709551615\n"
	                    "sallyport_verdict_bytes_total 0\n"
	                    "# EOF\n");
}

static void test_info_and_gauge(void **state)
{
	(void)state;
	sp_openmetrics_family(&metrics, SP_INFO, "build", "", "Version.");
	sp_openmetrics_sample(&metrics, 1, "version", "1", SP_NO_MORE);
	sp_openmetrics_family(&metrics, SP_GAUGE, "age_seconds", "seconds", "Age.");
	sp_openmetrics_seconds(&metrics, 1000001, SP_NO_MORE);
	assert_string_equal(written(), "# TYPE sallyport_build info\n"
	                               "# HELP sallyport_build Version.\n"
	                               "sallyport_build_info{version=\"1\"} 1\n"
	                               "# TYPE sallyport_age_seconds gauge\n"
	                               "# UNIT sallyport_age_seconds seconds\n"
	                               "# HELP sallyport_age_seconds Age.\n"
	                               "sallyport_age_seconds 1.000001\n");
}

/* What could end the value, the line or the text is not in it. */
static void test_label_values(void **state)
{
	static const char *const values[][2] = {
		{"a\"b\\c", "a\\\"b\\\\c"}, {"a\nb", "?"}, {"\xff\xfe", "?"},
		{"h\u00e9", "h\u00e9"},     {"", ""},
	};
	char expected[64];

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		if (i)
			begin(state);
		snprintf(metrics.name, sizeof(metrics.name), "n");
		sp_openmetrics_sample(&metrics, 1, "l", values[i][0], SP_NO_MORE);
		snprintf(expected, sizeof(expected), "n{l=\"%s\"} 1\n", values[i][1]);
		assert_string_equal(written(), expected);
		if (i + 1 < sizeof(values) / sizeof(*values))
			end(state);
	}
}

/* A bound belongs to its bucket; buckets are cumulative; the last is everything. */
static void test_histogram(void **state)
{
	struct sp_histogram histogram = {.sum = 0};
	const char *seen;

	(void)state;
	sp_histogram_count(&histogram, 0);
	sp_histogram_count(&histogram, 10);
	sp_histogram_count(&histogram, 11);
	sp_histogram_count(&histogram, 15000000);
	sp_histogram_count(&histogram, 15000001);
	sp_openmetrics_family(&metrics, SP_HISTOGRAM, "t_seconds", "seconds", "T.");
	sp_openmetrics_histogram(&metrics, &histogram, "a", "b", SP_NO_MORE);
	seen = written();
	assert_non_null(strstr(seen, "\nsallyport_t_seconds_bucket{a=\"b\",le=\"1e-05\"} 2\n"
	                             "sallyport_t_seconds_bucket{a=\"b\",le=\"2.5e-05\"} 3\n"));
	assert_non_null(strstr(seen, "le=\"1.0\"} 3\n"));
	assert_non_null(strstr(seen, "le=\"15.0\"} 4\n"
	                             "sallyport_t_seconds_bucket{a=\"b\",le=\"+Inf\"} 5\n"
	                             "sallyport_t_seconds_count{a=\"b\"} 5\n"
	                             "sallyport_t_seconds_sum{a=\"b\"} 30.000022\n"));
}

static void test_bounds_go_up(void **state)
{
	(void)state;
	for (unsigned i = 1; i < SP_HISTOGRAM_BOUNDS; i++)
		assert_true(sp_histogram_bounds[i - 1] < sp_histogram_bounds[i]);
}

static void test_plain(void **state)
{
	(void)state;
	sp_openmetrics_plain("# TYPE s_a counter\n# UNIT s_a bytes\n# HELP s_a A.\n"
	                     "s_a_total{x=\"# EOF\"} 1\n"
	                     "# TYPE s_b info\n# HELP s_b B.\ns_b_info{v=\"1\"} 1\n"
	                     "# TYPE s_c gauge\n# HELP s_c C.\ns_c 2\n# EOF\n",
	                     metrics.out);
	assert_string_equal(written(), "# TYPE s_a_total counter\n# HELP s_a_total A.\n"
	                               "s_a_total{x=\"# EOF\"} 1\n"
	                               "# TYPE s_b_info gauge\n# HELP s_b_info B.\n"
	                               "s_b_info{v=\"1\"} 1\n"
	                               "# TYPE s_c gauge\n# HELP s_c C.\ns_c 2\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_counter),   TEST(test_info_and_gauge),           TEST(test_label_values),
		TEST(test_histogram), cmocka_unit_test(test_bounds_go_up), TEST(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
