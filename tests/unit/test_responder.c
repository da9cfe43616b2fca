/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The responder inside one process: Accept, probes, answers, and a server on the loopback device.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "ipc/ipc.h"
#include "lib/monotonic.h"
#include "responder/server.h"
#include "web/link.h"

#include "knowledge.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The answer to the request @text, NUL-terminated. */
static size_t respond_to(const char *text, bool is_ipv6, char out[SP_MAX_ANSWER + 1])
{
	size_t length = answer_to(text, strlen(text), 0, is_ipv6, DATE, out);

	assert_true(length > 0);
	return length;
}

static char *respond(const char *text)
{
	static char out[SP_MAX_ANSWER + 1];

	respond_to(text, false, out);
	return out;
}

static const char *body_of(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

static void assert_has(const char *answer, const char *text)
{
	if (!strstr(answer, text))
		fail_msg("no \"%s\" in:\n%s", text, answer);
}

static void assert_has_not(const char *answer, const char *text)
{
	if (strstr(answer, text))
		fail_msg("\"%s\" in:\n%s", text, answer);
}

static void assert_begins(const char *answer, const char *text)
{
	if (strncmp(answer, text, strlen(text)) != 0)
		fail_msg("expected \"%s\" at the beginning of:\n%s", text, answer);
}

/* Content-Length says how long the body is, and no body is too long. */
static void assert_length(const char *answer)
{
	const char *field = strstr(answer, "\r\nContent-Length: ");
	size_t length = strlen(body_of(answer));

	assert_non_null(field);
	assert_int_equal(strtoul(field + strlen("\r\nContent-Length: "), NULL, 10), length);
	assert_true(length < SP_MAX_BODY);
}

static void test_accept(void **state)
{
	static const struct {
		const char *value;
		enum sp_format format;
	} cases[] = {
		{"", SP_FORMAT_HTML},
		{"*/*", SP_FORMAT_HTML},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", SP_FORMAT_HTML},
		{"application/json", SP_FORMAT_JSON},
		{"Application/JSON;charset=utf-8", SP_FORMAT_JSON},
		{"application/problem+json", SP_FORMAT_PROBLEM},
		{"application/json, application/problem+json", SP_FORMAT_PROBLEM},
		{"application/*", SP_FORMAT_PROBLEM},
		{"application/json, text/plain, */*", SP_FORMAT_JSON},
		{"application/json, text/javascript, */*; q=0.01", SP_FORMAT_JSON},
		{"text/plain", SP_FORMAT_TEXT},
		{"text/plain, */*", SP_FORMAT_TEXT},
		{"text/*", SP_FORMAT_HTML},
		{"text/*, text/html;q=0.5", SP_FORMAT_TEXT},
		{"*/*, text/html;q=0", SP_FORMAT_PROBLEM},
		{"text/html;q=0.4, application/json;q=0.5", SP_FORMAT_JSON},
		{"application/json;q=0", SP_FORMAT_HTML},
		{"application/json;q=0, text/plain;q=0.001", SP_FORMAT_TEXT},
		{"image/png, application/captive+json", SP_FORMAT_HTML},
		{"text/plain;x=\"a,application/json\"", SP_FORMAT_TEXT},
		{"application/json;q=2, text/plain;q=0.1", SP_FORMAT_TEXT},
		{"*", SP_FORMAT_HTML},
		{"/", SP_FORMAT_HTML},
		{";;,;q=,\",", SP_FORMAT_HTML},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (sp_accept_choose(cases[i].value, strlen(cases[i].value)) != cases[i].format)
			fail_msg("Accept: %s", cases[i].value);
}

static bool is_probe(const char *host, const char *path, const char *agent)
{
	const struct sp_probe_text part[SP_PROBE_PARTS] = {
		{host, strlen(host)}, {path, strlen(path)}, {agent, strlen(agent)}};

	return sp_probes_match(&knowledge.probes, part);
}

static void test_probes(void **state)
{
	(void)state;
	assert_true(is_probe("x", "/generate_204", ""));
	assert_true(is_probe("x", "/captiveportal/generate_204", ""));
	assert_true(is_probe("x", "/generate_204_abc", ""));
	assert_true(is_probe("x", "/gen_204", ""));
	assert_false(is_probe("x", "/generate_2045", ""));
	assert_false(is_probe("x", "/GENERATE_204", ""));
	assert_true(is_probe("Captive.Apple.COM", "/any", ""));
	assert_false(is_probe("xcaptive.apple.com", "/", ""));
	assert_false(is_probe("captive.apple.com.x", "/", ""));
	assert_true(is_probe("www.apple.com", "/library/test/success.html", ""));
	assert_false(is_probe("www.apple.com", "/", ""));
	assert_true(is_probe("spectrum.s3.amazonaws.com", "/kindle-wifi/wifistub.html", ""));
	assert_false(is_probe("spectrum.s3.amazonaws.com", "/", ""));
	assert_true(is_probe("x", "/", "ConnMan/1.42 wispr"));
	assert_true(is_probe("x", "/", "Microsoft NCSI"));
	assert_false(is_probe("x", "/", "connman/1.42"));
	assert_false(is_probe("x", "/", "A ConnMan/1.42"));
	assert_false(is_probe("", "/", ""));
}

static void assert_probes_fail(const char *text, const char *error)
{
	char path[] = "/tmp/sp-probes-XXXXXX";
	struct sp_probes probes;
	struct sp_error err = {0};
	int fd = mkstemp(path), ret;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	ret = sp_probes_load(&probes, path, &err);
	unlink(path);
	assert_int_equal(ret, -EINVAL);
	assert_int_equal(probes.count, 0);
	assert_has(err.text, error);
}

static void test_probes_fail(void **state)
{
	(void)state;
	assert_probes_fail("[a]\nhost = a\nurl = b\n", ":3: `url = b`: unknown key");
	assert_probes_fail("host = a\n", ":1: `host = a`: outside of a section");
	assert_probes_fail("[a]\npath = a\n", ":2: `path = a`: expected a path");
	assert_probes_fail("[a]\nhost = a*b\n", ":2: `host = a*b`: expected a text with `*`");
	assert_probes_fail("[a]\nhost = *\n", ":2: `host = *`: expected");
	assert_probes_fail("[a]\nhost = **\n", ":2: `host = **`: expected");
	assert_probes_fail("[a]\nhost\n", ":2: expected");
}

static void test_login_answer(void **state)
{
	const char *answer = respond("GET /a?b=1&c=\"2\" HTTP/1.1\r\n" HOST "\r\n");

	(void)state;
	assert_begins(answer, "HTTP/1.1 511 Network Authentication Required\r\n");
	assert_has(answer, "\r\nDate: " DATE "\r\n");
	assert_has(answer, "\r\nConnection: close\r\n");
	assert_has(answer, "\r\nCache-Control: no-store\r\n");
	assert_has(answer, "\r\nReferrer-Policy: no-referrer\r\n");
	assert_has(answer, "\r\nContent-Type: text/html; charset=utf-8\r\n");
	assert_has(answer, "\r\nContent-Language: en\r\n");
	assert_has(answer, "\r\nVary: Accept, Accept-Language\r\n");
	assert_has(answer, "\r\nLocation: " LOGIN4 "\r\n"); /* that URL is not one to go back to */
	assert_begins(body_of(answer), "<!doctype html>\n<html lang=\"en\" dir=\"ltr\">");
	assert_has(answer, "<title>Network Authentication Required</title>");
	assert_has(answer, "content=\"0;url=" LOGIN4 "\"");
	assert_has(answer, "<a href=\"" LOGIN4 "\">");
	assert_has_not(answer, "<form");
	assert_length(answer);
}

static void test_wanted(void **state)
{
	static const char url[] = "http://a.example/a?b=1&c=2";
	char tag[SP_LINK_TAG], expected[256];
	const char *answer;

	(void)state;
	sp_link_tag(tag, setup.key, url, strlen(url));
	answer = respond("GET /a?b=1&c=2 HTTP/1.1\r\n" HOST "\r\n");
	snprintf(expected, sizeof(expected),
	         "\r\nLocation: " LOGIN4 "?u=http://a.example/a?b%%3D1%%26c%%3D2&t=%s\r\n", tag);
	assert_has(answer, expected);
	snprintf(expected, sizeof(expected),
	         "0;url=" LOGIN4 "?u=http://a.example/a?b%%3D1%%26c%%3D2&amp;t=%s\">", tag);
	assert_has(answer, expected);
	snprintf(expected, sizeof(expected),
	         "<a href=\"" LOGIN4 "?u=http://a.example/a?b%%3D1%%26c%%3D2&amp;t=%s\">", tag);
	assert_has(answer, expected);
	assert_length(answer);
	answer = respond("GET HTTP://b.example/p HTTP/1.1\r\n" HOST "\r\n");
	assert_has(answer, "?u=http://b.example/p&t=");
}

static void test_nothing_wanted(void **state)
{
	static const char *const requests[] = {
		"POST / HTTP/1.1\r\n" HOST "\r\n",
		"HEAD / HTTP/1.1\r\n" HOST "\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"GET /<script> HTTP/1.1\r\n" HOST "\r\n",
		"GET /#a HTTP/1.1\r\n" HOST "\r\n",
		"GET https://b.example/ HTTP/1.1\r\n" HOST "\r\n",
		"GET ftp://b.example/ HTTP/1.1\r\n" HOST "\r\n",
		"OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
		"CONNECT a.example:443 HTTP/1.1\r\n" HOST "\r\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++) {
		const char *answer = respond(requests[i]);

		assert_begins(answer, "HTTP/1.1 511 ");
		assert_has(answer, "\r\nLocation: " LOGIN4 "\r\n");
		assert_has_not(answer, "example");
		assert_has_not(answer, "script");
	}
}

/* Longer and longer URLs: the anchor loses the wanted URL first, then the refresh, then Location.
 */
static void test_long_wanted(void **state)
{
	unsigned both = 0, one = 0, location = 0, none = 0;

	(void)state;
	for (size_t length = 1; length < 600; length++) {
		char path[600 + 1], request[1024];
		const char *answer, *body, *first, *second;

		memset(path, '%', length);
		path[length] = '\0';
		snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\n" HOST "\r\n", path);
		answer = respond(request);
		body = body_of(answer);
		assert_length(answer);
		first = strstr(body, "?u=");
		second = first ? strstr(first + 1, "?u=") : NULL;
		both += second != NULL;
		one += first && !second;
		location += !first && strstr(answer, "?u=");
		none += strstr(answer, "?u=") == NULL;
		if (first)
			assert_true(first < strstr(body, "<title>"));
	}
	assert_true(both > 50 && one > 50 && location > 50);
	/* "http://a.example/" and what follows are shorter than SP_LINK_WANTED. */
	assert_int_equal(none, 599 - (SP_LINK_WANTED - 1 - strlen("http://a.example/")));
}

static void test_languages(void **state)
{
	const char *answer = respond("GET / HTTP/1.1\r\n" HOST "Accept-Language: fr-CA\r\n\r\n");

	(void)state;
	assert_has(answer, "\r\nContent-Language: fr\r\n");
	assert_has(answer, "<html lang=\"fr\" dir=\"ltr\">");
	assert_has(answer, "<title>Authentification réseau requise</title>");
	assert_length(answer);
}

static void test_json(void **state)
{
	static const char *const requests[] = {
		"GET /p HTTP/1.1\r\n" HOST "Accept: application/json\r\n\r\n",
		"GET /p HTTP/1.1\r\n" HOST "Accept: application/problem+json\r\n\r\n"};
	static const char *const types[] = {"\r\nContent-Type: application/json\r\n",
	                                    "\r\nContent-Type: application/problem+json\r\n"};

	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++) {
		const char *answer = respond(requests[i]);
		json_t *json = json_loads(body_of(answer), JSON_REJECT_DUPLICATES, NULL);

		assert_has(answer, types[i]);
		assert_length(answer);
		assert_non_null(json);
		assert_int_equal(json_integer_value(json_object_get(json, "status")), 511);
		assert_string_equal(json_string_value(json_object_get(json, "type")),
		                    "about:blank");
		assert_string_equal(json_string_value(json_object_get(json, "title")),
		                    "Network Authentication Required");
		assert_non_null(json_string_value(json_object_get(json, "detail")));
		assert_begins(json_string_value(json_object_get(json, "login")),
		              LOGIN4 "?u=http://a.example/p&t=");
		json_decref(json);
	}
}

static void test_plain_text(void **state)
{
	const char *answer = respond("GET /p HTTP/1.1\r\n" HOST "Accept: text/plain\r\n\r\n");
	const char *body = body_of(answer);

	(void)state;
	assert_has(answer, "\r\nContent-Type: text/plain; charset=utf-8\r\n");
	assert_begins(body, "Network Authentication Required - " LOGIN4 "?u=http://a.example/p&t=");
	assert_ptr_equal(strchr(body, '\n'), body + strlen(body) - 1);
	assert_length(answer);
}

static void test_probe_answer(void **state)
{
	static const char request[] = "GET /generate_204 HTTP/1.1\r\nHost: A.Example.:80\r\n"
				      "Accept: application/json\r\n\r\n";
	const char *answer = respond(request);

	(void)state;
	assert_begins(answer, "HTTP/1.1 302 Found\r\n");
	assert_has(answer, "\r\nContent-Type: text/html; charset=utf-8\r\n");
	assert_has(answer, "\r\nVary: Accept-Language\r\n");
	assert_has(answer, "\r\nLocation: " LOGIN4 "?u=http://A.Example.:80/generate_204&t=");
	assert_length(answer);
	assert_begins(respond("GET /x?y HTTP/1.1\r\nHost: Captive.Apple.com.:80\r\n\r\n"),
	              "HTTP/1.1 302 ");
	assert_begins(respond("GET http://captive.apple.com HTTP/1.1\r\n" HOST "\r\n"),
	              "HTTP/1.1 302 ");
	assert_begins(respond("HEAD /gen_204?a/b HTTP/1.1\r\n" HOST "\r\n"), "HTTP/1.1 302 ");
	/* The query, another port, another scheme and another method do not make a probe. */
	assert_begins(respond("GET /a?b=/gen_204 HTTP/1.1\r\n" HOST "\r\n"), "HTTP/1.1 511 ");
	assert_begins(respond("GET / HTTP/1.1\r\nHost: captive.apple.com:8080\r\n\r\n"),
	              "HTTP/1.1 511 ");
	assert_begins(respond("POST /gen_204 HTTP/1.1\r\n" HOST "\r\n"), "HTTP/1.1 511 ");
	knowledge.redirect_probes = false;
	answer = respond(request);
	knowledge.redirect_probes = true;
	assert_begins(answer, "HTTP/1.1 511 ");
}

static void test_head(void **state)
{
	char get[SP_MAX_ANSWER + 1], head[SP_MAX_ANSWER + 1];
	size_t length = respond_to("HEAD /<> HTTP/1.1\r\n" HOST "\r\n", false, head);

	(void)state;
	respond_to("GET /<> HTTP/1.1\r\n" HOST "\r\n", false, get);
	assert_memory_equal(head, get, length);
	assert_int_equal(length, body_of(get) - get);
	assert_string_equal(body_of(respond("HEAD / HTTP/1.1\r\n\r\n")), "");
}

static void test_families(void **state)
{
	char answer[SP_MAX_ANSWER + 1];

	(void)state;
	respond_to("GET / HTTP/1.1\r\n" HOST "\r\n", true, answer);
	assert_has(answer, "\r\nLocation: " LOGIN6 "?u=");
	assert_has_not(answer, LOGIN4);
}

/* The beginning of a head of SP_MAX_HEAD bytes that is not complete. */
static void fill_head(char *text)
{
	char *end = stpcpy(text, "GET / HTTP/1.1\r\nA:");

	memset(end, 'a', SP_MAX_HEAD - (size_t)(end - text));
}

static void test_refusals(void **state)
{
	char text[SP_MAX_HEAD + 1] = "GET /";
	const char *answer = respond("GET / HTTP/1.1\r\nHost: <script>evil\r\n\r\n");

	(void)state;
	assert_begins(answer, "HTTP/1.1 400 Bad Request\r\n");
	assert_has(answer, "\r\nConnection: close\r\n");
	assert_has(answer, "\r\nDate: " DATE "\r\n");
	assert_has_not(answer, "evil");
	assert_has_not(answer, "Location");
	assert_length(answer);
	memset(text + strlen(text), 'a', SP_MAX_HEAD - strlen(text));
	answer = respond(text);
	assert_begins(answer, "HTTP/1.1 414 URI Too Long\r\n");
	assert_length(answer);
	fill_head(text);
	answer = respond(text);
	assert_begins(answer, "HTTP/1.1 431 Request Header Fields Too Large\r\n");
	assert_length(answer);
}

static void assert_setup_fails(const struct sp_ipc_responder_setup *bad, const char *error)
{
	static struct sp_knowledge unused;
	struct sp_error err = {0};

	assert_int_not_equal(sp_knowledge_load(&unused, bad, &err), 0);
	assert_has(err.text, error);
}

static void test_setup_fails(void **state)
{
	struct sp_ipc_responder_setup bad = setup;

	(void)state;
	bad.probe_status = 200;
	assert_setup_fails(&bad, "probe_status: expected 302 or 511");
	bad = setup;
	strcpy(bad.zone[0].login_url4, "http://a/\"");
	assert_setup_fails(&bad, "login_url4: expected");
	bad = setup;
	memset(bad.zone[0].login_url6, 'h', sizeof(bad.zone[0].login_url6));
	assert_setup_fails(&bad, "login_url6: expected");
	bad = setup;
	strcpy(bad.data, "/nonexistent");
	assert_setup_fails(&bad, "/nonexistent/pages/en.conf: No such file");
	bad = setup;
	memset(bad.zone[0].login_url4, 0, sizeof(bad.zone[0].login_url4));
	memset(bad.zone[0].login_url6, 0, sizeof(bad.zone[0].login_url6));
	assert_setup_fails(&bad, "login_url4: expected");
}

static void test_one_family_only(void **state)
{
	struct sp_ipc_responder_setup one = setup;
	static struct sp_knowledge other;
	struct sp_error err = {0};

	(void)state;
	one.zone[0].login_url6[0] = '\0';
	assert_int_equal(sp_knowledge_load(&other, &one, &err), 0);
	assert_string_equal(other.voice[0].answers.login_url[true].at, LOGIN4);
	sp_knowledge_free(&other);
}

static void test_date(void **state)
{
	struct sp_date date = {0};

	(void)state;
	sp_date_set(&date, 784111777);
	assert_string_equal(date.text, DATE);
	sp_date_set(&date, 0);
	assert_string_equal(date.text, "Thu, 01 Jan 1970 00:00:00 GMT");
	sp_date_set(&date, (time_t)1 << 60);
	assert_int_equal(strlen(date.text), SP_DATE_LENGTH);
}

/* An event for a connection that is gone must not meet the next one in its slot. */
static void test_slot_is_used_again(void **state)
{
	struct sp_connection *connection;
	struct sp_pool pool;
	uint32_t generation;

	(void)state;
	assert_int_equal(sp_pool_init(&pool, 1, 1), 0);
	assert_null(sp_pool_find(&pool, 0, 0));
	connection = sp_pool_take(&pool);
	connection->state = SP_CONNECTION_READING;
	generation = connection->generation;
	assert_null(sp_pool_take(&pool));
	assert_ptr_equal(sp_pool_find(&pool, 0, generation), connection);
	assert_null(sp_pool_find(&pool, 1, generation));
	sp_pool_give(&pool, connection);
	assert_null(sp_pool_find(&pool, 0, connection->generation));
	connection = sp_pool_take(&pool);
	connection->state = SP_CONNECTION_READING;
	assert_null(sp_pool_find(&pool, 0, generation));
	assert_ptr_equal(sp_pool_find(&pool, 0, connection->generation), connection);
	sp_pool_give(&pool, connection);
	sp_pool_free(&pool);
}

/* --- a server -------------------------------------------------------------------------------- */

/* Small and quick, so that each limit is met. */
static const struct sp_server_limits limits = {
	.connections = 8,
	.large_heads = 2,
	.per_address = 4,
	.head_ms = 600,
	.grace_ms = 60,
	.linger_ms = 200,
	.look_ms = 5,
};

struct gate {
	struct sp_server server;
	int keeper[2], listener[1][2];
	struct sockaddr_in address4;
};

static int listen_on(int family, const struct sockaddr *address, socklen_t length)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	assert_true(fd >= 0);
	if (family == AF_INET6)
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, address, length), 0);
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

