/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The portal: its parts, and the whole process on the loopback with a keeper played here. */
#include "portal.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "lib/monotonic.h"
#include "portal/form.h"
#include "portal/quantity.h"
#include "portal/server.h"
#include "portal/site.h"
#include "portal/visitor.h"

/* --- forms ---------------------------------------------------------------------------------------
 */

static int form(const char *body, const char *name, char out[8])
{
	return sp_form_value(body, strlen(body), name, out, 8);
}

static void test_form_values(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(form("a=1&u=x+y%2Fz&b=", "u", out), 5);
	assert_string_equal(out, "x y/z");
	assert_int_equal(form("a=1&u=x&b=", "b", out), 0);
	assert_string_equal(out, "");
	assert_int_equal(form("u=%e2%82%AC", "u", out), 3);
	assert_string_equal(out, "\u20ac");
	assert_int_equal(form("uu=1&=u&u", "u", out), -ENOENT);
	assert_int_equal(form("", "u", out), -ENOENT);
	assert_int_equal(form("u=1234567", "u", out), 7);
	assert_int_equal(form("u=12345678", "u", out), -ENOSPC);
}

static void test_form_nonsense(void **state)
{
	static const char *const bad[] = {"u=%",   "u=%2",  "u=%2&a=1", "u=%zz",
	                                  "u=%2g", "u=%00", "u=1&u=2",  "u=&u="};
	char out[8];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(form(bad[i], "u", out), -EINVAL);
	assert_int_equal(sp_form_value("u=\0x", 4, "u", out, sizeof(out)), -EINVAL);
}

/* Nothing is read behind the end: the body stands at the end of its allocation (ASan watches). */
static void test_form_cut_short(void **state)
{
	static const char whole[] = "a=1&u=%41%42&t=x";
	char out[8];

	(void)state;
	for (size_t length = 0; length < sizeof(whole); length++) {
		char *body = malloc(length ? length : 1);

		assert_non_null(body);
		memcpy(body, whole, length);
		sp_form_value(body, length, "u", out, sizeof(out));
		sp_form_value(body, length, "missing", out, sizeof(out));
		free(body);
	}
}

/* --- whose page ----------------------------------------------------------------------------------
 */

static void test_site(void **state)
{
	const char *host = "10.85.0.1:8080";

	(void)state;
	assert_true(sp_site_is_own(host, NULL, NULL, NULL));
	assert_true(sp_site_is_own(NULL, NULL, NULL, NULL));
	assert_true(sp_site_is_own(host, "same-origin", "http://10.85.0.1:8080", NULL));
	assert_true(sp_site_is_own(host, NULL, NULL, "http://10.85.0.1:8080/?u=1"));
	assert_true(sp_site_is_own("Login.Example", NULL, "http://login.example", NULL));
	assert_false(sp_site_is_own(host, "cross-site", NULL, NULL));
	assert_false(sp_site_is_own(host, "same-site", "http://10.85.0.1:8080", NULL));
	assert_false(sp_site_is_own(host, NULL, "null", NULL));
	assert_false(sp_site_is_own(host, NULL, "", NULL));
	assert_false(sp_site_is_own(host, NULL, "http://10.85.0.1:80801", NULL));
	assert_false(sp_site_is_own(host, NULL, "http://10.85.0.1:8080.evil.example", NULL));
	assert_false(sp_site_is_own(host, NULL, NULL, "http://10.85.0.1:8080.evil.example/"));
	assert_false(sp_site_is_own(host, NULL, NULL, "http://evil.example/10.85.0.1:8080/"));
	assert_false(sp_site_is_own(NULL, NULL, "http://10.85.0.1:8080", NULL));
	assert_false(sp_site_is_own("", NULL, "http://", NULL));
}

/* --- quantities ----------------------------------------------------------------------------------
 */

static const struct sp_language english = {.text[SP_MESSAGE_TIMES] = "d h min s",
                                           .text[SP_MESSAGE_SIZES] = "B kB MB GB TB PB EB",
                                           .text[SP_MESSAGE_DECIMAL] = "."};

