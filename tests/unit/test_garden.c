// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entries of the garden as text, and how they work together.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/address.h"
#include "lib/garden_set.h"

#define MOST 4 /* addresses of a name */

static struct sp_garden_set set;
static struct sp_error error;

static int teardown(void **unused)
{
	(void)unused;
	sp_garden_set_free(&set);
	return 0;
}

static struct sp_garden_entry entry(const char *line)
{
	struct sp_garden_entry read;

	if (sp_garden_entry_read_line(&read, line, &error))
		fail_msg("%s: %s", line, error.text);
	return read;
}

/* --- text --- */

static void good_entries(void **unused)
{
	static const struct {
		const char *line, *target, *rules;
	} rows[] = {
		{"192.0.2.0/24", "192.0.2.0/24", "everything"},
		{"192.0.2.7", "192.0.2.7", "everything"},
		{"192.0.2.7/32 tcp", "192.0.2.7", "tcp"},
		{"0.0.0.0/0 udp/51820", "0.0.0.0/0", "udp/51820"},
		{"2001:DB8::/32, tcp/443,udp/443", "2001:db8::/32", "tcp/443, udp/443"},
		{"2001:db8::7 icmp", "2001:db8::7", "icmp"},
		{"2001:db8::7 58", "2001:db8::7", "icmp"},
		{"2000::/3 47 udp/1000-2000", "2000::/3", "47, udp/1000-2000"},
		{"::/0 tcp/1-65535", "::/0", "tcp/1-65535"},
		{"Example.ORG", "example.org", "everything"},
		{"example.org. tcp/80", "example.org", "tcp/80"},
		{"*.example.org", "*.example.org", "everything"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example", "everything"},
		{"printer", "printer", "everything"},
	};
	char target[SP_GARDEN_TEXT], rules[SP_GARDEN_TEXT];

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sp_garden_entry one = entry(rows[i].line);

		assert_string_equal(sp_garden_put_target(target, &one.target), rows[i].target);
		assert_string_equal(sp_garden_put_rules(rules, one.rule, one.count), rows[i].rules);
	}
}

static void bad_entries(void **unused)
{
	static const struct {
		const char *line, *said;
	} rows[] = {
		{"", "names nothing"},
		{"192.0.2.1/24", "expected 192.0.2.0/24"},
		{"2001:db8::1/64", "expected 2001:db8::/64"},
		{"192.0.2.0/33", "from 0 to 32"},
		{"2001:db8::/129", "from 0 to 128"},
		{"192.0.2.0/", "from 0 to 32"},
		{"192.0.2.0/-1", "from 0 to 32"},
		{"192.0.2.0/24x", "from 0 to 32"},
		{"192.0.2", "'192.0.2': expected a prefix"},
		{"192.0.2.256", "expected a prefix"},
		{"127.0.0.1", "loopback"},
		{"::1", "loopback"},
		{"224.0.0.0/4", "not the address of a host"},
		{"ff02::/16", "not the address of a host"},
		{"0.0.0.0", "not the address of a host"},
		{"::", "not the address of a host"},
		{"::ffff:192.0.2.1", "in disguise"},
		{"foo/3", "is no prefix"},
		{"*", "expected a prefix"},
		{"*.", "expected a prefix"},
		{"w*.example.org", "a * that is not in front"},
		{"*.*.example.org", "a * that is not in front"},
		{"exa mple.org", "'mple.org': expected tcp"},
		{"b\xc3\xbc"
	         "cher.example",
	         "xn--"},
		{"-a.example", "expected a prefix"},
		{"a..example", "expected a prefix"},
		{"example.org sctp", "'sctp': expected tcp"},
		{"example.org tcp/", "'tcp/': expected tcp"},
		{"example.org tcp/0", "'tcp/0'"},
		{"example.org tcp/65536", "'tcp/65536'"},
		{"example.org tcp/20-10", "'tcp/20-10'"},
		{"example.org tcp/10-", "'tcp/10-'"},
		{"example.org 0", "'0': expected"},
		{"example.org 256", "'256': expected"},
		{"example.org icmp/8", "only tcp and udp have ports"},
		{"example.org 443/tcp", "'443/tcp': expected"},
		{"example.org tcp tcp/80", "says the same twice"},
		{"example.org 1 2 3 4 5 7 8 9 10", "one rule too many"},
		{"example.org 1 2 3 4 5 7 8 9 10 11 12", "one rule too many"},
	};
	struct sp_garden_entry one;
	char line[400];

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(sp_garden_entry_read_line(&one, rows[i].line, &error), -EINVAL);
		assert_int_equal(error.exit_code, SP_EXIT_USAGE);
		if (!strstr(error.text, rows[i].said))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", rows[i].line, error.text,
			         rows[i].said);
	}
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	assert_int_equal(sp_garden_entry_read_line(&one, line, &error), -EINVAL);
}

