/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the portal tells programs: the object of RFC 8908, and who gets it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portal/api.h"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captive),
		cmocka_unit_test(test_authorized),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_accept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
