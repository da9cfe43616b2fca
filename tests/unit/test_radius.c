/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RADIUS packets: the examples of RFC 2865, forged and mutilated ones, what a server grants. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "radius/login.h"
#include "radius/packet.h"
#include "radius/terms.h"

#define SECRET "xyzzy5461"
#define NOW    1700000000u /* 2023-11-14T22:13:20Z */

static struct sp_radius_packet request, reply;

/* RFC 2865, 7.1 */
static const uint8_t rfc_authenticator[16] = {0x0f, 0x40, 0x3f, 0x94, 0x73, 0x97, 0x80, 0x57,
                                              0xbd, 0x83, 0xd5, 0xcb, 0x98, 0xf4, 0x22, 0x7a};
static const uint8_t rfc_accept[] = {0x02, 0x00, 0x00, 0x26, 0x86, 0xfe, 0x22, 0x0e, 0x76, 0x24,
                                     0xba, 0x2a, 0x10, 0x05, 0xf6, 0xbf, 0x9b, 0x55, 0xe0, 0xb2,
                                     0x06, 0x06, 0x00, 0x00, 0x00, 0x01, 0x0f, 0x06, 0x00, 0x00,
                                     0x00, 0x00, 0x0e, 0x06, 0xc0, 0xa8, 0x01, 0x03};

static void make_request(void)
{
	sp_radius_begin(&request, SP_RADIUS_ACCESS_REQUEST, 0, rfc_authenticator);
	sp_radius_put_text(&request, SP_RADIUS_USER_NAME, "nemo");
	sp_radius_put_password(&request, SECRET, "arctangent");
	assert_int_equal(sp_radius_seal(&request, SECRET), 0);
}

static void begin_reply(uint8_t code)
{
	make_request();
	sp_radius_begin(&reply, code, sp_radius_id(&request), rfc_authenticator);
}

static void finish_reply(void)
{
	assert_int_equal(sp_radius_seal(&reply, SECRET), 0);
	assert_null(sp_radius_check_reply(&reply, &request, SECRET));
}

/* The value of the first attribute @type of @packet. */
static const uint8_t *value_of(const struct sp_radius_packet *packet, uint8_t type,
                               unsigned *length)
{
	struct sp_radius_cursor cursor = {0};
	struct sp_radius_attribute attribute;

	while (sp_radius_next(packet, &cursor, &attribute))
		if (!attribute.vendor && attribute.type == type) {
			*length = attribute.length;
			return attribute.value;
		}
	fail_msg("no attribute %u", type);
	return NULL;
}

static void test_hidden_password(void **state)
{
	static const uint8_t hidden[] = {0x0d, 0xbe, 0x70, 0x8d, 0x93, 0xd4, 0x13, 0xce,
	                                 0x31, 0x96, 0xe4, 0x3f, 0x78, 0x2a, 0x0a, 0xee};
	unsigned length;
	const uint8_t *value;

	(void)state;
	make_request();
	value = value_of(&request, SP_RADIUS_USER_PASSWORD, &length);
	assert_int_equal(length, sizeof(hidden));
	assert_memory_equal(value, hidden, sizeof(hidden));
}

/* RFC 2865, 7.2: the request's authenticator is the challenge there. */
static void test_chap(void **state)
{
	static const uint8_t challenge[16] = {0x2a, 0xee, 0x86, 0xf0, 0x8d, 0x0d, 0x55, 0x96,
	                                      0x9c, 0xa5, 0x97, 0x8e, 0x0d, 0x33, 0x67, 0xa2};
	static const uint8_t response[] = {0x16, 0xe9, 0x75, 0x57, 0xc3, 0x16, 0x18, 0x58, 0x95,
	                                   0xf2, 0x93, 0xff, 0x63, 0x44, 0x07, 0x72, 0x75};
	unsigned length;

	(void)state;
	sp_radius_begin(&request, SP_RADIUS_ACCESS_REQUEST, 1, challenge);
	sp_radius_put_chap(&request, 0x16, challenge, "arctangent");
	assert_memory_equal(value_of(&request, SP_RADIUS_CHAP_PASSWORD, &length), response,
	                    sizeof(response));
	assert_int_equal(length, sizeof(response));
	assert_memory_equal(value_of(&request, SP_RADIUS_CHAP_CHALLENGE, &length), challenge, 16);
}