static void expect_text(void (*put)(FILE *, const struct sp_language *, uint64_t), uint64_t value,
                        const char *expected)
{
	char text[64] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_non_null(out);
	put(out, &english, value);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, expected);
}

static void test_quantities(void **state)
{
	(void)state;
	expect_text(sp_quantity_put_duration, 0, "0\u00a0s");
	expect_text(sp_quantity_put_duration, 59, "59\u00a0s");
	expect_text(sp_quantity_put_duration, 3599, "59\u00a0min");
	expect_text(sp_quantity_put_duration, 28830, "8\u00a0h");
	expect_text(sp_quantity_put_duration, 28799, "7\u00a0h\u00a059\u00a0min");
	expect_text(sp_quantity_put_duration, 86400 * 2 + 3600 * 3, "2\u00a0d\u00a03\u00a0h");
	expect_text(sp_quantity_put_size, 0, "0\u00a0B");
	expect_text(sp_quantity_put_size, 999, "999\u00a0B");
	expect_text(sp_quantity_put_size, 1999, "1.9\u00a0kB");
	expect_text(sp_quantity_put_size, 2000000000, "2.0\u00a0GB");
	expect_text(sp_quantity_put_size, 123456789, "123\u00a0MB");
	expect_text(sp_quantity_put_size, UINT64_MAX - 1, "18.4\u00a0EB");
}

/* --- the key of a connection ---------------------------------------------------------------------
 */

static void test_visitor_key(void **state)
{
	static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 10, 85, 0, 2};
	struct sockaddr_in peer = {AF_INET, htons(1234), {htonl(0x0a550002)}, {0}};
	struct sockaddr_in local = {AF_INET, htons(8080), {htonl(0x0a550001)}, {0}};
	struct sockaddr other = {.sa_family = AF_UNIX};
	struct sp_origin_key key;

	(void)state;
	assert_int_equal(sp_visitor_key(&key, (struct sockaddr *)&peer, (struct sockaddr *)&local),
	                 0);
	assert_memory_equal(key.client_address, mapped, 16);
	assert_int_equal(key.server_address[15], 1);
	assert_int_equal(key.client_port, htons(1234));
	assert_int_equal(key.server_port, htons(8080));
	assert_int_equal(key.ifindex, 0);
	assert_int_equal(sp_visitor_key(&key, &other, &other), -EAFNOSUPPORT);
}

/* --- questions -----------------------------------------------------------------------------------
 */

static unsigned done_count;

static void count_done(struct sp_ask *ask)
{
	assert_null(ask->next);
	done_count++;
}

static int ask(struct sp_asker *asker, struct sp_ask *ask)
{
	struct sp_ipc_request request = {.header.kind = SP_IPC_QUERY, .client = visitor};

	return sp_ask_send(asker, ask, &request);
}

static void test_questions(void **state)
{
	struct sp_ask first = {0}, second = {0}, third = {0};
	struct sp_ipc_answer answer = {.header.kind = SP_IPC_ANSWER, .id = 2, .authorized = 1};
	struct sp_asker asker;
	int fds[2];

	(void)state;
	done_count = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	sp_ask_init(&asker, fds[0], count_done);
	assert_int_equal(sp_ask_due(&asker), UINT64_MAX);
	assert_int_equal(ask(&asker, &first), 0);
	assert_int_equal(ask(&asker, &second), 0);
	assert_int_equal(ask(&asker, &third), 0);
	assert_int_equal(sp_ask_due(&asker), first.deadline);

	/* Out of order, and once more although nobody waits. */
	assert_int_equal(sp_ipc_send(fds[1], &answer, sizeof(answer)), 0);
	assert_int_equal(sp_ipc_send(fds[1], &answer, sizeof(answer)), 0);
	assert_int_equal(sp_ask_receive(&asker), 0);
	assert_int_equal(sp_ask_receive(&asker), 0);
	assert_int_equal(sp_ask_receive(&asker), -EAGAIN);
	assert_int_equal(done_count, 1);
	assert_true(second.answered && second.answer.authorized);

	sp_ask_forget(&first);
	sp_ask_expire(&asker, third.deadline - 1);
	assert_int_equal(done_count, 1);
	sp_ask_expire(&asker, third.deadline);
	assert_int_equal(done_count, 2);
	assert_false(third.answered);
	assert_int_equal(sp_ask_due(&asker), UINT64_MAX);

	close(fds[1]);
	assert_int_equal(sp_ask_receive(&asker), -EPIPE);
	assert_int_equal(ask(&asker, &first), -EPIPE);
	assert_null(first.next);
	close(fds[0]);
}