static void names_and_what_they_fall_under(void **unused)
{
	static const char *const wanted[] = {"a.b.example.org", "*.b.example.org", "*.example.org",
	                                     "*.org"};
	struct sp_garden_name_key key;
	unsigned at = 0, count = 0;

	(void)unused;
	while (sp_garden_name_next("a.b.example.org", &at, &key)) {
		assert_true(count < 4);
		assert_string_equal(key.name, wanted[count++]);
	}
	assert_int_equal(count, 4);
}

/* --- the set --- */

static void add(const char *line)
{
	struct sp_garden_entry one = entry(line);

	if (sp_garden_set_check_new(&set, &one, &error) ||
	    sp_garden_set_add(&set, &one, 0, &error) || sp_garden_set_settle(&set, &error))
		fail_msg("%s: %s", line, error.text);
	sp_garden_set_written(&set);
}

static void drop(const char *line, bool all)
{
	struct sp_garden_entry one = entry(line);

	if (sp_garden_set_remove(&set, &one.target, all ? NULL : &one.rule[0], &error) ||
	    sp_garden_set_settle(&set, &error))
		fail_msg("%s: %s", line, error.text);
	sp_garden_set_written(&set);
}

/* The rules that the datapath would see at @address, as text; "" where nothing is open. */
static const char *open_at(const char *address)
{
	static char text[SP_GARDEN_TEXT];
	struct sp_garden_entry one = entry(address);
	const struct sp_garden_prefix *prefix =
		sp_garden_set_cover(&set, &one.target, one.target.length);

	text[0] = '\0';
	return prefix ? sp_garden_put_rules(text, prefix->now.rule, prefix->now.count) : text;
}

static void wider_prefixes_are_inherited(void **unused)
{
	(void)unused;
	add("192.0.2.0/24 tcp/443");
	add("192.0.2.128/25 udp");
	add("192.0.2.130 icmp");
	add("2001:db8::/32 icmp");
	assert_string_equal(open_at("192.0.2.1"), "tcp/443");
	assert_string_equal(open_at("192.0.2.129"), "udp, tcp/443");
	assert_string_equal(open_at("192.0.2.130"), "icmp, udp, tcp/443");
	assert_string_equal(open_at("192.0.3.1"), "");
	assert_string_equal(open_at("2001:db8::1"), "icmp");
	add("192.0.0.0/16 tcp/80");
	assert_string_equal(open_at("192.0.2.130"), "icmp, udp, tcp/443, tcp/80");
	assert_string_equal(open_at("192.0.77.1"), "tcp/80");
	drop("192.0.2.0/24", true);
	assert_string_equal(open_at("192.0.2.130"), "icmp, udp, tcp/80");
	drop("192.0.0.0/16 tcp/80", false);
	assert_string_equal(open_at("192.0.2.130"), "icmp, udp");
	assert_string_equal(open_at("192.0.2.1"), "");
	drop("192.0.2.130 icmp", false);
	assert_string_equal(open_at("192.0.2.130"), "udp");
	assert_int_equal(set.count, 2);
}

