/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of `sallyport import`: what is understood, and what is said of what is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/import_file.h"
#include "lib/flat_json.h"

#define NOW  UINT64_C(1800000000)
#define HEAD "{\"sallyport\":\"export\",\"version\":1}\n"

static struct sp_import import;
static struct sp_error error;
static char said[8192]; /* of wrong lines */

static void keep(const struct sp_error *err, void *context)
{
	size_t length = strlen(said);

	assert_ptr_equal(context, said);
	assert_int_equal(err->exit_code, SP_EXIT_USAGE);
	snprintf(said + length, sizeof(said) - length, "%s\n", err->text);
}

static int read_bytes(const char *bytes, size_t size)
{
	FILE *file = fmemopen((void *)(uintptr_t)bytes, size, "r");
	int code;

	assert_non_null(file);
	sp_import_free(&import);
	said[0] = '\0';
	error = (struct sp_error){.text = ""};
	code = sp_import_read(&import, file, "F", NOW, keep, said, &error);
	fclose(file);
	return code;
}

static void accept(const char *text)
{
	if (read_bytes(text, strlen(text)))
		fail_msg("%s: %s%s", text, said, error.text);
}

/* Refused; of the wrong lines @words is said. */
static void refuse(const char *text, const char *words)
{
	assert_int_equal(read_bytes(text, strlen(text)), -EINVAL);
	assert_int_equal(error.exit_code, SP_EXIT_USAGE);
	if (!strstr(said, words))
		fail_msg("%s: \"%s\" lacks \"%s\"", text, said, words);
	assert_non_null(strstr(error.text, "nothing was changed"));
}

static void export_of(const char *line, uint64_t clients, bool good, const char *words)
{
	char text[2048];

	snprintf(text, sizeof(text), HEAD "%s\n{\"sallyport\":\"end\",\"clients\":%llu}\n", line,
	         (unsigned long long)clients);
	if (good)
		accept(text);
	else
		refuse(text, words);
}

static int end(void **state)
{
	(void)state;
	sp_import_free(&import);
	return 0;
}

/* --- lists --- */

static void test_list(void **state)
{
	const struct sp_bulk_client *client;

	(void)state;
	accept("# staff\n\n02:00:00:00:00:09\r\n  02:00:00:00:00:07 --for 8h --vlan=12 --note "
	       "\"lobby TV\" # why\n0200.0000.0008 --up 5M --bind auto --note it\\ is\\ 'its own'");
	assert_int_equal(import.bulk.count, 3);
	client = import.bulk.clients;
	assert_int_equal(client[0].key.mac[5], 7);
	assert_int_equal(client[0].key.vlan, 12);
	assert_int_equal(client[0].limits.seconds, 8 * 3600);
	assert_string_equal(client[0].note, "lobby TV");
	assert_int_equal(client[0].line, 4);
	assert_int_equal(client[1].limits.rate_up, 5000000);
	assert_true(client[1].limits.bind);
	assert_string_equal(client[1].note, "it is its own");
	assert_int_equal(client[2].limits.seconds, 0);
	assert_int_equal(client[2].method, SP_METHOD_OPERATOR);
	assert_string_equal(client[2].note, "");
	accept("# nobody\n");
	assert_int_equal(import.bulk.count, 0);
}

static void test_wrong_lists(void **state)
{
	(void)state;
	refuse("02:00:00:00:00:0g\n", "F:1: MAC: expected an address");
	refuse("\n01:00:00:00:00:07\n", "F:2: MAC 01:00:00:00:00:07: expected the address of one");
	refuse("02:00:00:00:00:07 --fro 8h\n", "\"--fro\": expected an option of `client allow`");
	refuse("02:00:00:00:00:07 --replace x\n", "expected an option");
	refuse("02:00:00:00:00:07 8h\n", "\"8h\": expected an option");
	refuse("02:00:00:00:00:07 --for\n", "--for needs a value");
	refuse("02:00:00:00:00:07 --for 8hours\n", "--for: expected a duration");
	refuse("02:00:00:00:00:07 --for 8h --for 9h\n", "--for is given twice");
	refuse("02:00:00:00:00:07 --vlan 4095\n", "--vlan: expected");
	refuse("02:00:00:00:00:07 --note \"open\n", "a quote is open");
	refuse("02:00:00:00:00:07 --note \"\x01\"\n", "note: expected UTF-8");
	refuse("02:00:00:00:00:07\n02:00:00:00:00:08\n02:00:00:00:00:07\n",
	       "F:3: client 02:00:00:00:00:07 is there twice, first in line 1");
	refuse("02:00:00:00:00:07\nx\n02:00:00:00:00:08 --for z\n", "F:2: ");
	assert_non_null(strstr(said, "F:3: "));
	assert_non_null(strstr(error.text, "F: 2 wrong lines"));
}

