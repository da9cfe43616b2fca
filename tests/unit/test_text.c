/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_mac_forms(void **state)
{
	static const char *const forms[] = {"0a:1b:2c:3d:4e:ff", "0A-1B-2C-3D-4E-FF",
	                                    "0a1b.2C3d.4eff", "0A:1b:2C:3d:4E:fF"};
	static const uint8_t expected[6] = {0x0a, 0x1b, 0x2c, 0x3d, 0x4e, 0xff};

	(void)state;
	for (size_t i = 0; i < COUNT(forms); i++) {
		uint8_t mac[6] = {0};

		assert_int_equal(sp_text_mac(forms[i], mac), 0);
		assert_memory_equal(mac, expected, 6);
	}
}

static void test_mac_wrong(void **state)
{
	static const char *const wrong[] = {"",
	                                    "0a:1b:2c:3d:4e",
	                                    "0a:1b:2c:3d:4e:ff ",
	                                    " 0a:1b:2c:3d:4e:ff",
	                                    "0a:1b:2c:3d:4e:ff:00",
	                                    "0a:1b-2c:3d:4e:ff",
	                                    "0a.1b.2c.3d.4e.ff",
	                                    "0a 1b 2c 3d 4e ff",
	                                    "0a1b:2c3d:4eff",
	                                    "0a1b-2c3d-4eff",
	                                    "0a1b.2c3d.4ef",
	                                    "0a1b2c3d4eff",
	                                    "0g:1b:2c:3d:4e:ff",
	                                    "a:1b:2c:3d:4e:fff",
	                                    "::::::::::::::::",
	                                    ".............."};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		uint8_t mac[6] = {1, 2, 3, 4, 5, 6};

		assert_int_equal(sp_text_mac(wrong[i], mac), -EINVAL);
		assert_memory_equal(mac, "\1\2\3\4\5\6", 6);
	}
}

static void test_vlan(void **state)
{
	uint16_t vlan = 7;

	(void)state;
	assert_int_equal(sp_text_vlan("4095", &vlan), -ERANGE);
	assert_int_equal(sp_text_vlan("65536", &vlan), -ERANGE);
	assert_int_equal(sp_text_vlan("18446744073709551616", &vlan), -ERANGE);
	assert_int_equal(sp_text_vlan("", &vlan), -EINVAL);
	assert_int_equal(sp_text_vlan("-1", &vlan), -EINVAL);
	assert_int_equal(sp_text_vlan("+1", &vlan), -EINVAL);
	assert_int_equal(sp_text_vlan("0x10", &vlan), -EINVAL);
	assert_int_equal(vlan, 7);
	assert_int_equal(sp_text_vlan("0", &vlan), 0);
	assert_int_equal(vlan, 0);
	assert_int_equal(sp_text_vlan("4094", &vlan), 0);
	assert_int_equal(vlan, 4094);
}

struct row {
	const char *text;
	int result;
	uint64_t value;
};

static void check(int (*reader)(const char *, uint64_t *), const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = 42;
		int result = reader(rows[i].text, &value);

		if (result != rows[i].result || value != (result ? 42 : rows[i].value))
			fail_msg("'%s': result %d, value %llu", rows[i].text, result,
			         (unsigned long long)value);
	}
}

static void test_duration(void **state)
{
	static const struct row rows[] = {
		{"90s", 0, 90},
		{"30m", 0, 1800},
		{"8h", 0, 28800},
		{"7d", 0, 604800},
		{"36525d", 0, 3155760000},
		{"3155760000s", 0, 3155760000},
		{"3155760001s", -ERANGE, 0},
		{"36526d", -ERANGE, 0},
		{"0s", -ERANGE, 0},
		{"18446744073709551616s", -ERANGE, 0},
		{"18446744073709551615d", -ERANGE, 0},
		{"99999999999999999999999", -EINVAL, 0},
		{"8", -EINVAL, 0},
		{"8H", -EINVAL, 0},
		{"8w", -EINVAL, 0},
		{"8 h", -EINVAL, 0},
		{"8h30m", -EINVAL, 0},
		{"-8h", -EINVAL, 0},
		{"+8h", -EINVAL, 0},
		{"1.5h", -EINVAL, 0},
		{"h", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"none", -EINVAL, 0},
	};

	(void)state;
	check(sp_text_duration, rows, COUNT(rows));
}

