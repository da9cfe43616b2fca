/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The portal's forms: what becomes of them, and what they never do. */
#include "portal.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/method.h"
#include "lib/monotonic.h"
#include "portal/outcome.h"
#include "portal/token.h"
#include "web/handover.h"

#define ALL                                                                  \
	(SP_METHOD_BIT(SP_METHOD_CLICK) | SP_METHOD_BIT(SP_METHOD_VOUCHER) | \
	 SP_METHOD_BIT(SP_METHOD_USER) | SP_METHOD_BIT(SP_METHOD_EXTERNAL))
#define SECURE_URL "https://portal.test/"

static const struct sp_client_key somebody_else = {{0x02, 0, 0, 0xab, 0xcd, 0xee}, 7};

static int start_all(void **state)
{
	return portal_start_with(state, ALL, SECURE_URL);
}

static int start_voucher(void **state)
{
	return portal_start_with(state, SP_METHOD_BIT(SP_METHOD_VOUCHER), "");
}

static int start_external(void **state)
{
	return portal_start_with(state, SP_METHOD_BIT(SP_METHOD_EXTERNAL), "");
}

static int start_radius(void **state)
{
	return portal_start_with(state, SP_METHOD_BIT(SP_METHOD_RADIUS), "");
}

/* --- tokens --------------------------------------------------------------------------------------
 */

static void test_token(void **state)
{
	static const uint8_t key[SP_IPC_KEY] = "a key", other_key[SP_IPC_KEY] = "another";
	const uint64_t now = 7 * SP_TOKEN_SLICE + 5;
	struct sp_client_key other_vlan = visitor;
	char token[SP_TOKEN], changed[SP_TOKEN];

	(void)state;
	other_vlan.vlan++;
	sp_token_make(token, key, &visitor, now);
	assert_int_equal(strlen(token), SP_TOKEN - 1);
	assert_true(sp_token_verify(token, key, &visitor, now));
	assert_true(sp_token_verify(token, key, &visitor, now + SP_TOKEN_SLICE));
	assert_false(sp_token_verify(token, key, &visitor, now + 2 * SP_TOKEN_SLICE));
	assert_false(sp_token_verify(token, key, &visitor, now - SP_TOKEN_SLICE));
	assert_false(sp_token_verify(token, other_key, &visitor, now));
	assert_false(sp_token_verify(token, key, &somebody_else, now));
	assert_false(sp_token_verify(token, key, &other_vlan, now));
	assert_false(sp_token_verify("", key, &visitor, now));
	for (size_t i = 0; i < SP_TOKEN - 1; i++) {
		memcpy(changed, token, sizeof(changed));
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_false(sp_token_verify(changed, key, &visitor, now));
		memcpy(changed, token, sizeof(changed));
		changed[i] = '\0';
		assert_false(sp_token_verify(changed, key, &visitor, now));
	}
}

/* Without a token, with an old one and with somebody else's: the form comes again, with a token
 * that is good, and nothing was done. */
static void test_form_without_token(void **state)
{
	static const char *const paths[] = {"/accept", "/voucher", "/password"};
	struct world *world = *state;
	char old[SP_TOKEN], others[SP_TOKEN], good[SP_TOKEN], body[256];
	const char *tokens[] = {"", "x", old, others};

	sp_token_make(old, world->setup.key, &visitor, sp_monotonic_ms() - 2 * SP_TOKEN_SLICE);
	sp_token_make(others, world->setup.key, &somebody_else, sp_monotonic_ms());
	sp_token_make(good, world->setup.key, &visitor, sp_monotonic_ms());
	for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
		for (size_t j = 0; j < sizeof(paths) / sizeof(*paths); j++) {
			visit(world);
			snprintf(body, sizeof(body), "c=%s&code=k7f3m%%209qx2r&name=%%3Cann%%3E",
			         tokens[i]);
			post_bare(world, paths[j], body, "");
			keep(world, SP_IPC_QUERY, captive);
			STATUS(403);
			HAS("open for too long");
			HAS(good);
			HAS("role=\"alert\"");
		}
	}
	nothing_asked(world);
}

static void test_nothing_is_lost(void **state)
{
	struct world *world = *state;
	char body[512];

	visit(world);
	snprintf(body, sizeof(body), "code=k7f3m%%209%%22x2r&u=%s&t=%s", WANTED_FORM, world->tag);
	post_bare(world, "/voucher", body, "");
	keep(world, SP_IPC_QUERY, captive);
	STATUS(403);
	HAS("value=\"k7f3m 9&quot;x2r\"");
	HAS("name=\"u\" value=\"" WANTED_HTML "\"");
}