/* --- the process ---------------------------------------------------------------------------------
 */

static void ask_terms(struct world *world, const char *tag)
{
	char target[1024];

	visit(world);
	snprintf(target, sizeof(target), "/?u=%s&t=%s", WANTED_FORM, tag);
	get(world, "GET", target, "");
	keep(world, SP_IPC_QUERY, captive);
	STATUS(200);
	HAS("I accept the terms");
	HAS("action=\"/accept\"");
}

static void test_terms(void **state)
{
	struct world *world = *state;

	for (world->ipv6 = false;; world->ipv6 = true) {
		ask_terms(world, world->tag);
		HAS("name=\"u\" value=\"" WANTED_HTML "\"");
		HAS(world->tag);
		ask_terms(world, "0123456789abcdef");
		LACKS("example.org");
		ask_terms(world, "");
		LACKS("example.org");
		if (world->ipv6)
			break;
	}
}

static void test_headers(void **state)
{
	struct world *world = *state;

	ask_terms(world, world->tag);
	HAS("\r\nCache-Control: no-store\r\n");
	HAS("\r\nReferrer-Policy: same-origin\r\n");
	HAS("\r\nX-Content-Type-Options: nosniff\r\n");
	HAS("\r\nX-Frame-Options: DENY\r\n");
	HAS("frame-ancestors 'none'");
	HAS("default-src 'none'");
	HAS("\r\nContent-Language: en\r\n");
	HAS("\r\nVary: Accept-Language\r\n");
	HAS("\r\nContent-Type: text/html; charset=utf-8\r\n");
	LACKS("<script");
	LACKS("Set-Cookie");
	LACKS("portal\""); /* the Host field */
}

static void test_french(void **state)
{
	struct world *world = *state;

	visit(world);
	get(world, "GET", "/", "Accept-Language: fr-CA,en;q=0.5\r\n");
	keep(world, SP_IPC_QUERY, authorized);
	STATUS(200);
	HAS("\r\nContent-Language: fr\r\n");
	HAS("<html lang=\"fr\" dir=\"ltr\">");
	HAS("1,5\u00a0Go");
}

static void test_connected(void **state)
{
	struct world *world = *state;

	visit(world);
	get(world, "GET", "/", "");
	keep(world, SP_IPC_QUERY, authorized);
	STATUS(200);
	HAS("7\u00a0h\u00a059\u00a0min");
	HAS("1.5\u00a0GB");
	HAS("action=\"/logout\"");
	LACKS("/accept");

	visit(world);
	get(world, "GET", "/?u=" WANTED_FORM, "");
	keep(world, SP_IPC_QUERY, unlimited);
	STATUS(200);
	LACKS("<dl>");
	LACKS("example.org");
}

static void test_head(void **state)
{
	struct world *world = *state;

	visit(world);
	get(world, "HEAD", "/", "");
	keep(world, SP_IPC_QUERY, captive);
	STATUS(200);
	HAS("Content-Length: ");
	LACKS("<html");
}

