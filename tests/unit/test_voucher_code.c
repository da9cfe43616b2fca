/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/voucher_code.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_made_codes_are_plain(void **state)
{
	char last[SP_VOUCHER_CODE] = "", code[SP_VOUCHER_CODE], read[SP_VOUCHER_CODE];
	char shown[SP_VOUCHER_SHOWN];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(sp_voucher_code_make(code), 0);
		assert_true(sp_voucher_code_is_plain(code));
		assert_string_not_equal(code, last);
		sp_voucher_code_show(shown, code);
		assert_int_equal(strlen(shown), 11);
		assert_int_equal(shown[5], '-');
		assert_int_equal(sp_voucher_code_read(shown, read), 0);
		assert_string_equal(read, code);
		memcpy(last, code, sizeof(last));
	}
}

/* Over 4,000 codes each of the 32 characters comes about 1,250 times (standard deviation 35). */
static void test_no_character_is_likelier(void **state)
{
	unsigned seen[128] = {0}, kinds = 0;
	char code[SP_VOUCHER_CODE];

	(void)state;
	for (int i = 0; i < 4000; i++) {
		assert_int_equal(sp_voucher_code_make(code), 0);
		for (const char *c = code; *c; c++)
			seen[(unsigned char)*c]++;
	}
	for (size_t i = 0; i < COUNT(seen); i++) {
		if (!seen[i])
			continue;
		kinds++;
		assert_in_range(seen[i], 900, 1600);
	}
	assert_int_equal(kinds, 32);
}

static void test_what_people_type(void **state)
{
	static const char *const typed[] = {
		"01ABC-DEV89",
		"01abcdev89",
		"  01ABC DEV89 \r\n",
		"oiabc-deu89",
		"OLABC-DEU89",
		"0 1 a b c - d e v 8 9",
		"01ABC\342\200\223DEV89", /* en dash */
		"01ABC\302\240DEV89",     /* no-break space */
		"\357\274\220\357\274\221\357\274\241\357\274\242\357\275\203\357\274\215DEV89",
		"01ABC_DEV.89",
	};
	char code[SP_VOUCHER_CODE];

	(void)state;
	for (size_t i = 0; i < COUNT(typed); i++) {
		assert_int_equal(sp_voucher_code_read(typed[i], code), 0);
		assert_string_equal(code, "01ABCDEV89");
	}
}

static void test_what_is_no_code(void **state)
{
	static const char *const typed[] = {
		"",
		"-",
		" ",
		"01ABC-DEV8",
		"01ABC-DEV899",
		"01ABC-DEV8!",
		"01ABC'DEV89",
		"01ABC\303\251EV89",
		"01ABC\377DEV89",
		"01ABCDEV8\xe2",
		"01ABCDEV89\xf0\x9f\x98\x80",
		"01ABCDEV8\xe2\x80",
	};
	char code[SP_VOUCHER_CODE];

	(void)state;
	for (size_t i = 0; i < COUNT(typed); i++) {
		assert_int_equal(sp_voucher_code_read(typed[i], code), -EINVAL);
		assert_string_equal(code, "");
	}
}

static void test_plain_to_the_letter(void **state)
{
	static const char *const wrong[] = {"",          "01ABC-DEV8",  "01abcdev89",
	                                    "01ABCDEV8", "01ABCDEV899", "O1ABCDEV89",
	                                    "01ABCDEU89"};

	(void)state;
	assert_true(sp_voucher_code_is_plain("01ABCDEV89"));
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_false(sp_voucher_code_is_plain(wrong[i]));
}

/* By `printf 01ABCDEV89 | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...1f`. */
static void test_digest(void **state)
{
	static const char expected[] =
		"66b57aa08c503e7c815762eaacbd0299ebe9a29457d374128f60dfe1a7962bef";
	uint8_t key[SP_VOUCHER_KEY], digest[SP_VOUCHER_DIGEST];
	char text[2 * SP_VOUCHER_DIGEST + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	sp_voucher_code_digest(digest, key, "01ABCDEV89");
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(text, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_codes_are_plain),
		cmocka_unit_test(test_no_character_is_likelier),
		cmocka_unit_test(test_what_people_type),
		cmocka_unit_test(test_what_is_no_code),
		cmocka_unit_test(test_plain_to_the_letter),
		cmocka_unit_test(test_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