static void test_size(void **state)
{
	static const struct row rows[] = {
		{"1", 0, 1},
		{"1500", 0, 1500},
		{"64K", 0, 64000},
		{"64k", 0, 64000},
		{"500M", 0, 500000000},
		{"2G", 0, 2000000000},
		{"2g", 0, 2000000000},
		{"1T", 0, 1000000000000},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744T", 0, 18446744000000000000u},
		{"18446745T", -ERANGE, 0},
		{"18446744073709551616", -ERANGE, 0},
		{"0", -ERANGE, 0},
		{"0G", -ERANGE, 0},
		{"2GB", -EINVAL, 0},
		{"2P", -EINVAL, 0},
		{"1.5G", -EINVAL, 0},
		{"G", -EINVAL, 0},
		{"", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"-1", -EINVAL, 0},
	};

	(void)state;
	check(sp_text_size, rows, COUNT(rows));
}

static void test_rate(void **state)
{
	static const struct row rows[] = {
		{"8K", 0, 8000},       {"8000", 0, 8000},
		{"7999", -ERANGE, 0},  {"5M", 0, 5000000},
		{"1G", 0, 1000000000}, {"400G", 0, 400000000000},
		{"401G", -ERANGE, 0},  {"5Mbit", -EINVAL, 0},
		{"", -EINVAL, 0},      {"400000000001", -ERANGE, 0},
	};

	(void)state;
	check(sp_text_rate, rows, COUNT(rows));
}

static void test_number(void **state)
{
	uint64_t number = 42;

	(void)state;
	assert_int_equal(sp_text_number("4", 5, 9, &number), -ERANGE);
	assert_int_equal(sp_text_number("10", 5, 9, &number), -ERANGE);
	assert_int_equal(sp_text_number("5K", 5, 9000, &number), -EINVAL);
	assert_int_equal(sp_text_number("5 ", 5, 9, &number), -EINVAL);
	assert_int_equal(number, 42);
	assert_int_equal(sp_text_number("007", 5, 9, &number), 0);
	assert_int_equal(number, 7);
}

static void test_printable(void **state)
{
	static const char *const good[] = {"",
	                                   "room 12",
	                                   "caf\xc3\xa9",
	                                   "\xe2\x82\xac",
	                                   "\xf0\x9f\x9a\xaa",
	                                   "\xf4\x8f\xbf\xbf",
	                                   "\xef\xbf\xbd",
	                                   "\xc2\xa0"};
	/* In turn: control characters of both kinds; a lone continuation; cut short; overlong;
	 * a surrogate; beyond U+10FFFF; bytes that never occur. */
	static const char *const bad[] = {"a\n",
	                                  "\x1b[2J",
	                                  "\x7f",
	                                  "\xc2\x85",
	                                  "\x80",
	                                  "\xc3",
	                                  "\xe2\x82",
	                                  "\xf0\x9f\x9a",
	                                  "\xc3(",
	                                  "\xc0\xaf",
	                                  "\xe0\x80\xaf",
	                                  "\xf0\x80\x80\xaf",
	                                  "\xed\xa0\x80",
	                                  "\xf4\x90\x80\x80",
	                                  "\xf5\x80\x80\x80",
	                                  "\xff"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(sp_text_printable(good[i], strlen(good[i])));
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (sp_text_printable(bad[i], strlen(bad[i])))
			fail_msg("text %zu is not printable", i);
	}
	assert_false(sp_text_printable("a\0b", 3));
}