static void overlaps_are_refused(void **unused)
{
	static const struct {
		const char *line, *said;
	} rows[] = {
		{"192.0.2.0/24 tcp/443", "192.0.2.0/24 (tcp/443) is in the garden already"},
		{"192.0.2.7 tcp/443", "lies in 192.0.2.0/24 (tcp/443)"},
		{"192.0.0.0/16", "covers 192.0.2.0/24 (tcp/443)"},
		{"192.0.2.0/24", "covers 192.0.2.0/24 (tcp/443)"},
		{"192.0.2.7 udp tcp/443", "lies in 192.0.2.0/24"},
		{"www.example.org", "lies in *.example.org (everything)"},
		{"*.a.example.org tcp", "lies in *.example.org"},
		{"*.org", "covers *.example.org"},
		{"*.example.org", "is in the garden already"},
	};

	(void)unused;
	add("192.0.2.0/24 tcp/443");
	add("*.example.org");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sp_garden_entry one = entry(rows[i].line);

		assert_int_equal(sp_garden_set_check_new(&set, &one, &error), -EEXIST);
		assert_int_equal(error.exit_code, SP_EXIT_FAILED);
		if (!strstr(error.text, rows[i].said))
			fail_msg("%s: \"%s\" does not say \"%s\"", rows[i].line, error.text,
			         rows[i].said);
	}
	/* What only meets, or is something else. */
	add("192.0.2.7 tcp/80");
	add("192.0.0.0/16 tcp/81-90");
}

static void too_many_rules(void **unused)
{
	struct sp_garden_entry one = entry("192.0.2.0/24 1 2 3 4 5 7 8 9");
	struct sp_garden_entry two = entry("192.0.0.0/16 10");

	(void)unused;
	add("192.0.2.0/24 1 2 3 4 5 7 8 9");
	assert_int_equal(sp_garden_set_add(&set, &one, 0, &error), 0); /* they are there */
	assert_int_equal(sp_garden_set_settle(&set, &error), 0);
	assert_int_equal(sp_garden_set_add(&set, &two, 0, &error), 0);
	assert_int_equal(sp_garden_set_settle(&set, &error), -ENOSPC);
	assert_non_null(strstr(error.text, "192.0.2.0/24 would have more than 8 rules"));
}

static void what_is_not_there_is_not_removed(void **unused)
{
	struct sp_garden_entry one = entry("192.0.2.7"), two = entry("example.org");

	(void)unused;
	add("192.0.2.0/24 tcp/443");
	assert_int_equal(sp_garden_set_remove(&set, &one.target, NULL, &error), -ENOENT);
	assert_int_equal(error.exit_code, SP_EXIT_NOT_FOUND);
	assert_int_equal(sp_garden_set_remove(&set, &two.target, NULL, &error), -ENOENT);
	one = entry("192.0.2.0/24 udp");
	assert_int_equal(sp_garden_set_remove(&set, &one.target, &one.rule[0], &error), -ENOENT);
	assert_non_null(strstr(error.text, "no rule udp"));
}

/* --- names --- */

static int learn(const char *name, const char *text, uint64_t expires)
{
	struct sp_address address;
	int code;

	assert_true(sp_address_read(text, &address));
	code = sp_garden_set_learn(&set, sp_garden_set_name(&set, 0, name), &address, expires, 60,
	                           MOST);
	sp_garden_set_written(&set);
	return code;
}

static uint64_t expiry(const char *address)
{
	struct sp_garden_entry one = entry(address);
	const struct sp_garden_prefix *prefix = sp_garden_set_find(&set, &one.target);
	uint64_t latest = 0;

	for (uint32_t i = 0; prefix && i < prefix->now.count; i++)
		if (prefix->now.rule[i].expires > latest)
			latest = prefix->now.rule[i].expires;
	return latest;
}

static void addresses_are_learnt(void **unused)
{
	(void)unused;
	add("example.org tcp/443 icmp");
	assert_int_equal(learn("example.org", "192.0.2.1", 100), 0);
	assert_int_equal(learn("example.org", "2001:db8::1", 100), 0);
	assert_string_equal(open_at("192.0.2.1"), "tcp/443, icmp");
	assert_string_equal(open_at("2001:db8::1"), "tcp/443, icmp");
	assert_int_equal(expiry("192.0.2.1"), 100);
	assert_int_equal(learn("example.org", "192.0.2.1", 90), 0); /* not shorter */
	assert_int_equal(expiry("192.0.2.1"), 100);
	assert_int_equal(learn("example.org", "192.0.2.1", 200), 0);
	assert_int_equal(expiry("192.0.2.1"), 200);
	drop("example.org tcp/443", false);
	assert_string_equal(open_at("192.0.2.1"), "icmp");
	drop("example.org", true);
	assert_string_equal(open_at("192.0.2.1"), "");
	assert_int_equal(set.count, 0);
	assert_int_equal(set.name_count, 0);
}