static void test_password_lengths(void **state)
{
	char password[SP_RADIUS_PASSWORD + 2];
	unsigned length;

	(void)state;
	for (size_t i = 0; i <= SP_RADIUS_PASSWORD; i++) {
		memset(password, 'x', i);
		password[i] = '\0';
		sp_radius_begin(&request, SP_RADIUS_ACCESS_REQUEST, 0, rfc_authenticator);
		sp_radius_put_password(&request, SECRET, password);
		value_of(&request, SP_RADIUS_USER_PASSWORD, &length);
		assert_int_equal(length, i ? (i + 15) / 16 * 16 : 16);
		assert_false(request.overflow);
	}
	memset(password, 'x', sizeof(password) - 1);
	password[sizeof(password) - 1] = '\0';
	sp_radius_put_password(&request, SECRET, password);
	assert_true(request.overflow);
	assert_int_equal(sp_radius_seal(&request, SECRET), -EMSGSIZE);
}

/* What has no room is an error, not a shorter packet. */
static void test_full_packet(void **state)
{
	uint8_t value[SP_RADIUS_VALUE + 1] = {0};
	unsigned count = 0;

	(void)state;
	sp_radius_begin(&request, SP_RADIUS_ACCESS_REQUEST, 0, rfc_authenticator);
	sp_radius_put(&request, SP_RADIUS_CLASS, value, sizeof(value));
	assert_true(request.overflow);
	sp_radius_begin(&request, SP_RADIUS_ACCESS_REQUEST, 0, rfc_authenticator);
	while (!request.overflow && ++count < 100)
		sp_radius_put(&request, SP_RADIUS_CLASS, value, SP_RADIUS_VALUE);
	assert_int_equal(count, 16);
	assert_in_range(request.length, SP_RADIUS_HEAD, SP_RADIUS_MOST);
}

/* The answer in the RFC is authentic and still refused: it is older than Message-Authenticator. */
static void test_unsigned_answer(void **state)
{
	const char *wrong;

	(void)state;
	make_request();
	assert_true(sp_radius_receive(&reply, rfc_accept, sizeof(rfc_accept)));
	wrong = sp_radius_check_reply(&reply, &request, SECRET);
	assert_non_null(wrong);
	assert_non_null(strstr(wrong, "no Message-Authenticator"));
}

static void test_good_answers(void **state)
{
	static const uint8_t codes[] = {SP_RADIUS_ACCESS_ACCEPT, SP_RADIUS_ACCESS_REJECT,
	                                SP_RADIUS_ACCESS_CHALLENGE};

	(void)state;
	for (unsigned i = 0; i < sizeof(codes); i++) {
		begin_reply(codes[i]);
		sp_radius_put_text(&reply, SP_RADIUS_REPLY_MESSAGE, "Hello");
		finish_reply();
	}
}