static void test_logout_without_token(void **state)
{
	struct world *world = *state;

	visit(world);
	post_bare(world, "/logout", "", "");
	keep(world, SP_IPC_QUERY, authorized);
	STATUS(403);
	HAS("open for too long");
	HAS("action=\"/logout\"");
	nothing_asked(world);
}

/* --- the sign-in page ----------------------------------------------------------------------------
 */

static void show(struct world *world, const char *target, struct sp_ipc_answer answer)
{
	visit(world);
	get(world, "GET", target, "");
	keep(world, SP_IPC_QUERY, answer);
	STATUS(200);
}

static void test_every_method(void **state)
{
	struct world *world = *state;

	show(world, "/", captive);
	HAS("action=\"/accept\"");
	HAS("action=\"/voucher\"");
	HAS("href=\"/external\"");
	LACKS("href=\"/terms"); /* they are on this page */
	/* Not over TLS: no form for a password, but the way to one. */
	LACKS("type=\"password\"");
	HAS("only accepted over an encrypted connection");
	HAS("href=\"" SECURE_URL "\"");
	LACKS("role=\"alert\"");
	LACKS("autofocus");
}

static void test_only_vouchers(void **state)
{
	struct world *world = *state;
	char target[512];

	snprintf(target, sizeof(target), "/?u=%s&t=%s", WANTED_FORM, world->tag);
	show(world, target, captive);
	HAS("action=\"/voucher\"");
	HAS("<label for=\"code\">");
	HAS("href=\"/terms?u=");
	LACKS("action=\"/accept\"");
	LACKS("password");
	LACKS("/external");
}

static void test_only_passwords(void **state)
{
	struct world *world = *state;

	show(world, "/", captive);
	HAS("only accepted over an encrypted connection");
	LACKS("<form");
	LACKS("href=\"\"");
}

/* A link in a QR code fills in the form and does no more. */
static void test_code_in_link(void **state)
{
	static const char *const no_code[] = {"/?voucher=",
	                                      "/?voucher=%3Cscript%3E",
	                                      "/?voucher=K7F3M-9QX2",
	                                      "/?voucher=K7F3M-9QX2RR",
	                                      "/?voucher",
	                                      "/?voucher=K7F3M%009QX2R"};
	struct world *world = *state;

	show(world, "/?voucher=k7f3m9qx2r", captive);
	HAS("value=\"K7F3M-9QX2R\"");
	LACKS("autofocus");
	for (size_t i = 0; i < sizeof(no_code) / sizeof(*no_code); i++) {
		show(world, no_code[i], captive);
		LACKS("spellcheck=\"false\" maxlength=\"64\" required value");
		LACKS("script");
	}
	nothing_asked(world);
}

static void test_why_it_ended(void **state)
{
	static const char *const texts[SP_IPC_ENDINGS] = {
		[SP_IPC_ENDED_TIME] = "time of your session is up",
		[SP_IPC_ENDED_IDLE] = "not active for a while",
		[SP_IPC_ENDED_QUOTA] = "data of your session is used up",
		[SP_IPC_ENDED_OPERATOR] = "people who run this network ended",
	};
	struct world *world = *state;

	for (uint32_t i = 0; i <= SP_IPC_ENDINGS; i++) {
		const char *text = i < SP_IPC_ENDINGS ? texts[i] : NULL;

		show(world, "/", (struct sp_ipc_answer){.ended = i});
		if (text)
			HAS(text);
		if (text)
			HAS("<h1>Your session has ended</h1>");
		else
			HAS("<h1>Welcome</h1>");
		HAS("action=\"/voucher\"");
	}
}

static void test_terms_page(void **state)
{
	struct world *world = *state;
	char target[512];

	visit(world);
	snprintf(target, sizeof(target), "/terms?u=%s&t=%s", WANTED_FORM, world->tag);
	get(world, "GET", target, "");
	STATUS(200);
	HAS("<h1>Terms of use</h1>");
	HAS("lawfully");
	HAS("href=\"/?u=http://www.example.org/a?b%3D1%26c%3D%272%27&amp;t=");
	nothing_asked(world);
}

/* --- vouchers ------------------------------------------------------------------------------------
 */

static void test_voucher(void **state)
{
	struct world *world = *state;
	struct sp_ipc_request question;
	char body[512];

	visit(world);
	snprintf(body, sizeof(body), "code=%%20k7f3m-9qx2r+&u=%s&t=%s", WANTED_FORM, world->tag);
	post(world, "/voucher", body, "");
	question = keep(world, SP_IPC_LOGIN, authorized);
	assert_int_equal(question.method, SP_METHOD_VOUCHER);
	assert_int_equal(question.secure, 0);
	assert_string_equal(question.name, "K7F3M9QX2R");
	assert_string_equal(question.secret, "");
	assert_memory_equal(&question.address.word[3], "\x7f\0\0\x01", 4);
	STATUS(303);
	HAS("\r\nLocation: " WANTED "\r\n");
}