/* Two names, one address: closing one does not close the other. */
static void an_address_of_two_names(void **unused)
{
	(void)unused;
	add("example.org tcp/443");
	add("example.net tcp/80");
	assert_int_equal(learn("example.org", "192.0.2.1", 100), 0);
	assert_int_equal(learn("example.net", "192.0.2.1", 200), 0);
	assert_string_equal(open_at("192.0.2.1"), "tcp/443, tcp/80");
	drop("example.net", true);
	assert_string_equal(open_at("192.0.2.1"), "tcp/443");
	assert_int_equal(expiry("192.0.2.1"), 100);
}

static void learnt_in_a_prefix(void **unused)
{
	(void)unused;
	add("192.0.2.0/24 tcp/443");
	add("example.org tcp/80");
	add("example.net tcp/443");
	assert_int_equal(learn("example.org", "192.0.2.1", 100), 0);
	assert_string_equal(open_at("192.0.2.1"), "tcp/443, tcp/80");
	assert_int_equal(learn("example.net", "192.0.2.2", 100), 0); /* open for good */
	assert_int_equal(expiry("192.0.2.2"), 0);
	drop("192.0.2.0/24", true);
	assert_string_equal(open_at("192.0.2.1"), "tcp/80");
	assert_string_equal(open_at("192.0.2.2"), "");
}

static void a_name_has_so_many_addresses(void **unused)
{
	char address[INET6_ADDRSTRLEN];

	(void)unused;
	add("example.org");
	add("example.net");
	for (int i = 0; i < 10000; i++) {
		snprintf(address, sizeof(address), "10.1.%d.%d", i / 250, i % 250 + 1);
		assert_int_equal(learn("example.org", address, 100), i < MOST ? 0 : -ENOSPC);
	}
	assert_int_equal(set.count, MOST);
	assert_int_equal(learn("example.org", "10.1.0.1", 200), 0); /* one that is known */
	assert_int_equal(learn("example.net", "10.1.39.9", 100), 0);
	assert_int_equal(learn("example.net", "10.1.0.1", 100), 0);
	/* Closed ones make room. */
	drop("example.org", true);
	add("example.org");
	assert_int_equal(learn("example.org", "10.1.0.9", 100), 0);
	assert_int_equal(set.learnt[sp_garden_set_name(&set, 0, "example.org")->now.number], 1);
}

/* Every change of many, against a plain search. */
static void many_prefixes(void **unused)
{
	char line[64];

	(void)unused;
	for (int i = 0; i < 300; i++) {
		snprintf(line, sizeof(line), "10.%d.%d.0/%d %d", i * 7 % 256, i % 3 * 64,
		         18 + i % 3, 200 + i % 50);
		struct sp_garden_entry one = entry("1.1.1.1");

		if (!sp_garden_entry_read_line(&one, line, &error))
			assert_int_equal(sp_garden_set_add(&set, &one, 0, &error), 0);
	}
	if (sp_garden_set_settle(&set, &error))
		fail_msg("%s", error.text);
	assert_true(set.count > 100);
	for (size_t i = 0; i < set.count; i++) {
		const struct sp_garden_prefix *prefix = &set.prefix[i];

		for (size_t k = 0; k < set.count; k++) {
			bool has = true;

			if (!sp_garden_target_covers(&set.prefix[k].target, &prefix->target))
				continue;
			for (uint32_t r = 0; r < set.prefix[k].now.count; r++) {
				has = false;
				for (uint32_t s = 0; s < prefix->now.count; s++)
					has = has ||
					      sp_garden_rule_covers(&prefix->now.rule[s],
					                            &set.prefix[k].now.rule[r]);
				assert_true(has);
			}
		}
		if (i)
			assert_int_not_equal(prefix->now.slot, set.prefix[i - 1].now.slot);
	}
}

#define with_set(test) cmocka_unit_test_teardown(test, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_entries),
		cmocka_unit_test(bad_entries),
		cmocka_unit_test(names_and_what_they_fall_under),
		with_set(wider_prefixes_are_inherited),
		with_set(overlaps_are_refused),
		with_set(too_many_rules),
		with_set(what_is_not_there_is_not_removed),
		with_set(addresses_are_learnt),
		with_set(an_address_of_two_names),
		with_set(learnt_in_a_prefix),
		with_set(a_name_has_so_many_addresses),
		with_set(many_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