static void test_accept(void **state)
{
	struct world *world = *state;
	char body[1024];

	snprintf(body, sizeof(body), "u=%s&t=%s", WANTED_FORM, world->tag);
	visit(world);
	post(world, "/accept", body, "Origin: http://portal\r\n");
	keep(world, SP_IPC_LOGIN, authorized);
	STATUS(303);
	HAS("\r\nLocation: " WANTED "\r\n");

	for (int i = 0; i < 3; i++) {
		static const char *const forged[] = {
			"u=http%3A%2F%2Fevil.example%2F&t=0123456789abcdef",
			"u=http%3A%2F%2Fevil.example%2F", ""};

		visit(world);
		post(world, "/accept", forged[i], "");
		keep(world, SP_IPC_LOGIN, authorized);
		STATUS(303);
		HAS("\r\nLocation: /\r\n");
		LACKS("evil");
	}
}

static void test_logout(void **state)
{
	struct world *world = *state;

	visit(world);
	post(world, "/logout", "", "");
	keep(world, SP_IPC_LOGOUT, captive);
	STATUS(200);
	HAS("Signed out");
}

static void test_keeper_refuses(void **state)
{
	static const struct {
		uint32_t result;
		int status;
		const char *text;
	} rows[] = {
		{SP_IPC_REFUSED, 403, "may not use the network"},
		{SP_IPC_FULL, 503, "network is full"},
		{SP_IPC_FAILED, 503, "went wrong"},
		{77, 503, "went wrong"},
		{SP_IPC_DONE, 503, "went wrong"}, /* and yet not authorized */
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		visit(world);
		post(world, "/accept", "", "");
		keep(world, SP_IPC_LOGIN, (struct sp_ipc_answer){.result = rows[i].result});
		STATUS(rows[i].status);
		HAS(rows[i].text);
	}
}

static void test_unknown_visitor(void **state)
{
	struct world *world = *state;

	open_socket(world);
	connect_portal(world);
	get(world, "GET", "/", "");
	STATUS(403);
	HAS("cannot see which device");

	/* In two places at once: nobody can tell. */
	visit(world);
	record(world, OTHER_IFINDEX, &visitor);
	post(world, "/accept", "", "");
	STATUS(403);
	nothing_asked(world);
}

static void test_paths_and_methods(void **state)
{
	static const char *const unknown[] = {
		"/x", "//", "/accept/", "/../etc/passwd", "/style.css/../x", "/<script>", "/logo"};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		visit(world);
		get(world, "GET", unknown[i], "");
		STATUS(404);
		LACKS("<script>");
		LACKS("<img"); /* there is no logo */
	}
	visit(world);
	get(world, "GET", "/accept", "");
	STATUS(405);
	HAS("\r\nAllow: POST\r\n");
	visit(world);
	get(world, "DELETE", "/", "");
	STATUS(405);
	HAS("\r\nAllow: GET, HEAD\r\n");
	nothing_asked(world);
}

static void test_style(void **state)
{
	struct world *world = *state;

	visit(world);
	get(world, "GET", "/style.css", "");
	STATUS(200);
	HAS("Content-Type: text/css");
	HAS("prefers-color-scheme: dark");
	nothing_asked(world);
}

static void test_post_from_elsewhere(void **state)
{
	static const char *const fields[] = {"Origin: http://evil.example\r\n", "Origin: null\r\n",
	                                     "Referer: http://evil.example/\r\n",
	                                     "Sec-Fetch-Site: cross-site\r\n"};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		visit(world);
		post(world, "/accept", "", fields[i]);
		STATUS(403);
		visit(world);
		post(world, "/logout", "", fields[i]);
		STATUS(403);
	}
	nothing_asked(world);
}