static int open_gate(void **state)
{
	struct sockaddr_in address4 = {.sin_family = AF_INET};
	struct sockaddr_in6 address6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	struct gate *gate = calloc(1, sizeof(*gate));
	struct sp_server_files files = {.listener = gate->listener, .zones = 1};
	socklen_t length = sizeof(gate->address4);
	struct sp_error err = {0};
	int *listener = gate->listener[0];

	assert_non_null(gate);
	address4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener[0] = listen_on(AF_INET, (struct sockaddr *)&address4, sizeof(address4));
	listener[1] = listen_on(AF_INET6, (struct sockaddr *)&address6, sizeof(address6));
	assert_int_equal(getsockname(listener[0], (struct sockaddr *)&gate->address4, &length), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, gate->keeper), 0);
	files.keeper = gate->keeper[0];
	assert_int_equal(sp_server_init(&gate->server, &limits, &knowledge, &files, &err), 0);
	*state = gate;
	return 0;
}

static int close_gate(void **state)
{
	struct gate *gate = *state;

	sp_server_free(&gate->server);
	close(gate->listener[0][0]);
	close(gate->listener[0][1]);
	close(gate->keeper[0]);
	close(gate->keeper[1]);
	free(gate);
	return 0;
}

static int connect_from(struct gate *gate, const char *source)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	assert_int_equal(inet_pton(AF_INET, source, &from.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&gate->address4, sizeof(gate->address4)),
	                 0);
	return fd;
}

