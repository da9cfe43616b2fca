/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "responder/request.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HOST         "Host: a.example\r\n"

/* Read @text as if it came in parts of @step bytes. Each part is looked at in a buffer of its own
 * of exactly its size, so that the sanitizer sees a look beyond what was received. */
static enum sp_request_result read_in_steps(struct sp_request *request, const char *text,
                                            size_t length, size_t step)
{
	enum sp_request_result result = SP_REQUEST_MORE;
	size_t have = 0;

	sp_request_init(request);
	while (result == SP_REQUEST_MORE && have < length) {
		char *copy;

		have = have + step < length ? have + step : length;
		copy = malloc(have);
		assert_non_null(copy);
		memcpy(copy, text, have);
		result = sp_request_read(request, copy, have);
		free(copy);
	}
	return result;
}

/* The result must not depend on how the bytes are cut up. */
static enum sp_request_result read_bytes(struct sp_request *request, const char *text,
                                         size_t length)
{
	struct sp_request bytewise;
	enum sp_request_result result = read_in_steps(&bytewise, text, length, 1);

	assert_int_equal(read_in_steps(request, text, length, length), result);
	if (result == SP_REQUEST_DONE) {
		assert_memory_equal(&request->authority, &bytewise.authority,
		                    sizeof(request->authority));
		assert_memory_equal(&request->path, &bytewise.path, sizeof(request->path));
		assert_int_equal(request->length, bytewise.length);
	}
	return result;
}

static enum sp_request_result read_text(struct sp_request *request, const char *text)
{
	return read_bytes(request, text, strlen(text));
}

static void assert_span(const char *text, struct sp_span span, const char *expected)
{
	assert_int_equal(span.length, strlen(expected));
	assert_memory_equal(text + span.at, expected, span.length);
}

static void test_browser(void **state)
{
	static const char text[] = "GET /a?b=c HTTP/1.1\r\nhOST:\t www.example.org:80 \r\n"
				   "User-Agent: Mozilla/5.0\r\nACCEPT: text/html\r\n"
				   "accept-language: fr-CH, fr;q=0.9\r\nX-Odd: \"\xe9\"\r\n\r\n";
	struct sp_request request;

	(void)state;
	assert_int_equal(read_text(&request, text), SP_REQUEST_DONE);
	assert_span(text, request.method, "GET");
	assert_span(text, request.target, "/a?b=c");
	assert_span(text, request.path, "/a?b=c");
	assert_span(text, request.authority, "www.example.org:80");
	assert_span(text, request.user_agent, "Mozilla/5.0");
	assert_span(text, request.accept, "text/html");
	assert_span(text, request.accept_language, "fr-CH, fr;q=0.9");
	assert_int_equal(request.form, SP_TARGET_ORIGIN);
	assert_int_equal(request.minor, 1);
	assert_int_equal(request.length, sizeof(text) - 1);
	assert_true(request.get);
	assert_false(request.head);
	assert_false(request.last);
}

static void test_good(void **state)
{
	static const char *const good[] = {
		"GET / HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.0\r\nHost:\r\n\r\n",
		"\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
		"GET / HTTP/1.1\n"
		"Host: a.example\n\n",
		"GET / HTTP/1.9\r\n" HOST "\r\n",
		"GET / HTTP/1.1\r\nHost: [fd85::1]:80\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a_b-c.example.\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example:\r\n\r\n",
		"M-SEARCH!#$%&'*+.^_`|~ / HTTP/1.1\r\n" HOST "\r\n",
		"OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
		"OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n",
		"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
		"CONNECT [fd85::1]:443 HTTP/1.1\r\n" HOST "\r\n",
		"GET http://b.example HTTP/1.1\r\nHost:\r\n\r\n",
		"GET https://b.example/ HTTP/1.1\r\n" HOST "\r\n",
		"GET /\"<{|}>^` HTTP/1.1\r\n" HOST "\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, CHUNKED\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Empty:\r\n\r\n",
	};
	struct sp_request request;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		if (read_text(&request, good[i]) != SP_REQUEST_DONE)
			fail_msg("refused: %s", good[i]);
}

