/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the doctor's prober makes of answers: good ones, those to other questions, broken ones.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/prober.h"
#include "prober/dns.h"
#include "prober/http.h"

#define ID 0x1234

static const struct sp_probe_question question = {.kind = SP_PROBE_A, .name = "portal.example"};

/* The answer to @question with one address; returns its length. */
static size_t make_answer(uint8_t message[512], const struct sp_probe_question *to)
{
	static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 85, 0, 1};
	int length = sp_dns_query(message, to, ID);

	assert_true(length > 12);
	message[2] |= 0x80; /* QR */
	message[7] = 1;     /* ANCOUNT */
	memcpy(message + length, record, sizeof(record));
	return (size_t)length + sizeof(record);
}

static void test_address(void **state)
{
	struct sp_probe_answer answer;
	uint8_t message[512];
	size_t length = make_answer(message, &question);

	(void)state;
	assert_int_equal(sp_dns_read(&answer, &question, ID, message, length), 0);
	assert_int_equal(answer.outcome, SP_PROBE_ANSWERED);
	assert_int_equal(answer.code, 0);
	assert_int_equal(answer.count, 1);
	assert_memory_equal(&answer.address[0].word[3], "\x0a\x55\x00\x01", 4);
}

static void test_refusal(void **state)
{
	struct sp_probe_answer answer;
	uint8_t message[512];
	int length = sp_dns_query(message, &question, ID);

	(void)state;
	message[2] |= 0x80;
	message[3] = 5; /* REFUSED */
	assert_int_equal(sp_dns_read(&answer, &question, ID, message, (size_t)length), 0);
	assert_int_equal(answer.outcome, SP_PROBE_ANSWERED);
	assert_int_equal(answer.code, 5);
	assert_int_equal(answer.count, 0);
}

/* Of another question, or the question itself, come back. */
static void test_not_ours(void **state)
{
	struct sp_probe_answer answer;
	uint8_t message[512];
	size_t length = make_answer(message, &question);

	(void)state;
	assert_int_equal(sp_dns_read(&answer, &question, ID + 1, message, length), -EAGAIN);
	message[2] &= 0x7f;
	assert_int_equal(sp_dns_read(&answer, &question, ID, message, length), -EAGAIN);
}

static void test_broken(void **state)
{
	static const struct sp_probe_question other = {.kind = SP_PROBE_A, .name = "other.example"};
	static const struct sp_probe_question six = {.kind = SP_PROBE_AAAA,
	                                             .name = "portal.example"};
	struct sp_probe_answer answer;
	uint8_t message[512];
	size_t length = make_answer(message, &other);

	(void)state;
	assert_int_equal(sp_dns_read(&answer, &question, ID, message, length), -EBADMSG);
	assert_int_equal(answer.outcome, SP_PROBE_NONSENSE);
	length = make_answer(message, &six);
	assert_int_equal(sp_dns_read(&answer, &question, ID, message, length), -EBADMSG);
	/* Cut off anywhere. */
	length = make_answer(message, &question);
	for (size_t cut = 0; cut < length; cut++) {
		assert_int_equal(sp_dns_read(&answer, &question, ID, message, cut), -EBADMSG);
		assert_int_equal(answer.outcome, SP_PROBE_NONSENSE);
	}
}

static void test_name_that_is_none(void **state)
{
	static const struct sp_probe_question bad = {.kind = SP_PROBE_A, .name = "a..b"};
	uint8_t query[SP_DNS_QUERY];

	(void)state;
	assert_int_equal(sp_dns_query(query, &bad, ID), -EINVAL);
}

static void read_http(const char *text, enum sp_probe_outcome outcome, unsigned code)
{
	struct sp_probe_answer answer;

	sp_http_read(&answer, text, strlen(text));
	assert_int_equal(answer.outcome, outcome);
	assert_int_equal(answer.code, code);
}

static void test_http(void **state)
{
	(void)state;
	read_http("HTTP/1.1 200 OK\r\n", SP_PROBE_ANSWERED, 200);
	read_http("HTTP/1.0 511", SP_PROBE_ANSWERED, 511);
	read_http("HTTP/1.1 20", SP_PROBE_NONSENSE, 0);
	read_http("HTTP/1.1 2x0 OK\r\n", SP_PROBE_NONSENSE, 0);
	read_http("SSH-2.0-OpenSSH_9.2\r\n", SP_PROBE_NONSENSE, 0);
	read_http("", SP_PROBE_NONSENSE, 0);
}

static void test_liars(void **state)
{
	struct sp_ipc_probed probed = {.header.kind = SP_IPC_PROBED};

	(void)state;
	assert_true(sp_ipc_probed_fits(&probed));
	probed.answer[SP_PROBE_QUESTIONS - 1].count = SP_PROBE_ADDRESSES + 1;
	assert_false(sp_ipc_probed_fits(&probed));
	probed.answer[SP_PROBE_QUESTIONS - 1].count = 0;
	probed.answer[0].outcome = SP_PROBE_NONSENSE + 1;
	assert_false(sp_ipc_probed_fits(&probed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_name_that_is_none),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_liars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