static void test_no_voucher_code(void **state)
{
	static const char *const bad[] = {"", "code=", "code=K7F3M", "code=%3Cb%3E",
	                                  "code=1&code=2"};
	struct world *world = *state;
	char long_one[200] = "code=";

	for (size_t i = 0; i <= sizeof(bad) / sizeof(*bad); i++) {
		memset(long_one + 5, 'A', 100);
		visit(world);
		post(world, "/voucher", i < 5 ? bad[i] : long_one, "");
		keep(world, SP_IPC_QUERY, captive);
		STATUS(403);
		HAS("code is not valid");
		HAS("aria-describedby=\"note code-hint\" aria-invalid=\"true\" autofocus");
		LACKS("<b>");
	}
	nothing_asked(world);
}

/* --- passwords -----------------------------------------------------------------------------------
 */

static void test_password(void **state)
{
	struct world *world = *state;
	struct sp_ipc_request question;

	visit(world);
	post(world, "/password", "name=J%C3%BCrg+M&password=%26+%C3%A9%3D", "");
	question = keep(world, SP_IPC_LOGIN, authorized);
	assert_int_equal(question.method, SP_METHOD_USER);
	assert_string_equal(question.name, "J\u00fcrg M");
	assert_string_equal(question.secret, "& \u00e9=");
	STATUS(303);
	HAS("\r\nLocation: /\r\n");
}

static void test_no_password(void **state)
{
	static const char *const bad[] = {"",
	                                  "name=ann",
	                                  "name=ann&password=",
	                                  "name=&password=secret",
	                                  "password=secret",
	                                  "name=%ff%fe&password=secret",
	                                  "name=a%0Ab&password=secret",
	                                  "name=ann&password=secret&password=secret"};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		visit(world);
		post(world, "/password", bad[i], "");
		keep(world, SP_IPC_QUERY, captive);
		STATUS(403);
		HAS("password is not right");
		LACKS("secret");
	}
	nothing_asked(world);
}

/* --- external portals ----------------------------------------------------------------------------
 */

/* The link is a good one for this visitor, and leads back here, and to where they wanted to go. */
static void check_link(struct world *world, const char *back)
{
	char *nonce = strstr(world->response, "&nonce="), expected[1024];
	uint8_t bytes[SP_HANDOVER_NONCE];
	uint64_t expires;

	HAS("\r\nLocation: " EXTERNAL_URL "?client=02:00:00:ab:cd:ef&vlan=7&address=");
	assert_non_null(nonce);
	nonce += strlen("&nonce=");
	snprintf(expected, sizeof(expected), "&return=%s", back);
	HAS(expected);
	nonce[SP_HANDOVER_TEXT - 1] = '\0';
	assert_int_equal(sp_handover_nonce_read(nonce, world->setup.key, &visitor,
	                                        (uint64_t)time(NULL), bytes, &expires),
	                 0);
}

static void test_way_to_external(void **state)
{
	struct world *world = *state;
	char target[512];

	/* It is the only way in. */
	visit(world);
	get(world, "GET", "/", "");
	keep(world, SP_IPC_QUERY, captive);
	STATUS(302);
	check_link(world, "http://portal:8080/external?token%3D&sig=");

	snprintf(target, sizeof(target), "/external?u=%s&t=%s", WANTED_FORM, world->tag);
	for (world->ipv6 = false;; world->ipv6 = true) {
		visit(world);
		get(world, "GET", target, "");
		STATUS(302);
		HAS(world->ipv6 ? "&return=http://portal6:8080/external?u%3Dhttp"
		                : "&return=http://portal:8080/external?u%3Dhttp");
		HAS(world->tag);
		HAS("\r\nReferrer-Policy: same-origin\r\n"); /* elsewhere: nothing */
		if (world->ipv6)
			break;
	}
	nothing_asked(world);
}

/* Who is told why the session ended, and who is connected, is not led on. */
static void test_stays_here(void **state)
{
	struct world *world = *state;

	show(world, "/", (struct sp_ipc_answer){.ended = SP_IPC_ENDED_TIME});
	HAS("href=\"/external\"");
	show(world, "/", authorized);
	HAS("You are connected");
}