static void test_bad(void **state)
{
	static const char *const bad[] = {
		"GET /\r\n",
		"GET  / HTTP/1.1\r\n",
		"GET /  HTTP/1.1\r\n",
		"GET / HTTP/1.1 \r\n",
		" GET / HTTP/1.1\r\n",
		"GET\t/\tHTTP/1.1\r\n",
		"GET / b HTTP/1.1\r\n",
		"GET / HTTP/2.0\r\n",
		"GET / HTTP/1.10\r\n",
		"GET / http/1.1\r\n",
		"GET / HTTP/1.\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"G(T / HTTP/1.1\r\n",
		"GET example HTTP/1.1\r\n",
		"GET * HTTP/1.1\r\n",
		"GET mailto:a@b.example HTTP/1.1\r\n",
		"GET http:// HTTP/1.1\r\n",
		"GET http:///a HTTP/1.1\r\n",
		"GET http://u@b.example/ HTTP/1.1\r\n",
		"GET 1http://b.example/ HTTP/1.1\r\n",
		"CONNECT a.example HTTP/1.1\r\n",
		"CONNECT a.example: HTTP/1.1\r\n",
		"CONNECT a.example:0 HTTP/1.1\r\n",
		"CONNECT a.example:65536 HTTP/1.1\r\n",
		"CONNECT a.example:x HTTP/1.1\r\n",
		"CONNECT / HTTP/1.1\r\n",
		"GET /\xc3\xa9 HTTP/1.1\r\n",
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost:\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST HOST "\r\n",
		"GET / HTTP/1.0\r\n" HOST HOST "\r\n",
		"GET http://b.example/ HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: <script>\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\"b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a'b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a&b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a..b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: .\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: u@a.example\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example:99999\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: [fd85::1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: [fd85::g]\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: []\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: [fd85::1]x\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST " folded\r\n\r\n",
		"GET / HTTP/1.1\r\n folded: x\r\n" HOST "\r\n",
		"GET / HTTP/1.1\r\nHost : a.example\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "no colon\r\n",
		"GET / HTTP/1.1\r\n" HOST ": no name\r\n",
		"GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n",
		"GET / HTTP/1.1\r\n" HOST "A: b\r\r\n",
		"GET / HTTP/1.1\r\n" HOST "A: \x7f\r\n",
		"GET / HTTP/1.1\r\n" HOST "A: \x01\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 6\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: -5\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n",
		"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, gzip\r\n\r\n",
	};
	struct sp_request request;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (read_text(&request, bad[i]) != SP_REQUEST_BAD)
			fail_msg("not refused: %s", bad[i]);
}

static void test_nul_and_tls(void **state)
{
	static const char nul[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";
	struct sp_request request;

	(void)state;
	assert_int_equal(read_bytes(&request, nul, sizeof(nul) - 1), SP_REQUEST_BAD);
	/* A ClientHello is refused at its first byte: no need to wait for a deadline. */
	assert_int_equal(read_text(&request, "\x16\x03\x01"), SP_REQUEST_BAD);
}

static void test_absolute_form(void **state)
{
	static const char text[] = "GET HTTP://b.example:80/p?q HTTP/1.1\r\n" HOST "\r\n";
	static const char other[] = "GET ftp://b.example/p HTTP/1.1\r\n" HOST "\r\n";
	struct sp_request request;

	(void)state;
	assert_int_equal(read_text(&request, text), SP_REQUEST_DONE);
	assert_int_equal(request.form, SP_TARGET_ABSOLUTE);
	assert_span(text, request.authority, "b.example:80");
	assert_span(text, request.path, "/p?q");
	assert_int_equal(read_text(&request, other), SP_REQUEST_DONE);
	assert_span(other, request.path, "");
}

static void test_first_of_repeated(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\n" HOST "Accept:\r\nAccept: text/plain\r\n"
				   "Accept: text/html\r\nUser-Agent: a\r\nUser-Agent: b\r\n\r\n";
	struct sp_request request;

	(void)state;
	assert_int_equal(read_text(&request, text), SP_REQUEST_DONE);
	assert_span(text, request.accept, "text/plain");
	assert_span(text, request.user_agent, "a");
}

static void test_last(void **state)
{
	static const struct {
		const char *text;
		bool last;
	} cases[] = {
		{"GET / HTTP/1.1\r\n" HOST "\r\n", false},
		{"GET / HTTP/1.1\r\n" HOST "Connection: foo, Close\r\n\r\n", true},
		{"GET / HTTP/1.0\r\n\r\n", true},
		{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false},
		{"POST / HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: 1\r\n\r\n",
	         false},
		{"POST / HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: 0\r\n\r\n", true},
		{"POST / HTTP/1.1\r\n" HOST "Connection: close\r\n"
	         "Transfer-Encoding: chunked\r\n\r\n",
	         false},
	};
	struct sp_request request;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(read_text(&request, cases[i].text), SP_REQUEST_DONE);
		assert_int_equal(request.last, cases[i].last);
	}
}

static void test_pipelined(void **state)
{
	static const char text[] = "GET /a HTTP/1.1\r\n" HOST "\r\nGET /b HTTP/1.1\r\n" HOST "\r\n";
	struct sp_request request;

	(void)state;
	assert_int_equal(read_text(&request, text), SP_REQUEST_DONE);
	assert_span(text, request.target, "/a");
	assert_int_equal(request.length, (sizeof(text) - 1) / 2);
}

/* @before, @fill bytes of 'a', @after. */
static enum sp_request_result read_long(const char *before, size_t fill, const char *after)
{
	char *text = malloc(strlen(before) + fill + strlen(after) + 1);
	struct sp_request request;
	enum sp_request_result result;
	char *end;

	assert_non_null(text);
	end = stpcpy(text, before);
	memset(end, 'a', fill);
	stpcpy(end + fill, after);
	result = read_in_steps(&request, text, strlen(text), 1000);
	free(text);
	return result;
}

static void test_limits(void **state)
{
	const char *end = " HTTP/1.1\r\n" HOST "\r\n";
	const char *get = "GET / HTTP/1.1\r\n" HOST "A: ";
	size_t rest = SP_MAX_HEAD - strlen(get) - 4;

	(void)state;
	assert_int_equal(read_long("GET /", SP_MAX_TARGET - 1, end), SP_REQUEST_DONE);
	assert_int_equal(read_long("GET /", SP_MAX_TARGET, end), SP_REQUEST_TARGET_TOO_LONG);
	assert_int_equal(read_long("GET /", 10000, ""), SP_REQUEST_TARGET_TOO_LONG);
	assert_int_equal(read_long("GET /", SP_MAX_TARGET - 1, ""), SP_REQUEST_MORE);
	assert_int_equal(read_long("", SP_MAX_METHOD, " / HTTP/1.0\r\n\r\n"), SP_REQUEST_DONE);
	assert_int_equal(read_long("", SP_MAX_METHOD + 1, " / HTTP/1.0\r\n\r\n"), SP_REQUEST_BAD);
	assert_int_equal(read_long("", SP_MAX_METHOD + 1, ""), SP_REQUEST_BAD);
	assert_int_equal(read_long(get, rest, "\r\n\r\n"), SP_REQUEST_DONE);
	assert_int_equal(read_long(get, rest + 4, ""), SP_REQUEST_HEAD_TOO_LONG);
	assert_int_equal(read_long(get, rest + 3, ""), SP_REQUEST_MORE);
}

static void test_only_empty_lines(void **state)
{
	char text[SP_MAX_HEAD];
	struct sp_request request;

	(void)state;
	memset(text, '\n', sizeof(text));
	assert_int_equal(read_in_steps(&request, text, sizeof(text), 4096),
	                 SP_REQUEST_HEAD_TOO_LONG);
}

/* No beginning of a request is a request. */
static void test_every_cut(void **state)
{
	static const char text[] = "GET http://b.example/ HTTP/1.1\r\n" HOST
				   "Content-Length: 7\r\nConnection: close\r\n\r\n";
	struct sp_request request;

	(void)state;
	for (size_t length = 1; length < sizeof(text) - 1; length++)
		assert_int_equal(read_bytes(&request, text, length), SP_REQUEST_MORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_browser),       cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),           cmocka_unit_test(test_nul_and_tls),
		cmocka_unit_test(test_absolute_form), cmocka_unit_test(test_first_of_repeated),
		cmocka_unit_test(test_last),          cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_limits),        cmocka_unit_test(test_only_empty_lines),
		cmocka_unit_test(test_every_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