static void serve(struct gate *gate, unsigned ms)
{
	uint64_t end = sp_monotonic_ms() + ms;

	do
		assert_int_equal(sp_server_turn(&gate->server, 1), 0);
	while (sp_monotonic_ms() < end);
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What has come on @fd: its length, 0 at the end of file, or -errno. */
static ssize_t hear(int fd, char *out, size_t room)
{
	ssize_t length = recv(fd, out, room - 1, MSG_DONTWAIT);

	out[length > 0 ? length : 0] = '\0';
	return length < 0 ? -errno : length;
}

static void test_served(void **state)
{
	char answer[SP_MAX_ANSWER + 1];
	struct gate *gate = *state;
	int fd = connect_from(gate, "127.0.0.2");

	serve(gate, 10);
	say(fd, "GET / HT");
	serve(gate, 10);
	assert_int_equal(hear(fd, answer, sizeof(answer)), -EAGAIN);
	say(fd, "TP/1.1\r\n" HOST "\r\nGET /again HTTP/1.1\r\n" HOST "\r\n");
	serve(gate, 10);
	assert_true(hear(fd, answer, sizeof(answer)) > 0);
	assert_begins(answer, "HTTP/1.1 511 ");
	assert_length(answer); /* exactly one answer */
	close(fd);
	serve(gate, 20);
	assert_true(TAILQ_EMPTY(&gate->server.lingering));
	assert_int_equal(gate->server.pool.free_count, gate->server.pool.touched);
}

/* Of connections that come together each has its head at another time. */
static void test_batch(void **state)
{
	char answer[SP_MAX_ANSWER + 1];
	struct gate *gate = *state;
	int fd[3];

	for (int i = 0; i < 3; i++)
		fd[i] = connect_from(gate, "127.0.0.2");
	say(fd[1], "GET / HTTP/1.1\r\n");
	say(fd[2], "GET / HTTP/1.1\r\n" HOST "\r\n");
	serve(gate, 10);
	assert_int_equal(hear(fd[0], answer, sizeof(answer)), -EAGAIN);
	assert_int_equal(hear(fd[1], answer, sizeof(answer)), -EAGAIN);
	say(fd[0], "GET / HTTP/1.1\r\n" HOST "\r\n");
	say(fd[1], HOST "\r\n");
	serve(gate, 10);
	for (int i = 0; i < 3; i++) {
		assert_true(hear(fd[i], answer, sizeof(answer)) > 0);
		assert_begins(answer, "HTTP/1.1 511 ");
		assert_length(answer);
		close(fd[i]);
	}
}

/* Whoever closes first is left with the connection in TIME-WAIT: that is for the client to do. */
static void test_client_closes_first(void **state)
{
	char answer[SP_MAX_ANSWER + 1];
	struct gate *gate = *state;
	int fd = connect_from(gate, "127.0.0.2");

	say(fd, "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	serve(gate, limits.grace_ms / 2);
	assert_true(hear(fd, answer, sizeof(answer)) > 0);
	assert_int_equal(hear(fd, answer, sizeof(answer)), -EAGAIN);
	serve(gate, limits.grace_ms);
	assert_int_equal(hear(fd, answer, sizeof(answer)), 0); /* but not for ever */
	close(fd);
	serve(gate, 20);
	assert_int_equal(gate->server.pool.free_count, 1);
}

static void test_last_is_closed_at_once(void **state)
{
	char answer[SP_MAX_ANSWER + 1];
	struct gate *gate = *state;
	int fd = connect_from(gate, "127.0.0.2");

	say(fd, "GET / HTTP/1.0\r\n\r\n");
	serve(gate, 10);
	assert_int_equal(gate->server.pool.free_count, 1);
	assert_true(hear(fd, answer, sizeof(answer)) > 0);
	assert_begins(answer, "HTTP/1.1 511 ");
	assert_int_equal(hear(fd, answer, sizeof(answer)), 0);
	close(fd);
}

/* A client that said it would send no more, and does: its answer is not put at risk. */
static void test_last_with_more(void **state)
{
	struct gate *gate = *state;
	int fd = connect_from(gate, "127.0.0.2");

	say(fd, "GET / HTTP/1.0\r\n\r\nmore");
	serve(gate, 10);
	assert_int_equal(gate->server.pool.free_count, 0);
	assert_false(TAILQ_EMPTY(&gate->server.lingering));
	close(fd);
}

/* An upload whose sender does not care: it gets its answer, and no more than the drain is read. */
static void test_drained(void **state)
{
	char answer[SP_MAX_ANSWER + 1], junk[16384] = {0};
	struct gate *gate = *state;
	int fd = connect_from(gate, "127.0.0.2");

	say(fd, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n");
	serve(gate, 5);
	assert_int_equal(send(fd, junk, sizeof(junk), MSG_NOSIGNAL), sizeof(junk));
	serve(gate, 20);
	assert_true(hear(fd, answer, sizeof(answer)) > 0);
	assert_int_equal(gate->server.pool.free_count, 0);
	for (size_t sent = sizeof(junk); sent < SP_MAX_DRAIN; sent += sizeof(junk))
		assert_int_equal(send(fd, junk, sizeof(junk), MSG_NOSIGNAL), sizeof(junk));
	serve(gate, 20);
	assert_int_equal(gate->server.pool.free_count, 1);
	close(fd);
}

static void test_deadlines(void **state)
{
	char answer[SP_MAX_ANSWER + 1];
	struct gate *gate = *state;
	int slow = connect_from(gate, "127.0.0.2"), stays = connect_from(gate, "127.0.0.2");

	say(slow, "GET / HTTP/1.1\r\n");
	say(stays, "GET / HTTP/1.1\r\n" HOST "\r\n");
	serve(gate, limits.linger_ms / 2);
	assert_int_equal(gate->server.pool.free_count, 0);
	assert_true(hear(stays, answer, sizeof(answer)) > 0);
	serve(gate, limits.linger_ms);
	assert_int_equal(gate->server.pool.free_count, 1);
	say(slow, "A: b\r\n"); /* that does not put it off */
	serve(gate, limits.head_ms - limits.linger_ms);
	assert_int_equal(gate->server.pool.free_count, 2);
	assert_true(hear(slow, answer, sizeof(answer)) <= 0);
	close(slow);
	close(stays);
}

static void tell(struct gate *gate, const char *client)
{
	struct sp_ipc_close message = {.header.kind = SP_IPC_CLOSE};

	message.client.word[2] = htonl(0xffff);
	assert_int_equal(inet_pton(AF_INET, client, &message.client.word[3]), 1);
	assert_int_equal(sp_ipc_send(gate->keeper[1], &message, sizeof(message)), 0);
}

/* A client logs in: what it has opened and not used ends, what is answered or others' does not. */
static void test_closed_at_login(void **state)
{
	char answer[SP_MAX_ANSWER + 1];
	struct gate *gate = *state;
	int unused = connect_from(gate, "127.0.0.2"), begun = connect_from(gate, "127.0.0.2");
	int answered = connect_from(gate, "127.0.0.2"), other = connect_from(gate, "127.0.0.3");

	say(begun, "GET / HTTP/1.1\r\n");
	say(answered, "GET / HTTP/1.1\r\n" HOST "\r\n");
	serve(gate, 10);
	tell(gate, "127.0.0.2");
	serve(gate, 10);
	assert_int_equal(hear(unused, answer, sizeof(answer)), -ECONNRESET);
	assert_int_equal(hear(begun, answer, sizeof(answer)), -ECONNRESET);
	assert_true(hear(answered, answer, sizeof(answer)) > 0);
	assert_int_equal(hear(other, answer, sizeof(answer)), -EAGAIN);
	close(unused);
	close(begun);
	close(answered);
	close(other);
}

static void test_keeper_talks_nonsense(void **state)
{
	struct sp_ipc_ready wrong = {.header.kind = SP_IPC_READY};
	struct gate *gate = *state;

	assert_int_equal(sp_ipc_send(gate->keeper[1], &wrong, sizeof(wrong)), 0);
	assert_int_equal(sp_server_turn(&gate->server, 100), 1);
}

static void test_cap_per_address(void **state)
{
	char answer[SP_MAX_ANSWER + 1];
	struct gate *gate = *state;
	int greedy[5], other;

	for (size_t i = 0; i < COUNT(greedy); i++)
		greedy[i] = connect_from(gate, "127.0.0.2");
	other = connect_from(gate, "127.0.0.3");
	serve(gate, 10);
	assert_int_equal(hear(greedy[3], answer, sizeof(answer)), -EAGAIN);
	assert_int_equal(hear(greedy[4], answer, sizeof(answer)), 0);
	say(other, "GET / HTTP/1.1\r\n" HOST "\r\n");
	say(greedy[0], "GET / HTTP/1.1\r\n" HOST "\r\n");
	serve(gate, 10);
	assert_true(hear(other, answer, sizeof(answer)) > 0);
	assert_true(hear(greedy[0], answer, sizeof(answer)) > 0);
	/* One that was answered does not count any more. */
	close(greedy[4]);
	greedy[4] = connect_from(gate, "127.0.0.2");
	serve(gate, 10);
	assert_int_equal(hear(greedy[4], answer, sizeof(answer)), -EAGAIN);
	for (size_t i = 0; i < COUNT(greedy); i++)
		close(greedy[i]);
	close(other);
}

static void test_full_pool(void **state)
{
	char answer[SP_MAX_ANSWER + 1], source[16];
	struct gate *gate = *state;
	int fd[10];

	for (unsigned i = 0; i < COUNT(fd); i++) {
		snprintf(source, sizeof(source), "127.0.0.%u", 2 + i);
		fd[i] = connect_from(gate, source);
		if (i == 3)
			say(fd[i], "GET / HTTP/1.1\r\n" HOST "\r\n");
		serve(gate, 2);
	}
	/* The answered one made room first, the oldest one next. */
	assert_true(hear(fd[3], answer, sizeof(answer)) > 0);
	assert_int_equal(hear(fd[0], answer, sizeof(answer)), 0);
	assert_int_equal(hear(fd[1], answer, sizeof(answer)), -EAGAIN);
	say(fd[9], "GET / HTTP/1.1\r\n" HOST "\r\n");
	serve(gate, 10);
	assert_true(hear(fd[9], answer, sizeof(answer)) > 0);
	for (size_t i = 0; i < COUNT(fd); i++)
		close(fd[i]);
}

/* Begin a request whose head needs a large buffer. */
static void say_much(int fd)
{
	char text[SP_SMALL_HEAD + 1000] = "GET / HTTP/1.1\r\n" HOST "A: ";

	memset(text + strlen(text), 'a', sizeof(text) - strlen(text));
	assert_int_equal(send(fd, text, sizeof(text), MSG_NOSIGNAL), sizeof(text));
}

static void test_large_heads(void **state)
{
	char answer[SP_MAX_ANSWER + 1];
	struct gate *gate = *state;
	int fd[3];

	for (size_t i = 0; i < COUNT(fd); i++) {
		fd[i] = connect_from(gate, "127.0.0.2");
		say_much(fd[i]);
		serve(gate, 5);
	}
	/* There are two large buffers: the oldest user had to go. */
	assert_true(hear(fd[0], answer, sizeof(answer)) <= 0);
	for (size_t i = 1; i < COUNT(fd); i++) {
		say(fd[i], "\r\n\r\n");
		serve(gate, 5);
		assert_true(hear(fd[i], answer, sizeof(answer)) > 0);
		assert_begins(answer, "HTTP/1.1 511 ");
	}
	assert_true(TAILQ_EMPTY(&gate->server.pool.used_large));
	for (size_t i = 0; i < COUNT(fd); i++)
		close(fd[i]);
}

static void test_largest_head(void **state)
{
	char text[SP_MAX_HEAD], answer[SP_MAX_ANSWER + 1];
	struct gate *gate = *state;
	int fd = connect_from(gate, "127.0.0.2");

	fill_head(text);
	assert_int_equal(send(fd, text, sizeof(text), MSG_NOSIGNAL), sizeof(text));
	serve(gate, 10);
	assert_true(hear(fd, answer, sizeof(answer)) > 0);
	assert_begins(answer, "HTTP/1.1 431 ");
	close(fd);
}

static void test_half_closed_client(void **state)
{
	char answer[SP_MAX_ANSWER + 1];
	struct gate *gate = *state;
	int fd = connect_from(gate, "127.0.0.2");

	say(fd, "GET / HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	serve(gate, 10);
	assert_true(hear(fd, answer, sizeof(answer)) > 0);
	assert_begins(answer, "HTTP/1.1 511 ");
	close(fd);
	fd = connect_from(gate, "127.0.0.2");
	say(fd, "GET / HT");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	serve(gate, 10);
	assert_int_equal(hear(fd, answer, sizeof(answer)), 0);
	close(fd);
}

static void test_keeper_gone(void **state)
{
	struct gate *gate = *state;

	assert_int_equal(sp_server_turn(&gate->server, 0), 0);
	shutdown(gate->keeper[1], SHUT_RDWR);
	assert_int_equal(sp_server_turn(&gate->server, 0), 1);
}

#define server_test(test) cmocka_unit_test_setup_teardown(test, open_gate, close_gate)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_probes),
		cmocka_unit_test(test_probes_fail),
		cmocka_unit_test(test_login_answer),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_nothing_wanted),
		cmocka_unit_test(test_long_wanted),
		cmocka_unit_test(test_languages),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_plain_text),
		cmocka_unit_test(test_probe_answer),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_setup_fails),
		cmocka_unit_test(test_one_family_only),
		cmocka_unit_test(test_date),
		cmocka_unit_test(test_slot_is_used_again),
		server_test(test_served),
		server_test(test_batch),
		server_test(test_client_closes_first),
		server_test(test_closed_at_login),
		server_test(test_keeper_talks_nonsense),
		server_test(test_last_is_closed_at_once),
		server_test(test_last_with_more),
		server_test(test_drained),
		server_test(test_deadlines),
		server_test(test_cap_per_address),
		server_test(test_full_pool),
		server_test(test_large_heads),
		server_test(test_largest_head),
		server_test(test_half_closed_client),
		server_test(test_keeper_gone),
	};

	return cmocka_run_group_tests(tests, make_knowledge, remove_knowledge);
}
