/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CoA and Disconnect: who is heard, what is refused and why, what is wanted of which session. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <nettle/md5.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/address.h"
#include "radius/account.h"
#include "radius/authority.h"

#define SECRET "coa-secret"
#define NOW    1700000000u

static struct sp_ipc_verifier_setup setup;
static struct sp_radius_authority authority;
static struct sp_radius_packet request;
static struct sp_address server;
static uint8_t next_id;

/* What came of the last request. */
static struct sp_ipc_change change;
static const struct sp_radius_packet *repeated;
static uint32_t cause;
static const char *why;

static int begin(void **state)
{
	(void)state;
	memset(&authority, 0, sizeof(authority));
	setup = (struct sp_ipc_verifier_setup){.source_count = 1, .source_secret = SECRET};
	assert_true(sp_address_read("10.0.0.5", &server));
	setup.source[0] = server;
	strcpy(setup.radius.nas_identifier, "lobby");
	strcpy(setup.radius.called, "02-00-00-00-00-01");
	assert_true(sp_address_read("10.0.0.1", &setup.radius.nas_address[0]));
	authority.setup = &setup;
	return 0;
}

static void start(uint8_t code)
{
	sp_radius_begin(&request, code, ++next_id, NULL);
	sp_radius_put_number(&request, SP_RADIUS_EVENT_TIMESTAMP, NOW);
}

static enum sp_radius_step hear_at(uint64_t now)
{
	return sp_radius_authority_read(&authority, request.data, request.length, &server, 4000,
	                                now, &change, &repeated, &cause, &why);
}

static enum sp_radius_step hear(void)
{
	assert_int_equal(sp_radius_seal(&request, SECRET), 0);
	return hear_at(NOW);
}

static void refused(uint32_t expected)
{
	assert_int_equal(hear(), SP_RADIUS_REFUSE);
	assert_int_equal(cause, expected);
}

static void dropped(const char *expected)
{
	if (!why || !strstr(why, expected))
		fail_msg("'%s' does not say '%s'", why ? why : "", expected);
}

static void test_disconnect(void **state)
{
	char id[SP_RADIUS_SESSION_ID];

	(void)state;
	start(SP_RADIUS_DISCONNECT_REQUEST);
	sp_radius_put_text(&request, SP_RADIUS_NAS_IDENTIFIER, "lobby");
	sp_radius_put_address(&request, SP_RADIUS_NAS_IP_ADDRESS, 0, &setup.radius.nas_address[0]);
	sp_radius_put_text(&request, SP_RADIUS_CALLED_STATION_ID, "02-00-00-00-00-01");
	sp_radius_put_text(&request, SP_RADIUS_ACCT_SESSION_ID, sp_radius_session_id(id, 0xabc));
	sp_radius_put_text(&request, SP_RADIUS_USER_NAME, "alice");
	sp_radius_put_text(&request, SP_RADIUS_CALLING_STATION_ID, "02-00-00-00-00-09");
	sp_radius_put_number(&request, SP_RADIUS_NAS_PORT, 12);
	sp_radius_put(&request, SP_RADIUS_FRAMED_IP_ADDRESS, "\x0a\0\0\x07", 4);
	sp_radius_put(&request, SP_RADIUS_FRAMED_IPV6_ADDRESS,
	              "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09", 16);
	assert_int_equal(hear(), SP_RADIUS_APPLY);
	assert_int_equal(change.named, SP_IPC_NAMED);
	assert_int_equal(change.changed, 0);
	assert_int_equal(change.session, 0xabc);
	assert_string_equal(change.name, "alice");
	assert_memory_equal(change.client.mac, "\2\0\0\0\0\x09", 6);
	assert_int_equal(change.client.vlan, 12);
	assert_memory_equal(&change.ipv4, "\x0a\0\0\x07", 4);
	assert_int_equal(change.ipv6[15], 9);
}

static void test_change(void **state)
{
	(void)state;
	start(SP_RADIUS_COA_REQUEST);
	sp_radius_put_text(&request, SP_RADIUS_USER_NAME, "alice");
	sp_radius_put_number(&request, SP_RADIUS_SESSION_TIMEOUT, 600);
	sp_radius_put_number(&request, SP_RADIUS_IDLE_TIMEOUT, 0);
	sp_radius_put(&request, SP_RADIUS_VENDOR_SPECIFIC, "\0\0\x37\x2a\x07\x06\0\x10\0\0", 10);
	assert_int_equal(hear(), SP_RADIUS_APPLY);
	assert_int_equal(change.changed,
	                 SP_IPC_CHANGES_SECONDS | SP_IPC_CHANGES_IDLE | SP_IPC_CHANGES_RATE_UP);
	assert_int_equal(change.limits.seconds, 600);
	assert_int_equal(change.limits.idle, 0);
	assert_int_equal(change.limits.rate_up, 0x100000);
}

