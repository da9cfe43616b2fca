/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the portal tells programs: the object of RFC 8908, and who gets it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portal/api.h"
#include "portal/basic.h"
#include "web/accept.h"
#include "web/api.h"

/* --- the object ----------------------------------------------------------------------------------
 */

#define URL "https://portal.test/"

static const struct sp_ipc_answer captive;

static void expect_state(const struct sp_ipc_api *api, const struct sp_ipc_answer *answer,
                         const char *expected)
{
	char *text = sp_api_state(api, answer);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void test_captive(void **state)
{
	struct sp_ipc_api api = {.url = URL};
	struct sp_ipc_answer left = {.seconds_left = 7, .bytes_left = 8};

	(void)state;
	expect_state(&api, &captive, "{\"captive\":true,\"user-portal-url\":\"" URL "\"}");
	/* Nothing remains of a session that is over. */
	expect_state(&api, &left, "{\"captive\":true,\"user-portal-url\":\"" URL "\"}");
	api = (struct sp_ipc_api){.url = URL,
	                          .venue_info = "https://v.test/?a=1&b='2'",
	                          .tell_extend = 1,
	                          .can_extend = 1};
	expect_state(&api, &captive,
	             "{\"captive\":true,\"user-portal-url\":\"" URL
	             "\",\"venue-info-url\":\"https://v.test/?a=1&b='2'\","
	             "\"can-extend-session\":true}");
}

static void test_authorized(void **state)
{
	const struct sp_ipc_api api = {.url = URL, .tell_extend = 1};
	struct sp_ipc_answer answer = {
		.authorized = 1, .seconds_left = UINT64_MAX, .bytes_left = UINT64_MAX};

#define FREE "{\"captive\":false,\"user-portal-url\":\"" URL "\",\"can-extend-session\":false"
	(void)state;
	expect_state(&api, &answer, FREE "}");
	answer.seconds_left = 0;
	expect_state(&api, &answer, FREE ",\"seconds-remaining\":0}");
	answer.bytes_left = 1500000000000;
	expect_state(&api, &answer,
	             FREE ",\"seconds-remaining\":0,\"bytes-remaining\":1500000000000}");
	answer.seconds_left = UINT64_MAX;
	answer.bytes_left = UINT64_MAX - 1;
	expect_state(&api, &answer, FREE ",\"bytes-remaining\":9007199254740991}");
}

/* The longest that a configuration can make of it: RFC 8908 section 5 has room for 4,096. */
static void test_size(void **state)
{
	struct sp_ipc_api api = {.tell_extend = 1};
	const struct sp_ipc_answer answer = {
		.authorized = 1, .seconds_left = UINT64_MAX - 1, .bytes_left = UINT64_MAX - 1};
	char *text;

	(void)state;
	memset(api.url, 'u', sizeof(api.url) - 1);
	memset(api.venue_info, 'v', sizeof(api.venue_info) - 1);
	text = sp_api_state(&api, &answer);
	assert_non_null(text);
	assert_true(strlen(text) < 4096);
	free(text);
}

/* --- who gets it ---------------------------------------------------------------------------------
 */

static void test_accept(void **state)
{
	static const char *const named[] = {SP_API_TYPE, "Application/Captive+JSON",
	                                    "text/html;q=0.9," SP_API_TYPE ";q=0.1",
	                                    " ,, " SP_API_TYPE " ; v=1"};
	static const char *const not_named[] = {
		"",
		"*/*",
		"application/*",
		"application/json",
		"text/html," SP_API_TYPE ";q=0",
		SP_API_TYPE "x",
		"application/captive",
		"\"" SP_API_TYPE "\"",
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"};

	(void)state;
	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++)
		if (!sp_accept_names(named[i], strlen(named[i]), SP_API_TYPE))
			fail_msg("not seen in: %s", named[i]);
	for (size_t i = 0; i < sizeof(not_named) / sizeof(*not_named); i++)
		if (sp_accept_names(not_named[i], strlen(not_named[i]), SP_API_TYPE))
			fail_msg("seen in: %s", not_named[i]);
}

/* --- Basic ---------------------------------------------------------------------------------------
 */

/* What sp_basic_read says to "Basic " and @pair of @length bytes in base64; its end stands at the
 * end of an allocation (ASan watches). */
static int read_pair(const char *pair, size_t length, struct sp_basic *basic)
{
	size_t room = strlen("Basic ") + BASE64_ENCODE_RAW_LENGTH(length) + 1;
	char *value = malloc(room);
	int ret;

	assert_non_null(value);
	strcpy(value, "Basic ");
	base64_encode_raw(value + strlen("Basic "), length, (const uint8_t *)pair);
	value[room - 1] = '\0';
	ret = sp_basic_read(value, basic);
	free(value);
	return ret;
}

static void expect_pair(const char *value, const char *name, const char *secret)
{
	struct sp_basic basic, zero = {0};

	assert_int_equal(sp_basic_read(value, &basic), 0);
	assert_string_equal(basic.name, name);
	assert_string_equal(basic.secret, secret);
	strcpy(zero.name, name);
	strcpy(zero.secret, secret);
	assert_memory_equal(&basic, &zero, sizeof(zero));
}

static void test_basic(void **state)
{
	(void)state;
	/* Both examples of RFC 7617. */
	expect_pair("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame");
	expect_pair("bAsIc   dGVzdDoxMjPCow==", "test", "123\u00a3");
	expect_pair("Basic Og==", "", "");
	expect_pair("Basic YTo6Yjo=", "a", ":b:");
}

static void test_not_basic(void **state)
{
	static const char *const other[] = {
		NULL, "", "Basic", "Basically QWw6", "Bearer QWw6", " Basic Og==", "Basic\tOg=="};
	static const char *const bad[] = {
		"Basic ",      "Basic Og", "Basic Og=",      "Basic Og===", "Basic O g==",
		"Basic Og== ", "Basic *",  "Basic QWxhZA==", "Basic Og==,x"};
	struct sp_basic basic, zero = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++)
		assert_int_equal(sp_basic_read(other[i], &basic), -ENOENT);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (sp_basic_read(bad[i], &basic) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_memory_equal(&basic, &zero, sizeof(zero));
	}
	assert_int_equal(read_pair("a\0b:c", 5, &basic), -EINVAL);
	assert_int_equal(read_pair("a:b\0", 4, &basic), -EINVAL);
	assert_int_equal(read_pair("a\n:b", 4, &basic), -EINVAL);
	assert_int_equal(read_pair("a:\xe9", 3, &basic), -EINVAL); /* Latin-1 */
	assert_memory_equal(&basic, &zero, sizeof(zero));
}