/* No bit of an answer can be changed. */
static void test_every_bit_counts(void **state)
{
	uint8_t bytes[128];
	unsigned length;

	(void)state;
	begin_reply(SP_RADIUS_ACCESS_ACCEPT);
	sp_radius_put_number(&reply, SP_RADIUS_SESSION_TIMEOUT, 60);
	finish_reply();
	length = reply.length;
	memcpy(bytes, reply.data, length);
	for (unsigned bit = 0; bit < length * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (sp_radius_receive(&reply, bytes, length))
			assert_non_null(sp_radius_check_reply(&reply, &request, SECRET));
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_true(sp_radius_receive(&reply, bytes, length));
	assert_null(sp_radius_check_reply(&reply, &request, SECRET));
	assert_non_null(sp_radius_check_reply(&reply, &request, "another"));
}

static void test_wrong_kinds_of_answer(void **state)
{
	(void)state;
	begin_reply(SP_RADIUS_COA_ACK);
	assert_int_equal(sp_radius_seal(&reply, SECRET), 0);
	assert_non_null(sp_radius_check_reply(&reply, &request, SECRET));
	begin_reply(SP_RADIUS_ACCESS_ACCEPT);
	reply.data[1]++;
	assert_int_equal(sp_radius_seal(&reply, SECRET), 0);
	assert_non_null(sp_radius_check_reply(&reply, &request, SECRET));
	/* twice signed is not signed */
	begin_reply(SP_RADIUS_ACCESS_ACCEPT);
	sp_radius_put(&reply, SP_RADIUS_MESSAGE_AUTHENTICATOR, rfc_authenticator, 16);
	assert_int_equal(sp_radius_seal(&reply, SECRET), 0);
	assert_non_null(sp_radius_check_reply(&reply, &request, SECRET));
}

static void test_malformed_packets(void **state)
{
	uint8_t bytes[sizeof(rfc_accept) + 5] = {0};

	(void)state;
	memcpy(bytes, rfc_accept, sizeof(rfc_accept));
	for (size_t length = 0; length < sizeof(rfc_accept); length++)
		assert_false(sp_radius_receive(&reply, bytes, length));
	/* padding is none of the packet */
	assert_true(sp_radius_receive(&reply, bytes, sizeof(bytes)));
	assert_int_equal(reply.length, sizeof(rfc_accept));
	bytes[21] = 1; /* an attribute's length */
	assert_false(sp_radius_receive(&reply, bytes, sizeof(bytes)));
	bytes[21] = 0;
	assert_false(sp_radius_receive(&reply, bytes, sizeof(bytes)));
	bytes[21] = 19;
	assert_false(sp_radius_receive(&reply, bytes, sizeof(bytes)));
	bytes[21] = 6;
	bytes[3] = 19;
	assert_false(sp_radius_receive(&reply, bytes, sizeof(bytes)));
	bytes[3] = 21; /* ends within an attribute */
	assert_false(sp_radius_receive(&reply, bytes, sizeof(bytes)));
}

static void put_vendor(uint32_t vendor, uint8_t type, const void *value, uint8_t length)
{
	uint8_t inner[SP_RADIUS_VALUE] = {(uint8_t)(vendor >> 24),
	                                  (uint8_t)(vendor >> 16),
	                                  (uint8_t)(vendor >> 8),
	                                  (uint8_t)vendor,
	                                  type,
	                                  (uint8_t)(length + 2)};

	memcpy(inner + 6, value, length);
	sp_radius_put(&reply, SP_RADIUS_VENDOR_SPECIFIC, inner, 6u + length);
}

static void put_vendor_number(uint32_t vendor, uint8_t type, uint32_t number)
{
	const uint8_t value[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
	                          (uint8_t)(number >> 8), (uint8_t)number};

	put_vendor(vendor, type, value, sizeof(value));
}

static void put_until(const char *text)
{
	put_vendor(SP_RADIUS_VENDOR_WISPR, SP_RADIUS_WISPR_SESSION_TERMINATE_TIME, text,
	           (uint8_t)strlen(text));
}

static void test_terms(void **state)
{
	struct sp_radius_terms terms;

	(void)state;
	begin_reply(SP_RADIUS_ACCESS_ACCEPT);
	sp_radius_put_number(&reply, SP_RADIUS_SESSION_TIMEOUT, 3600);
	sp_radius_put_number(&reply, SP_RADIUS_IDLE_TIMEOUT, 600);
	sp_radius_put_number(&reply, SP_RADIUS_ACCT_INTERIM_INTERVAL, 5);
	put_vendor_number(SP_RADIUS_VENDOR_WISPR, SP_RADIUS_WISPR_BANDWIDTH_MAX_UP, 5000000);
	put_vendor_number(SP_RADIUS_VENDOR_CHILLISPOT, SP_RADIUS_CHILLI_BANDWIDTH_MAX_DOWN, 2000);
	put_vendor_number(SP_RADIUS_VENDOR_CHILLISPOT, SP_RADIUS_CHILLI_MAX_TOTAL_GIGAWORDS, 1);
	put_vendor_number(SP_RADIUS_VENDOR_CHILLISPOT, SP_RADIUS_CHILLI_MAX_TOTAL_OCTETS, 5);
	put_vendor_number(SP_RADIUS_VENDOR_CHILLISPOT, SP_RADIUS_CHILLI_MAX_INPUT_OCTETS, 7);
	put_vendor_number(9, 1, 77); /* another vendor's */
	sp_radius_terms_read(&terms, &reply, NOW);
	assert_false(terms.over);
	assert_int_equal(terms.given, SP_IPC_CHANGES_SECONDS | SP_IPC_CHANGES_IDLE |
	                                      SP_IPC_CHANGES_INTERIM | SP_IPC_CHANGES_RATE_UP |
	                                      SP_IPC_CHANGES_RATE_DOWN | SP_IPC_CHANGES_QUOTA |
	                                      SP_IPC_CHANGES_QUOTA_UP);
	assert_int_equal(terms.limits.seconds, 3600);
	assert_int_equal(terms.limits.idle, 600);
	assert_int_equal(terms.limits.interim, 60);
	assert_int_equal(terms.limits.rate_up, 5000000);
	assert_int_equal(terms.limits.rate_down, 2000000);
	assert_int_equal(terms.limits.quota, 0x100000005);
	assert_int_equal(terms.limits.quota_up, 7);
	assert_int_equal(terms.limits.quota_down, 0);
}

static void test_end_of_the_session(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds; /* 0: over; 1: passed over */
	} rows[] = {
		{"2023-11-14T22:13:30Z", 10},
		{"2023-11-14T23:13:30+01:00", 10},
		{"2023-11-14T20:43:30-01:30", 10},
		{"2023-11-14T22:13:20Z", 0},
		{"2001-01-01T00:00:00Z", 0},
		{"tomorrow", 1},
		{"2023-11-14T22:13:30+1:00x", 1},
		{"2023-11-14T22:13:30+99:00", 1},
		{"2023-11-14T22:13:30Z and more, far too long", 1},
	};
	struct sp_radius_terms terms;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin_reply(SP_RADIUS_ACCESS_ACCEPT);
		put_until(rows[i].text);
		sp_radius_terms_read(&terms, &reply, NOW);
		assert_int_equal(terms.over, rows[i].seconds == 0);
		assert_int_equal(terms.given, rows[i].seconds == 1 ? 0 : SP_IPC_CHANGES_SECONDS);
		assert_int_equal(terms.limits.seconds, rows[i].seconds == 10 ? 10 : 0);
	}
	/* The earlier of the two ends it. */
	begin_reply(SP_RADIUS_ACCESS_ACCEPT);
	sp_radius_put_number(&reply, SP_RADIUS_SESSION_TIMEOUT, 5);
	put_until("2023-11-14T22:13:30Z");
	sp_radius_terms_read(&terms, &reply, NOW);
	assert_int_equal(terms.limits.seconds, 5);
}