static void test_strangers(void **state)
{
	(void)state;
	start(SP_RADIUS_DISCONNECT_REQUEST);
	sp_radius_put_text(&request, SP_RADIUS_USER_NAME, "alice");
	assert_int_equal(sp_radius_seal(&request, "another"), 0);
	assert_int_equal(hear_at(NOW), SP_RADIUS_DROP);
	dropped("authenticator is wrong");
	assert_true(sp_address_read("10.0.0.6", &server));
	assert_int_equal(hear(), SP_RADIUS_DROP);
	dropped("not one of coa_clients");
	assert_true(sp_address_read("10.0.0.5", &server));
	assert_int_equal(hear_at(NOW), SP_RADIUS_DROP); /* sealed twice: no longer authentic */
	start(SP_RADIUS_ACCESS_REQUEST);
	assert_int_equal(hear(), SP_RADIUS_DROP);
	dropped("not served here");
	request.length = 19;
	assert_int_equal(hear_at(NOW), SP_RADIUS_DROP);
	dropped("malformed");
}

/* Authentic by the older means (RFC 5176, 2.3), but not by the one that is required. */
static void test_unsigned(void **state)
{
	struct md5_ctx md5;

	(void)state;
	sp_radius_begin(&request, SP_RADIUS_ACCOUNTING_REQUEST, 1, NULL);
	sp_radius_put_number(&request, SP_RADIUS_EVENT_TIMESTAMP, NOW);
	sp_radius_put_text(&request, SP_RADIUS_USER_NAME, "alice");
	request.data[0] = SP_RADIUS_DISCONNECT_REQUEST;
	request.data[2] = 0;
	request.data[3] = (uint8_t)request.length;
	md5_init(&md5);
	md5_update(&md5, request.length, request.data);
	md5_update(&md5, strlen(SECRET), (const uint8_t *)SECRET);
	md5_digest(&md5, 16, request.data + 4);
	assert_int_equal(hear_at(NOW), SP_RADIUS_DROP);
	dropped("no Message-Authenticator");
	start(SP_RADIUS_DISCONNECT_REQUEST);
	sp_radius_put_text(&request, SP_RADIUS_USER_NAME, "alice");
	sp_radius_put(&request, SP_RADIUS_MESSAGE_AUTHENTICATOR, "0123456789abcdef", 16);
	assert_int_equal(hear(), SP_RADIUS_DROP);
	dropped("Message-Authenticator is malformed");
}

static void test_time(void **state)
{
	static const struct {
		uint64_t now;
		enum sp_radius_step step;
	} rows[] = {
		{NOW + SP_RADIUS_WINDOW, SP_RADIUS_APPLY},
		{NOW + SP_RADIUS_WINDOW + 1, SP_RADIUS_DROP},
		{NOW - SP_RADIUS_WINDOW, SP_RADIUS_APPLY},
		{NOW - SP_RADIUS_WINDOW - 1, SP_RADIUS_DROP},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		start(SP_RADIUS_DISCONNECT_REQUEST);
		sp_radius_put_text(&request, SP_RADIUS_USER_NAME, "alice");
		assert_int_equal(sp_radius_seal(&request, SECRET), 0);
		assert_int_equal(hear_at(rows[i].now), rows[i].step);
	}
	sp_radius_begin(&request, SP_RADIUS_DISCONNECT_REQUEST, 1, NULL);
	sp_radius_put_text(&request, SP_RADIUS_USER_NAME, "alice");
	refused(402);
	start(SP_RADIUS_DISCONNECT_REQUEST);
	sp_radius_put_number(&request, SP_RADIUS_EVENT_TIMESTAMP, NOW);
	refused(402);
}