/* The longest name and secret fit, one byte more of either does not. */
static void test_basic_length(void **state)
{
	char pair[SP_IPC_NAME + SP_IPC_SECRET + 1];
	struct sp_basic basic;

	(void)state;
	memset(pair, 'x', sizeof(pair));
	pair[SP_IPC_NAME - 1] = ':';
	assert_int_equal(read_pair(pair, SP_IPC_NAME + SP_IPC_SECRET - 1, &basic), 0);
	assert_int_equal(strlen(basic.name), SP_IPC_NAME - 1);
	assert_int_equal(strlen(basic.secret), SP_IPC_SECRET - 1);
	assert_int_equal(read_pair(pair, SP_IPC_NAME + SP_IPC_SECRET, &basic), -ENOSPC);
	assert_int_equal(*basic.name, 0);
	assert_int_equal(read_pair(pair, sizeof(pair), &basic), -ENOSPC);
	pair[SP_IPC_NAME - 1] = 'x';
	pair[SP_IPC_NAME] = ':';
	assert_int_equal(read_pair(pair, SP_IPC_NAME + 2, &basic), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captive),      cmocka_unit_test(test_authorized),
		cmocka_unit_test(test_size),         cmocka_unit_test(test_accept),
		cmocka_unit_test(test_basic),        cmocka_unit_test(test_not_basic),
		cmocka_unit_test(test_basic_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