static void test_distance(void **state)
{
	static const struct {
		const char *one, *other;
		unsigned distance;
	} rows[] = {
		{"", "", 0},
		{"guard", "guard", 0},
		{"gaurd", "guard", 1},
		{"guar", "guard", 1},
		{"guards", "guard", 1},
		{"guord", "guard", 1},
		{"", "abc", 3},
		{"abc", "", 3},
		{"abcd", "badc", 2},
		{"12345678901234567890123456789012", "12345678901234567890123456789012", 0},
		{"123456789012345678901234567890123", "1", UINT_MAX},
		{"1", "123456789012345678901234567890123", UINT_MAX},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(sp_text_distance(rows[i].one, rows[i].other), rows[i].distance);
}

static void test_put_mac(void **state)
{
	char out[SP_TEXT_MAC];

	(void)state;
	assert_ptr_equal(sp_text_put_mac(out, (const uint8_t *)"\x0a\x1b\x2c\x3d\x4e\xff"), out);
	assert_string_equal(out, "0a:1b:2c:3d:4e:ff");
}

struct written {
	uint64_t value;
	const char *text;
};

static void check_written(char *(*writer)(char *, uint64_t), const struct written *rows,
                          size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char out[SP_TEXT_QUANTITY];

		assert_ptr_equal(writer(out, rows[i].value), out);
		assert_string_equal(out, rows[i].text);
	}
}

static void test_put_duration(void **state)
{
	static const struct written rows[] = {
		{0, "0s"},         {45, "45s"},      {60, "1m"},
		{61, "1m1s"},      {28799, "7h59m"}, {28800, "8h"},
		{3601, "1h"},      {86400, "1d"},    {183600, "2d3h"},
		{86399, "23h59m"}, {86459, "1d"},    {UINT64_MAX, "213503982334601d7h"},
	};

	(void)state;
	check_written(sp_text_put_duration, rows, COUNT(rows));
}

static void test_put_size(void **state)
{
	static const struct written rows[] = {
		{0, "0 B"},
		{812, "812 B"},
		{999, "999 B"},
		{1000, "1.0 kB"},
		{1049, "1.0 kB"},
		{1050, "1.1 kB"},
		{1500000, "1.5 MB"},
		{2000000000, "2.0 GB"},
		{999949, "999.9 kB"},
		{999950, "1.0 MB"},
		{999999999, "1.0 GB"},
		{UINT64_MAX, "18.4 EB"},
		{1000000000000, "1.0 TB"},
	};

	(void)state;
	check_written(sp_text_put_size, rows, COUNT(rows));
}

static void test_put_rate(void **state)
{
	static const struct written rows[] = {
		{0, "0 bit/s"},         {999, "999 bit/s"},           {8000, "8 kbit/s"},
		{256000, "256 kbit/s"}, {20000000, "20 Mbit/s"},      {1500000, "1.5 Mbit/s"},
		{999999, "1 Mbit/s"},   {400000000000, "400 Gbit/s"}, {UINT64_MAX, "18.4 Ebit/s"},
	};

	(void)state;
	check_written(sp_text_put_rate, rows, COUNT(rows));
}

static void test_hex(void **state)
{
	static const uint8_t wanted[] = {0x00, 0xfe, 0x1a};
	uint8_t bytes[3] = {1, 1, 1};

	(void)state;
	assert_int_equal(sp_text_hex("00fE1a", bytes, sizeof(bytes)), 0);
	assert_memory_equal(bytes, wanted, sizeof(wanted));
	/* What follows is not looked at; what is short is not read beyond its end. */
	assert_int_equal(sp_text_hex("00fx", bytes, 1), 0);
	assert_int_equal(sp_text_hex("00fx", bytes, 2), -EINVAL);
	assert_int_equal(sp_text_hex("00f", bytes, 2), -EINVAL);
	assert_int_equal(sp_text_hex("", bytes, 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hex),       cmocka_unit_test(test_mac_forms),
		cmocka_unit_test(test_mac_wrong), cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_duration),  cmocka_unit_test(test_size),
		cmocka_unit_test(test_rate),      cmocka_unit_test(test_number),
		cmocka_unit_test(test_printable), cmocka_unit_test(test_distance),
		cmocka_unit_test(test_put_mac),   cmocka_unit_test(test_put_duration),
		cmocka_unit_test(test_put_size),  cmocka_unit_test(test_put_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
