/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the portal says to programs over plain HTTP: not much. */
#include "portal.h"

#include "web/api.h"

#define BROWSER "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
#define DEVICE  "Accept: " SP_API_TYPE "\r\n"
#define BASIC   "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
#define PROBLEM "\r\nContent-Type: application/problem+json\r\n"

/* One request, which the keeper does not hear of, and its status. */
static int unasked(struct world *world, const char *method, const char *path, const char *fields)
{
	int status;

	visit(world);
	get(world, method, path, fields);
	status = read_response(world);
	nothing_asked(world);
	return status;
}

static void test_browsers_are_led_to_the_page(void **state)
{
	static const char *const fields[] = {BROWSER, "", "Accept: */*\r\n",
	                                     "Accept: " SP_API_TYPE ";q=0\r\n"};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		assert_int_equal(unasked(world, "GET", SP_API_PATH, fields[i]), 302);
		HAS("\r\nLocation: /\r\n");
		HAS("\r\nVary: Accept\r\n");
		HAS("\r\nContent-Length: 0\r\n");
	}
}

/* RFC 8908 section 4: there is no such thing at an http URI. */
static void test_api_needs_tls(void **state)
{
	static const char *const fields[] = {DEVICE, BROWSER DEVICE};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		assert_int_equal(unasked(world, "GET", SP_API_PATH, fields[i]), 404);
		LACKS("captive\":");
	}
	assert_int_equal(unasked(world, "HEAD", SP_API_PATH, DEVICE), 404);
	assert_int_equal(unasked(world, "POST", SP_API_PATH, DEVICE), 405);
	HAS("\r\nAllow: GET, HEAD\r\n");
}

/* Neither a question for the password nor an answer to it. */
static void test_login_needs_tls(void **state)
{
	static const char *const methods[] = {"GET", "HEAD", "POST"};
	static const char *const fields[] = {"", BASIC};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		for (size_t k = 0; k < sizeof(fields) / sizeof(*fields); k++) {
			assert_int_equal(unasked(world, methods[i], SP_API_LOGIN_PATH, fields[k]),
			                 403);
			HAS(PROBLEM);
			HAS("\r\nCache-Control: private, no-store\r\n");
			LACKS("WWW-Authenticate");
		}
	assert_int_equal(unasked(world, "GET", SP_API_LOGIN_PATH, BASIC), 403);
	HAS("{\"type\":\"about:blank\",\"title\":\"Forbidden\",\"status\":403,\"detail\":\"");
	assert_int_equal(unasked(world, "DELETE", SP_API_LOGIN_PATH, BASIC), 405);
	HAS("\r\nAllow: GET, HEAD, POST\r\n");
}

static void test_representations(void **state)
{
	struct world *world = *state;

	assert_int_equal(unasked(world, "GET", SP_API_LOGIN_PATH, BROWSER), 403);
	HAS("\r\nContent-Type: text/html; charset=utf-8\r\n");
	HAS("<html lang=\"en\"");
	assert_int_equal(unasked(world, "GET", SP_API_LOGIN_PATH, "Accept: application/json\r\n"),
	                 403);
	HAS("\r\nContent-Type: application/json\r\n");
	assert_int_equal(
		unasked(world, "GET", SP_API_LOGIN_PATH, "Accept: */*\r\nAccept-Language: fr\r\n"),
		403);
	HAS(PROBLEM);
	HAS("\r\nContent-Language: fr\r\n");
	HAS("\r\nVary: Accept, Accept-Language\r\n");
}

static void test_logout(void **state)
{
	struct world *world = *state;

	visit(world);
	get(world, "POST", SP_API_LOGOUT_PATH, "");
	keep(world, SP_IPC_LOGOUT, captive);
	STATUS(200);
	HAS("\r\nContent-Type: application/json\r\n");
	HAS("\r\n\r\n{\"captive\":true}");

	visit(world);
	get(world, "POST", SP_API_LOGOUT_PATH, BROWSER);
	keep(world, SP_IPC_LOGOUT, captive);
	STATUS(200);
	HAS("Signed out");

	visit(world);
	get(world, "POST", SP_API_LOGOUT_PATH, "");
	keep(world, SP_IPC_LOGOUT, (struct sp_ipc_answer){.result = SP_IPC_REFUSED});
	STATUS(403);
	assert_int_equal(unasked(world, "GET", SP_API_LOGOUT_PATH, ""), 405);
	HAS("\r\nAllow: POST\r\n");
}

/* Neither with what the browser remembers nor otherwise. */
static void test_other_sites(void **state)
{
	static const char *const fields[] = {"Origin: http://evil.example\r\n", "Origin: null\r\n",
	                                     "Referer: http://evil.example/\r\n",
	                                     "Sec-Fetch-Site: cross-site\r\n",
	                                     "Sec-Fetch-Site: same-site\r\n"};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		assert_int_equal(unasked(world, "POST", SP_API_LOGOUT_PATH, fields[i]), 403);
		assert_int_equal(unasked(world, "GET", SP_API_LOGIN_PATH, fields[i]), 403);
		HAS("understand that request"); /* and not that it needs TLS */
	}
	/* From the address bar. */
	assert_int_equal(unasked(world, "GET", SP_API_LOGIN_PATH, "Sec-Fetch-Site: none\r\n"), 403);
	LACKS("understand that request");
}

static void test_unknown_visitor(void **state)
{
	struct world *world = *state;

	open_socket(world);
	connect_portal(world);
	get(world, "POST", SP_API_LOGOUT_PATH, "");
	STATUS(403);
	HAS("cannot see which device");
	nothing_asked(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROCESS(test_browsers_are_led_to_the_page),
		PROCESS(test_api_needs_tls),
		PROCESS(test_login_needs_tls),
		PROCESS(test_representations),
		PROCESS(test_logout),
		PROCESS(test_other_sites),
		PROCESS(test_unknown_visitor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