static void test_bodies_too_long(void **state)
{
	struct world *world = *state;
	char body[9001];

	memset(body, 'a', 9000);
	body[9000] = '\0';
	visit(world);
	post(world, "/accept", body, "");
	STATUS(413);

	visit(world);
	request(world, "POST /accept HTTP/1.1\r\nHost: portal\r\nConnection: close\r\n"
	               "Content-Length: 99999999999999999999999\r\n\r\n");
	assert_true(read_response(world) >= 400);

	/* Without an announcement. */
	visit(world);
	request(world,
	        "POST /accept HTTP/1.1\r\nHost: portal\r\nConnection: close\r\n"
	        "Content-Type: application/x-www-form-urlencoded\r\n"
	        "Transfer-Encoding: chunked\r\n\r\n2328\r\n%s\r\n0\r\n\r\n",
	        body);
	STATUS(413);
	nothing_asked(world);
}

static void test_not_a_form(void **state)
{
	struct world *world = *state;

	visit(world);
	request(world, "POST /accept HTTP/1.1\r\nHost: portal\r\nConnection: close\r\n"
	               "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nu=1");
	STATUS(415);
	nothing_asked(world);
}

static void test_keep_alive(void **state)
{
	struct world *world = *state;

	visit(world);
	request(world, "GET / HTTP/1.1\r\nHost: portal\r\n\r\n");
	keep(world, SP_IPC_QUERY, captive);
	get(world, "GET", "/", "");
	keep(world, SP_IPC_QUERY, authorized);
	STATUS(200);
	HAS("I accept the terms");
	HAS("You are connected");
}

/* A flood pushed the record out, and somebody else wrote it anew while the connection was open. */
static void test_another_owner(void **state)
{
	const struct sp_client_key thief = {{0x02, 0, 0, 0, 0, 9}, 7};
	struct world *world = *state;

	visit(world);
	request(world, "GET / HTTP/1.1\r\nHost: portal\r\n\r\n");
	keep(world, SP_IPC_QUERY, captive);
	record(world, 1, &thief);
	post(world, "/accept", "", "");
	STATUS(200); /* of the first answer */
	HAS("cannot see which device");
	nothing_asked(world);
}

static void test_nonsense_on_the_wire(void **state)
{
	/* What is no request yet is waited for, longer than a test should. */
	static const char *const unfinished[] = {"\r\n\r\n", "\x16\x03\x01\x02"};
	static const char *const bad[] = {"GET\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
	                                  "GET / HTTP/9.9\r\n\r\n"};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(unfinished) / sizeof(*unfinished); i++) {
		visit(world);
		send_text(world, unfinished[i], strlen(unfinished[i]));
	}

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		visit(world);
		send_text(world, bad[i], strlen(bad[i]));
		shutdown(world->socket, SHUT_WR);
		assert_true(read_response(world) >= 400 || !world->response[0]);
	}
	nothing_asked(world);
	ask_terms(world, world->tag);
}

/* A connection of @client from the loopback's address of that number, which stays open. */
static int connect_from(struct world *world, uint8_t number, const struct sp_client_key *client)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(0x7f000000u + number)};

	world->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(world->socket >= 0);
	assert_int_equal(bind(world->socket, (struct sockaddr *)&address, sizeof(address)), 0);
	record(world, 1, client);
	connect_portal(world);
	return world->socket;
}

/* One client cannot take all connections by having many addresses. */
static void test_many_addresses(void **state)
{
	const struct sp_client_key other = {{0x02, 0, 0, 0, 0, 9}, 0};
	const unsigned per_address = 8, number = 2 * SP_PORTAL_CONNECTIONS_EACH;
	struct world *world = *state;
	int fds[2 * SP_PORTAL_CONNECTIONS_EACH];
	unsigned ended = 0;
	char byte;

	for (unsigned i = 0; i < number; i++)
		fds[i] = connect_from(world, (uint8_t)(2 + i / per_address), &visitor);
	for (unsigned i = SP_PORTAL_CONNECTIONS_EACH; i < number; i++)
		ended += receive_soon(fds[i]) == 1 && recv(fds[i], &byte, 1, 0) <= 0;
	assert_int_equal(ended, number - SP_PORTAL_CONNECTIONS_EACH);
	for (unsigned i = 0; i < SP_PORTAL_CONNECTIONS_EACH; i++)
		assert_int_equal(recv(fds[i], &byte, 1, MSG_DONTWAIT), -1);

	/* Another is served; so is this one when it has ended one of its own. */
	connect_from(world, 100, &other);
	get(world, "GET", "/nothing", "");
	STATUS(404);
	close(world->socket);
	close(fds[0]);
	for (int tries = 0; tries < 500; tries++) {
		connect_from(world, 101, &visitor);
		get(world, "GET", "/nothing", "");
		if (read_response(world) == 404)
			break;
		close(world->socket);
		usleep(10000);
	}
	assert_non_null(strstr(world->response, " 404 "));
	for (unsigned i = 1; i < number; i++)
		close(fds[i]);
}