static void test_back_from_external(void **state)
{
	struct world *world = *state;
	struct sp_ipc_request question;
	char target[SP_IPC_SECRET + 512], token[SP_IPC_SECRET + 1] = "";

	visit(world);
	snprintf(target, sizeof(target), "/external?u=%s&t=%s&token=abc.DEF_-", WANTED_FORM,
	         world->tag);
	/* From another site, as a browser says. */
	get(world, "GET", target, "Sec-Fetch-Site: cross-site\r\n");
	question = keep(world, SP_IPC_LOGIN, authorized);
	assert_int_equal(question.method, SP_METHOD_EXTERNAL);
	assert_string_equal(question.secret, "abc.DEF_-");
	assert_string_equal(question.name, "");
	STATUS(303);
	HAS("\r\nLocation: " WANTED "\r\n");

	visit(world);
	get(world, "GET", "/external?token=abc", "");
	keep(world, SP_IPC_LOGIN, (struct sp_ipc_answer){.result = SP_IPC_WRONG});
	STATUS(403);
	HAS("could not be confirmed");
	HAS("href=\"/external\"");
	LACKS("abc");

	memset(token, 'A', SP_IPC_SECRET);
	for (int i = 0; i < 2; i++) {
		visit(world);
		snprintf(target, sizeof(target), "/external?token=%s", i ? token : "");
		get(world, "GET", target, "");
		keep(world, SP_IPC_QUERY, captive);
		STATUS(403);
		HAS("could not be confirmed");
	}
	nothing_asked(world);
}

static void test_no_external(void **state)
{
	struct world *world = *state;

	visit(world);
	get(world, "GET", "/external", "");
	keep(world, SP_IPC_QUERY, captive);
	STATUS(403);
	HAS("not available here");
}

/* --- the keeper's results ------------------------------------------------------------------------
 */

static void try(struct world *world, const char *path, const char *body,
                struct sp_ipc_answer answer, int status)
{
	visit(world);
	post(world, path, body, "");
	keep(world, SP_IPC_LOGIN, answer);
	STATUS(status);
}

static void test_results(void **state)
{
	static const struct {
		uint32_t result;
		int status;
		const char *text;
	} rows[] = {
		{SP_IPC_REFUSED, 403, "may not use the network"},
		{SP_IPC_FULL, 503, "network is full"},
		{SP_IPC_FAILED, 503, "went wrong"},
		{SP_IPC_WRONG, 403, "code is not valid"},
		{SP_IPC_BUSY, 429, "too many attempts"},
		{SP_IPC_SILENT, 503, "does not answer"},
		{SP_IPC_USED, 403, "No further device"},
		{SP_IPC_OVER, 403, "expired or is used up"},
		{SP_IPC_EARLY, 403, "not valid yet"},
		{SP_IPC_DISABLED, 403, "not available here"},
		{SP_IPC_INSECURE, 403, "only accepted over an encrypted"},
		{SP_IPC_RESULTS, 503, "went wrong"},
		{UINT32_MAX, 503, "went wrong"},
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sp_ipc_answer answer = {.result = rows[i].result, .retry_after = 90};

		try(world, "/voucher", "code=k7f3m9qx2r", answer, rows[i].status);
		HAS(rows[i].text);
		LACKS("WWW-Authenticate");
		if (rows[i].result == SP_IPC_REFUSED)
			LACKS("<form");
		else
			HAS("value=\"K7F3M-9QX2R\"");
		if (rows[i].result == SP_IPC_BUSY) {
			HAS("\r\nRetry-After: 90\r\n");
			HAS("1\u00a0min");
		} else {
			LACKS("Retry-After");
		}
	}
}

/* Each method says in its own words what was wrong; the table covers every result. */
static void test_outcomes(void **state)
{
	(void)state;
	for (uint32_t result = SP_IPC_DONE; result <= SP_IPC_RESULTS; result++)
		for (enum sp_method method = SP_METHOD_NONE; method < SP_METHODS; method++) {
			struct sp_outcome outcome = sp_outcome_of(result, method);

			assert_true(outcome.status >= 403 && outcome.status <= 503);
			assert_int_not_equal(outcome.about, SP_PAGE_NOTHING);
			assert_true(outcome.text >= SP_MESSAGE_ERROR_TITLE);
		}
	assert_int_equal(sp_outcome_of(SP_IPC_WRONG, SP_METHOD_USER).text,
	                 SP_MESSAGE_ERROR_PASSWORD);
	assert_int_equal(sp_outcome_of(SP_IPC_WRONG, SP_METHOD_EXTERNAL).text,
	                 SP_MESSAGE_ERROR_EXTERNAL);
	assert_int_equal(sp_outcome_of(SP_IPC_WRONG, SP_METHOD_EXTERNAL).about, SP_PAGE_ALL);
	assert_int_equal(sp_outcome_of(SP_IPC_USED, SP_METHOD_VOUCHER).about, SP_PAGE_CODE);
}