static void test_many_wrong_lines(void **state)
{
	char text[4 * 30 + 1] = "";
	unsigned lines = 0;

	(void)state;
	for (int i = 0; i < 30; i++)
		strcat(text, "x\n");
	refuse(text, "F:20: ");
	for (const char *at = said; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, SP_IMPORT_WRONG);
	assert_non_null(strstr(error.text, "30 lines are wrong, of which the first 20 are shown"));
}

static void test_no_text(void **state)
{
	static char wide[10000];
	static const char nul[] = "02:00:00:00:00:07\0 --for 1h\n02:00:00:00:00:08\n";

	(void)state;
	assert_int_equal(read_bytes(nul, sizeof(nul) - 1), -EINVAL);
	assert_non_null(strstr(said, "F:1: expected a line of text"));
	assert_null(strstr(said, "F:2:"));
	memset(wide, ' ', sizeof(wide) - 1);
	refuse(wide, "F:1: expected a line of text");
}

/* --- exports --- */

static void test_export(void **state)
{
	const struct sp_bulk_client *client = NULL;

	(void)state;
	export_of(
		"{\"mac\":\"02:00:00:00:00:07\",\"vlan\":12,\"state\":\"authorized\",\"method\":"
		"\"user\",\"who\":\"anna\",\"since\":1,\"expires\":1800000100,\"seconds_left\":200,"
		"\"idle_limit\":60,\"quota\":1000,\"quota_up\":null,\"quota_down\":900,\"up_"
		"bytes\":"
		"300,\"down_bytes\":200,\"rate_up\":8000,\"burst_up\":24000,\"bind\":\"10.0.0.7\","
		"\"note\":\"caf\\u00e9 \\ud83d\\ude00\",\"later\":true}",
		1, true, NULL);
	client = import.bulk.clients;
	assert_int_equal(import.bulk.count, 1);
	assert_int_equal(client->key.vlan, 12);
	assert_int_equal(client->method, SP_METHOD_USER);
	assert_string_equal(client->name, "anna");
	assert_int_equal(client->limits.seconds, 100);
	assert_int_equal(client->limits.idle, 60);
	assert_int_equal(client->limits.quota, 500);
	assert_int_equal(client->limits.quota_up, 0);
	assert_int_equal(client->limits.quota_down, 700);
	assert_int_equal(client->limits.rate_up, 8000);
	assert_int_equal(client->limits.burst_up, 24000);
	assert_true(client->limits.bind && client->limits.ipv4);
	assert_string_equal(client->note, "caf\xc3\xa9 \xf0\x9f\x98\x80");
}

static void test_block_of_an_export(void **state)
{
	(void)state;
	export_of("{\"mac\":\"02:00:00:00:00:07\",\"state\":\"blocked\",\"method\":null}", 1, true,
	          NULL);
	assert_int_equal(import.bulk.clients[0].state, SP_CLIENT_BLOCKED);
}