/* The same packet again: its answer once more to who had it, nothing to anybody else. */
static void test_replay(void **state)
{
	const struct sp_radius_packet *answer;

	(void)state;
	start(SP_RADIUS_DISCONNECT_REQUEST);
	sp_radius_put_text(&request, SP_RADIUS_USER_NAME, "alice");
	sp_radius_put(&request, SP_RADIUS_PROXY_STATE, "one", 3);
	sp_radius_put(&request, SP_RADIUS_PROXY_STATE, "two", 3);
	assert_int_equal(hear(), SP_RADIUS_APPLY);
	assert_int_equal(hear_at(NOW), SP_RADIUS_DROP); /* not answered yet */
	dropped("sent before");
	answer = sp_radius_authority_answer(&authority, 0);
	assert_non_null(answer);
	assert_int_equal(sp_radius_code(answer), SP_RADIUS_DISCONNECT_ACK);
	assert_int_equal(sp_radius_id(answer), next_id);
	assert_int_equal(hear_at(NOW), SP_RADIUS_REPEAT);
	assert_ptr_equal(repeated, answer);
	assert_int_equal(sp_radius_authority_read(&authority, request.data, request.length, &server,
	                                          4001, NOW, &change, &repeated, &cause, &why),
	                 SP_RADIUS_DROP);
	dropped("sent before");
	/* Long after, too, as far as its time would let it in. */
	assert_int_equal(sp_radius_authority_read(&authority, request.data, request.length, &server,
	                                          4001, NOW + SP_RADIUS_WINDOW, &change, &repeated,
	                                          &cause, &why),
	                 SP_RADIUS_DROP);
	dropped("sent before");
}

static void test_full_memory(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SP_RADIUS_SEEN; i++)
		authority.seen[i].until = NOW + 1;
	start(SP_RADIUS_DISCONNECT_REQUEST);
	sp_radius_put_text(&request, SP_RADIUS_USER_NAME, "alice");
	refused(506);
	authority.seen[SP_RADIUS_SEEN / 2].until = NOW - 1;
	start(SP_RADIUS_DISCONNECT_REQUEST);
	sp_radius_put_text(&request, SP_RADIUS_USER_NAME, "alice");
	assert_int_equal(hear(), SP_RADIUS_APPLY);
}

/* One attribute more than a request with a name, and what is said to it. */
static void test_refusals(void **state)
{
	static const struct {
		uint8_t code, type;
		const char *value;
		uint8_t length;
		uint32_t cause;
	} rows[] = {
		{SP_RADIUS_DISCONNECT_REQUEST, SP_RADIUS_NAS_IDENTIFIER, "bar", 3, 403},
		{SP_RADIUS_DISCONNECT_REQUEST, SP_RADIUS_NAS_IP_ADDRESS, "\x0a\0\0\x02", 4, 403},
		{SP_RADIUS_DISCONNECT_REQUEST, SP_RADIUS_NAS_IPV6_ADDRESS, "0123456789abcdef", 16,
	         403},
		{SP_RADIUS_DISCONNECT_REQUEST, SP_RADIUS_CALLED_STATION_ID, "x", 1, 403},
		{SP_RADIUS_DISCONNECT_REQUEST, SP_RADIUS_SESSION_TIMEOUT, "\0\0\0\x05", 4, 401},
		{SP_RADIUS_DISCONNECT_REQUEST, SP_RADIUS_CLASS, "x", 1, 401},
		{SP_RADIUS_DISCONNECT_REQUEST, 250, "x", 1, 401},
		{SP_RADIUS_DISCONNECT_REQUEST, SP_RADIUS_SERVICE_TYPE, "\0\0\0\x11", 4, 405},
		{SP_RADIUS_DISCONNECT_REQUEST, SP_RADIUS_ACCT_SESSION_ID, "0123", 4, 503},
		{SP_RADIUS_DISCONNECT_REQUEST, SP_RADIUS_ACCT_SESSION_ID, "000000000000000G", 16,
	         503},
		{SP_RADIUS_DISCONNECT_REQUEST, SP_RADIUS_ACCT_SESSION_ID, "0000000000000ABC", 16,
	         503},
		{SP_RADIUS_DISCONNECT_REQUEST, SP_RADIUS_USER_NAME, "bob", 3, 503},
		{SP_RADIUS_DISCONNECT_REQUEST, SP_RADIUS_CALLING_STATION_ID, "nobody", 6, 503},
		{SP_RADIUS_DISCONNECT_REQUEST, SP_RADIUS_NAS_PORT, "\0\0\xff\xff", 4, 503},
		{SP_RADIUS_DISCONNECT_REQUEST, SP_RADIUS_FRAMED_IP_ADDRESS, "\x0a\0\0", 3, 503},
		{SP_RADIUS_DISCONNECT_REQUEST, SP_RADIUS_VENDOR_SPECIFIC, "\0\0\0\x09\x01\x03x", 7,
	         401},
		{SP_RADIUS_COA_REQUEST, SP_RADIUS_ACCT_TERMINATE_CAUSE, "\0\0\0\x06", 4, 401},
		{SP_RADIUS_COA_REQUEST, SP_RADIUS_ACCT_INTERIM_INTERVAL, "\0\0\0\x60", 4, 401},
		{SP_RADIUS_COA_REQUEST, SP_RADIUS_SESSION_TIMEOUT, "\0\0\0\0", 4, 407},
		{SP_RADIUS_COA_REQUEST, SP_RADIUS_REPLY_MESSAGE, "hello", 5, 402},
		{SP_RADIUS_COA_REQUEST, SP_RADIUS_VENDOR_SPECIFIC,
	         "\0\0\x37\x2a\x09\x16"
	         "2001-01-01T00:00:00Z",
	         26, 407},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		start(rows[i].code);
		sp_radius_put_text(&request, SP_RADIUS_USER_NAME, "alice");
		sp_radius_put(&request, rows[i].type, rows[i].value, rows[i].length);
		refused(rows[i].cause);
	}
	start(SP_RADIUS_DISCONNECT_REQUEST);
	refused(402);
}