/* Numbers that no session can have become the most that it can. */
static void test_too_much(void **state)
{
	struct sp_radius_terms terms;

	(void)state;
	begin_reply(SP_RADIUS_ACCESS_ACCEPT);
	put_until("4060-01-01T00:00:00Z");
	sp_radius_put_number(&reply, SP_RADIUS_IDLE_TIMEOUT, UINT32_MAX);
	sp_radius_put_number(&reply, SP_RADIUS_ACCT_INTERIM_INTERVAL, UINT32_MAX);
	put_vendor_number(SP_RADIUS_VENDOR_CHILLISPOT, SP_RADIUS_CHILLI_BANDWIDTH_MAX_UP,
	                  UINT32_MAX);
	put_vendor_number(SP_RADIUS_VENDOR_WISPR, SP_RADIUS_WISPR_BANDWIDTH_MAX_DOWN, 1);
	sp_radius_terms_read(&terms, &reply, NOW);
	assert_int_equal(terms.limits.seconds, SP_IPC_TIME_MOST);
	assert_int_equal(terms.limits.idle, SP_IPC_TIME_MOST);
	assert_int_equal(terms.limits.interim, SP_IPC_TIME_MOST);
	assert_int_equal(terms.limits.rate_up, SP_IPC_RATE_MOST);
	assert_int_equal(terms.limits.rate_down, 8000);
}

/* Attributes of a wrong length say nothing; a vendor's own form is no row of attributes. */
static void test_odd_attributes(void **state)
{
	static const uint8_t own_form[] = {0, 0, 0x37, 0x2a, 7, 200, 1, 2, 3};
	struct sp_radius_terms terms;

	(void)state;
	begin_reply(SP_RADIUS_ACCESS_ACCEPT);
	sp_radius_put(&reply, SP_RADIUS_SESSION_TIMEOUT, "123", 3);
	sp_radius_put(&reply, SP_RADIUS_VENDOR_SPECIFIC, own_form, sizeof(own_form));
	sp_radius_put(&reply, SP_RADIUS_VENDOR_SPECIFIC, own_form, 4);
	sp_radius_put(&reply, SP_RADIUS_VENDOR_SPECIFIC, "\0\0\0\0\x1b\x06\0\0\0\x09", 10);
	sp_radius_put_number(&reply, SP_RADIUS_IDLE_TIMEOUT, 9);
	sp_radius_terms_read(&terms, &reply, NOW);
	assert_int_equal(terms.given, SP_IPC_CHANGES_IDLE);
	assert_int_equal(terms.limits.idle, 9);
}