/* The clock of this gateway, or what was left, whichever is less. */
static void test_time_goes_on(void **state)
{
	(void)state;
#define SESSION "{\"mac\":\"02:00:00:00:00:07\",\"state\":\"authorized\","
	export_of(SESSION "\"expires\":1800000500,\"seconds_left\":200}", 1, true, NULL);
	assert_int_equal(import.bulk.clients[0].limits.seconds, 200);
	export_of(SESSION "\"expires\":1800000000,\"seconds_left\":200}", 1, true, NULL);
	assert_int_equal(import.bulk.count, 0);
	assert_int_equal(import.ended, 1);
	export_of(SESSION "\"quota\":10,\"up_bytes\":4,\"down_bytes\":6}", 1, true, NULL);
	assert_int_equal(import.ended, 1);
	export_of(SESSION "\"quota_down\":10,\"up_bytes\":14,\"down_bytes\":6}", 1, true, NULL);
	assert_int_equal(import.ended, 0);
}

static void test_wrong_exports(void **state)
{
	(void)state;
	refuse("{\"mac\":\"02:00:00:00:00:07\",\"state\":\"blocked\"}\n",
	       "F:1: expected the first line that `sallyport export` writes");
	refuse("{\"sallyport\":\"export\",\"version\":2}\n", "version 2");
	refuse(HEAD, "F:1: expected the last line of an export");
	refuse(HEAD SESSION "\"vlan\":1}\n", "the file is not whole");
	export_of(SESSION "\"vlan\":1}", 2, false, "expected 2 clients before this line, got 1");
	export_of(SESSION "\"vlan\":4095}", 1, false, "\"vlan\": expected");
	export_of(SESSION "\"vlan\":1,\"vlan\":1}", 1, false, "\"vlan\" is there twice");
	export_of(SESSION "\"vlan\":\"1\"}", 1, false, "\"vlan\": expected a number");
	export_of(SESSION "\"note\":1}", 1, false, "\"note\": expected a string");
	export_of(SESSION "\"method\":\"magic\"}", 1, false, "\"method\": expected click");
	export_of(SESSION "\"bind\":\"::1\"}", 1, false, "\"bind\": expected");
	export_of(SESSION "\"rate_up\":1}", 1, false, "\"rate_up\"");
	export_of("{\"mac\":\"02:00:00:00:00:07\",\"state\":\"captive\"}", 1, false,
	          "\"state\": expected");
	export_of("{\"mac\":\"x\",\"state\":\"blocked\"}", 1, false, "\"mac\": expected");
	export_of("# a comment", 0, false, "expected an object");
	refuse(HEAD "{\"clients\":0}\n{\"clients\":0}\n", "expected nothing behind the last line");
}

/* --- lines of JSON --- */

static int count(const struct sp_flat_member *member, void *context)
{
	assert_non_null(member->name);
	++*(unsigned *)context;
	return 0;
}

static void test_flat_json(void **state)
{
	static const char *const good[] = {"{}",
	                                   " { } ",
	                                   "{\"a\":1}",
	                                   "{ \"a\" : null , \"b\":true}",
	                                   "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
	                                   "{\"a\":18446744073709551615,\"\":0}"};
	static const char *const bad[] = {
		"",
		"[]",
		"{",
		"{}}",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{\"a\":01}",
		"{\"a\":-1}",
		"{\"a\":1.5}",
		"{\"a\":1e3}",
		"{\"a\":{}}",
		"{\"a\":[1]}",
		"{\"a\":\"",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":\"\xff\"}",
		"{\"a\":18446744073709551616}",
		"{a:1}",
		"{\"a\":\"\\",
		"{\"a\":\"\\u12",
		"{\"a\":tru}",
	};
	unsigned members = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const char *expected;
		char line[128];

		snprintf(line, sizeof(line), "%s", good[i]);
		if (sp_flat_json(line, count, &members, &expected))
			fail_msg("%s: %s", good[i], expected);
	}
	assert_int_equal(members, 6);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *expected = NULL;
		char line[128];

		snprintf(line, sizeof(line), "%s", bad[i]);
		if (sp_flat_json(line, count, &members, &expected) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
		assert_non_null(expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_wrong_lists),
		cmocka_unit_test(test_many_wrong_lines),
		cmocka_unit_test(test_no_text),
		cmocka_unit_test(test_export),
		cmocka_unit_test(test_block_of_an_export),
		cmocka_unit_test(test_time_goes_on),
		cmocka_unit_test(test_wrong_exports),
		cmocka_unit_test(test_flat_json),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