static void test_wrong_password(void **state)
{
	struct world *world = *state;
	struct sp_ipc_answer wrong = {.result = SP_IPC_WRONG, .said = "<b>Solde épuisé</b>"};

	try(world, "/password", "name=%3Cann%22&password=s3cr3t", wrong, 403);
	HAS("password is not right");
	HAS("&lt;b&gt;Solde épuisé&lt;/b&gt;");
	LACKS("s3cr3t");
	HAS("<title>That did not work \u2013 Welcome</title>");

	/* A sentence that is none. */
	memset(wrong.said, 'x', sizeof(wrong.said));
	try(world, "/password", "name=ann&password=s3cr3t", wrong, 403);
	LACKS("xxx");
	strcpy(wrong.said, "\xff\xfe");
	try(world, "/password", "name=ann&password=s3cr3t", wrong, 403);
	LACKS("\xff");
}

/* Somebody who is on the network tries a bad code: still connected, and told. */
static void test_wrong_but_connected(void **state)
{
	struct world *world = *state;
	struct sp_ipc_answer answer = authorized;

	answer.result = SP_IPC_WRONG;
	try(world, "/voucher", "code=k7f3m9qx2r", answer, 403);
	HAS("You are connected");
	HAS("code is not valid");
}

static void test_logout_fails(void **state)
{
	struct world *world = *state;
	struct sp_ipc_answer answer = authorized;

	answer.result = SP_IPC_FAILED;
	visit(world);
	post(world, "/logout", "", "");
	keep(world, SP_IPC_LOGOUT, answer);
	STATUS(503);
	HAS("went wrong");
	HAS("action=\"/logout\"");
}

/* GET never changes anything, whatever is in the address. */
static void test_get_changes_nothing(void **state)
{
	static const char *const paths[] = {"/accept", "/voucher", "/password", "/logout"};
	struct world *world = *state;
	char token[SP_TOKEN], target[256];

	sp_token_make(token, world->setup.key, &visitor, sp_monotonic_ms());
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		snprintf(target, sizeof(target), "%s?c=%s&code=k7f3m9qx2r&name=a&password=b",
		         paths[i], token);
		visit(world);
		get(world, "GET", target, "");
		STATUS(405);
		visit(world);
		get(world, "HEAD", target, "");
		STATUS(405);
		/* In the address it is not in the form. */
		visit(world);
		post_bare(world, target, "", "");
		keep(world, SP_IPC_QUERY, captive);
		STATUS(403);
	}
	nothing_asked(world);
}

static void test_largest_form(void **state)
{
	struct world *world = *state;
	struct sp_ipc_request question;
	char body[8000], *at = body;

	at = stpcpy(at, "name=");
	for (unsigned i = 0; i < 253; i++)
		at = stpcpy(at, "%41");
	at = stpcpy(at, "&password=");
	for (unsigned i = 0; i < SP_IPC_SECRET - 1; i++)
		at = stpcpy(at, "%42");
	at += sprintf(at, "&u=%s&t=%s", WANTED_FORM, world->tag);
	visit(world);
	post(world, "/password", body, "");
	question = keep(world, SP_IPC_LOGIN, authorized);
	assert_int_equal(strlen(question.name), 253);
	assert_int_equal(strlen(question.secret), SP_IPC_SECRET - 1);
	STATUS(303);
}

#define WITH(start, test) cmocka_unit_test_setup_teardown(test, start, portal_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_outcomes),
		WITH(start_all, test_form_without_token),
		WITH(start_all, test_nothing_is_lost),
		PROCESS(test_logout_without_token),
		WITH(start_all, test_every_method),
		WITH(start_voucher, test_only_vouchers),
		WITH(start_radius, test_only_passwords),
		WITH(start_all, test_code_in_link),
		WITH(start_all, test_why_it_ended),
		PROCESS(test_terms_page),
		WITH(start_all, test_voucher),
		WITH(start_all, test_no_voucher_code),
		WITH(start_all, test_password),
		WITH(start_all, test_no_password),
		WITH(start_all, test_results),
		WITH(start_all, test_wrong_password),
		WITH(start_all, test_wrong_but_connected),
		WITH(start_external, test_way_to_external),
		WITH(start_external, test_stays_here),
		WITH(start_external, test_back_from_external),
		PROCESS(test_no_external),
		PROCESS(test_logout_fails),
		WITH(start_all, test_get_changes_nothing),
		WITH(start_all, test_largest_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