/* What is answered can be checked by who asked. */
static void test_answers(void **state)
{
	const struct sp_radius_packet *answer;
	struct sp_radius_cursor cursor = {0};
	struct sp_radius_attribute attribute;
	unsigned states = 0, causes = 0;

	(void)state;
	start(SP_RADIUS_COA_REQUEST);
	sp_radius_put(&request, SP_RADIUS_PROXY_STATE, "one", 3);
	sp_radius_put(&request, SP_RADIUS_PROXY_STATE, "two", 3);
	refused(402);
	answer = sp_radius_authority_answer(&authority, cause);
	assert_int_equal(sp_radius_code(answer), SP_RADIUS_COA_NAK);
	while (sp_radius_next(answer, &cursor, &attribute)) {
		uint32_t number;

		if (attribute.type == SP_RADIUS_PROXY_STATE)
			assert_memory_equal(attribute.value, states++ ? "two" : "one", 3);
		if (attribute.type == SP_RADIUS_ERROR_CAUSE) {
			assert_true(sp_radius_number(&attribute, &number));
			assert_int_equal(number, 402);
			causes++;
		}
	}
	assert_int_equal(states, 2);
	assert_int_equal(causes, 1);
}

/* What the keeper takes from that process. */
static void test_lies(void **state)
{
	static const struct sp_ipc_change good = {
		.header.kind = SP_IPC_CHANGE, .named = SP_IPC_NAMED_USER, .name = "alice"};
	struct sp_ipc_change lie[6];
	struct sp_ipc_change got;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	for (unsigned i = 0; i < 6; i++)
		lie[i] = good;
	lie[0].named = 0;
	lie[1].named |= 1u << 20;
	lie[2].changed = 1u << 20;
	lie[3].client.vlan = 5000;
	memset(lie[4].name, 'x', sizeof(lie[4].name));
	lie[5].limits.rate_up = UINT64_MAX;
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(sp_ipc_send(pair[0], &lie[i], sizeof(lie[i])), 0);
		assert_int_equal(sp_ipc_receive_change(pair[1], &got), -EPROTO);
	}
	lie[0] = good;
	assert_int_equal(sp_ipc_send(pair[0], &lie[0], sizeof(lie[0])), 0);
	assert_int_equal(sp_ipc_receive_change(pair[1], &got), 0);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_disconnect, begin),
		cmocka_unit_test_setup(test_change, begin),
		cmocka_unit_test_setup(test_strangers, begin),
		cmocka_unit_test_setup(test_unsigned, begin),
		cmocka_unit_test_setup(test_time, begin),
		cmocka_unit_test_setup(test_replay, begin),
		cmocka_unit_test_setup(test_full_memory, begin),
		cmocka_unit_test_setup(test_refusals, begin),
		cmocka_unit_test_setup(test_answers, begin),
		cmocka_unit_test(test_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
