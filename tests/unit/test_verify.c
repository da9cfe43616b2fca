/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of `clients` against what was granted: each limit counts, and nothing else does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/verify_policy.h"

#define HZ 250

static const struct sp_clock noon = {.jiffies = 1000000, .unix_time = 1800000000, .hz = HZ};
static const struct sp_client_key client = {.mac = {2, 0, 0, 0, 0, 7}};

static struct sp_record make_record(void)
{
	return (struct sp_record){
		.reading = {.client = client, .generation = 5},
		.limits = {.seconds = 3600,
	                   .idle = 600,
	                   .quota = 5000,
	                   .quota_up = 3000,
	                   .quota_down = 4000,
	                   .rate_up = 1000000,
	                   .rate_down = 2000000,
	                   .bind = true},
		.until = noon.unix_time + 1800,
	};
}

static struct sp_client_policy make_policy(const struct sp_record *record)
{
	struct sp_client_policy policy = sp_verify_granted(record, &noon);

	policy.generation = record->reading.generation;
	return policy;
}

static void test_what_was_granted(void **state)
{
	struct sp_record record = make_record();
	struct sp_client_policy policy = make_policy(&record);
	struct sp_client_policy granted = sp_verify_granted(&record, &noon);

	(void)state;
	assert_null(sp_verify_entry(&client, &policy));
	assert_null(sp_verify_limit(&policy, &granted));
	/* Neither the counter's cell nor the hour is a limit that was granted. */
	policy.slot = 77;
	policy.expires += 5;
	policy.granted += 5;
	assert_null(sp_verify_limit(&policy, &granted));
	assert_true(sp_verify_digest(&policy) == sp_verify_digest(&granted));
}

static void differs(const struct sp_client_policy *policy, const struct sp_client_policy *granted,
                    const char *what)
{
	assert_string_equal(sp_verify_limit(policy, granted), what);
	assert_true(sp_verify_digest(policy) != sp_verify_digest(granted));
}

static void test_each_limit(void **state)
{
	struct sp_record record = make_record();
	const struct sp_client_policy granted = make_policy(&record);
	struct sp_client_policy policy = granted;

	(void)state;
	policy.limits &= (uint16_t)~SP_LIMIT_QUOTA;
	differs(&policy, &granted, "which limits there are");
	policy = granted;
	policy.idle++;
	differs(&policy, &granted, "idle time");
	policy = granted;
	policy.quota++;
	differs(&policy, &granted, "quota");
	policy = granted;
	policy.quota_up++;
	differs(&policy, &granted, "upload quota");
	policy = granted;
	policy.quota_down++;
	differs(&policy, &granted, "download quota");
	policy = granted;
	policy.rate_up++;
	differs(&policy, &granted, "upload rate");
	policy = granted;
	policy.rate_down++;
	differs(&policy, &granted, "download rate");
	policy = granted;
	policy.burst_up++;
	differs(&policy, &granted, "upload burst");
	policy = granted;
	policy.burst_down++;
	differs(&policy, &granted, "download burst");
}

/* An address that was found out is none that was granted. */
static void test_address(void **state)
{
	struct sp_record record = make_record();
	struct sp_client_policy granted = make_policy(&record), policy = granted;

	(void)state;
	policy.ipv4 = 7;
	assert_null(sp_verify_limit(&policy, &granted));
	granted.ipv4 = 8;
	assert_string_equal(sp_verify_limit(&policy, &granted), "bound address");
}

/* What was used before the maps were new counts. */
static void test_restored(void **state)
{
	struct sp_record record = make_record();
	struct sp_client_policy granted;

	(void)state;
	record.base = (struct sp_traffic){.up_bytes = 1000, .down_bytes = 500};
	granted = sp_verify_granted(&record, &noon);
	assert_int_equal(granted.quota, 3500);
	assert_int_equal(granted.quota_up, 2000);
	assert_int_equal(granted.quota_down, 3500);
}

static void test_entries_that_cannot_be(void **state)
{
	static const struct sp_client_key group = {.mac = {1, 0, 0, 0, 0, 7}};
	struct sp_record record = make_record();
	const struct sp_client_policy good = make_policy(&record);
	struct sp_client_policy policy = good;

	(void)state;
	assert_non_null(sp_verify_entry(&group, &good));
	policy.state = SP_CLIENT_CAPTIVE;
	assert_non_null(sp_verify_entry(&client, &policy));
	policy = good;
	policy.generation = 0;
	assert_non_null(sp_verify_entry(&client, &policy));
	policy = good;
	policy.limits |= 1u << 15;
	assert_non_null(sp_verify_entry(&client, &policy));
}

static void test_repair(void **state)
{
	struct sp_record record = make_record();
	const struct sp_client_policy granted = make_policy(&record);
	struct sp_client_policy policy = granted;

	(void)state;
	/* Without a time, it ends when the ledger says; with one, it keeps its own. */
	policy.limits = 0;
	policy.quota = 0;
	sp_verify_restrict(&policy, &granted, &record, &noon);
	assert_null(sp_verify_limit(&policy, &granted));
	assert_int_equal(policy.expires, noon.jiffies + 1800 * HZ);
	assert_int_equal(policy.expires_unix, record.until);
	policy.expires = 42;
	policy.rate_up = 1;
	sp_verify_restrict(&policy, &granted, &record, &noon);
	assert_int_equal(policy.rate_up, granted.rate_up);
	assert_int_equal(policy.expires, 42);
	/* One that is past ends at once. */
	policy.limits = 0;
	record.until = noon.unix_time - 1;
	sp_verify_restrict(&policy, &granted, &record, &noon);
	assert_int_equal(policy.expires, noon.jiffies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_granted),
		cmocka_unit_test(test_each_limit),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_restored),
		cmocka_unit_test(test_entries_that_cannot_be),
		cmocka_unit_test(test_repair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