static void test_verdicts(void **state)
{
	struct sp_ipc_verdict verdict = {0};

	(void)state;
	begin_reply(SP_RADIUS_ACCESS_ACCEPT);
	sp_radius_put_text(&reply, SP_RADIUS_REPLY_MESSAGE, "Grüß Gott,\n");
	sp_radius_put_text(&reply, SP_RADIUS_REPLY_MESSAGE, "\033[31mred");
	sp_radius_put_text(&reply, SP_RADIUS_REPLY_MESSAGE, "Frau Holle");
	sp_radius_put(&reply, SP_RADIUS_CLASS, "\0a", 2);
	sp_radius_put(&reply, SP_RADIUS_CLASS, "bcd", 3);
	sp_radius_put_text(&reply, SP_RADIUS_USER_NAME, "holle@example.org");
	finish_reply();
	sp_radius_judge(&reply, NOW, &verdict);
	assert_int_equal(verdict.result, SP_IPC_DONE);
	assert_int_equal(verdict.limited, 0);
	assert_string_equal(verdict.said, "Grüß Gott, Frau Holle");
	assert_string_equal(verdict.name, "holle@example.org");
	assert_int_equal(verdict.class_length, 7);
	assert_memory_equal(verdict.class_bytes, "\2\0a\3bcd", 7);

	verdict = (struct sp_ipc_verdict){0};
	begin_reply(SP_RADIUS_ACCESS_REJECT);
	sp_radius_put_text(&reply, SP_RADIUS_REPLY_MESSAGE, "No");
	sp_radius_put_number(&reply, SP_RADIUS_SESSION_TIMEOUT, 5);
	sp_radius_judge(&reply, NOW, &verdict);
	assert_int_equal(verdict.result, SP_IPC_WRONG);
	assert_int_equal(verdict.limited, 0);
	assert_string_equal(verdict.said, "No");

	verdict = (struct sp_ipc_verdict){0};
	begin_reply(SP_RADIUS_ACCESS_CHALLENGE);
	sp_radius_judge(&reply, NOW, &verdict);
	assert_int_equal(verdict.result, SP_IPC_WRONG);

	verdict = (struct sp_ipc_verdict){0};
	begin_reply(SP_RADIUS_ACCESS_ACCEPT);
	put_until("2001-01-01T00:00:00Z");
	sp_radius_judge(&reply, NOW, &verdict);
	assert_int_equal(verdict.result, SP_IPC_OVER);
}

/* Long sentences are cut between characters; what is too much of Class is left out whole. */
static void test_more_than_fits(void **state)
{
	struct sp_ipc_verdict verdict = {0};
	uint8_t value[SP_RADIUS_VALUE];

	(void)state;
	for (unsigned i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t) "ü"[i % 2];
	begin_reply(SP_RADIUS_ACCESS_ACCEPT);
	for (unsigned i = 0; i < 3; i++) {
		sp_radius_put(&reply, SP_RADIUS_REPLY_MESSAGE, value, 252);
		sp_radius_put(&reply, SP_RADIUS_CLASS, value, SP_RADIUS_VALUE);
	}
	sp_radius_judge(&reply, NOW, &verdict);
	assert_int_equal(strlen(verdict.said), 255);
	assert_memory_equal(verdict.said + 252, " ü", 3);
	assert_int_equal(verdict.class_length, 254);
	assert_int_equal(verdict.class_bytes[0], 253);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hidden_password),
		cmocka_unit_test(test_chap),
		cmocka_unit_test(test_password_lengths),
		cmocka_unit_test(test_full_packet),
		cmocka_unit_test(test_unsigned_answer),
		cmocka_unit_test(test_good_answers),
		cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_wrong_kinds_of_answer),
		cmocka_unit_test(test_malformed_packets),
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_end_of_the_session),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_odd_attributes),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_more_than_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