static void test_keeper_is_silent(void **state)
{
	struct world *world = *state;
	struct sp_ipc_request question;
	uint64_t begin = sp_monotonic_ms();

	visit(world);
	post(world, "/accept", "", "");
	STATUS(503);
	HAS("went wrong");
	assert_true(sp_monotonic_ms() - begin >= SP_ASK_DEADLINE);

	/* An answer that comes too late hurts nobody. */
	assert_int_equal(sp_ipc_receive_request(world->keeper, &question), 0);
	assert_int_equal(sp_ipc_send(world->keeper,
	                             &(struct sp_ipc_answer){.header.kind = SP_IPC_ANSWER,
	                                                     .id = question.id},
	                             sizeof(struct sp_ipc_answer)),
	                 0);
	ask_terms(world, world->tag);
}

static void test_keeper_goes_away(void **state)
{
	struct world *world = *state;
	struct sp_ipc_request question;

	visit(world);
	get(world, "GET", "/", "");
	assert_int_equal(receive_soon(world->keeper), 1);
	assert_int_equal(sp_ipc_receive_request(world->keeper, &question), 0);
	close(world->keeper); /* in the middle of a question */
	world->keeper = -1;
	assert_int_equal(wait_exit(world), 0);
}

static void test_keeper_talks_nonsense(void **state)
{
	struct world *world = *state;
	int status;

	assert_int_equal(send(world->keeper, "nonsense", 8, 0), 8);
	status = wait_exit(world);
	assert_true(status > 0);
}

static void test_confinement(void **state)
{
	struct world *world = *state;
	char path[64], line[256], root[256] = "";
	bool uid = false, capabilities = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/root", (int)world->pid);
	assert_true(readlink(path, root, sizeof(root) - 1) > 0);
	assert_string_equal(root, world->root);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)world->pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		uid |= !strcmp(line, "Uid:\t64813\t64813\t64813\t64813\n");
		capabilities |= !strcmp(line, "CapEff:\t0000000000000000\n");
	}
	fclose(file);
	assert_true(uid && capabilities);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form_values),
		cmocka_unit_test(test_form_nonsense),
		cmocka_unit_test(test_form_cut_short),
		cmocka_unit_test(test_site),
		cmocka_unit_test(test_quantities),
		cmocka_unit_test(test_visitor_key),
		cmocka_unit_test(test_questions),
		PROCESS(test_terms),
		PROCESS(test_headers),
		PROCESS(test_french),
		PROCESS(test_connected),
		PROCESS(test_head),
		PROCESS(test_accept),
		PROCESS(test_logout),
		PROCESS(test_keeper_refuses),
		PROCESS(test_unknown_visitor),
		PROCESS(test_paths_and_methods),
		PROCESS(test_style),
		PROCESS(test_post_from_elsewhere),
		PROCESS(test_bodies_too_long),
		PROCESS(test_not_a_form),
		PROCESS(test_keep_alive),
		PROCESS(test_another_owner),
		PROCESS(test_nonsense_on_the_wire),
		PROCESS(test_many_addresses),
		PROCESS(test_keeper_is_silent),
		PROCESS(test_keeper_goes_away),
		PROCESS(test_keeper_talks_nonsense),
		PROCESS(test_confinement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
