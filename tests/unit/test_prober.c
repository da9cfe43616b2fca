/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the doctor's prober makes of answers: good ones, those to other questions, broken ones.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/tcp.h>

#include "doctor/frame.h"
#include "ipc/prober.h"
#include "prober/dns.h"
#include "prober/http.h"
#include "prober/wire.h"

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

/* --- frames; the doctor's own ones stand for the gateway's --- */

#define CLIENT_PORT 50000

static const struct sp_frame_ends to_client = {
	.from = 0x0a550001, .to = 0x0a5500fe, .from_port = 443, .to_port = CLIENT_PORT};

static int read_frame(struct sp_probe_answer *answer, enum sp_probe_kind kind, uint32_t port,
                      const struct sp_frame *frame)
{
	const struct sp_probe_question wire = {
		.kind = kind, .id = ID, .port = port, .name = "portal.example"};
	static struct sp_probe_answer cut;

	/* What is cut off is never read beyond its end. */
	for (size_t length = 0; length < frame->length; length++) {
		uint8_t *copy = malloc(length + 1);

		assert_non_null(copy);
		memcpy(copy, frame->byte, length);
		sp_wire_read(&cut, &wire, copy, length);
		free(copy);
	}
	return sp_wire_read(answer, &wire, frame->byte, frame->length);
}

static void test_handshake(void **state)
{
	struct sp_probe_answer answer;
	struct sp_frame frame;

	(void)state;
	sp_frame_tcp(&frame, &to_client,
	             &(struct sp_frame_segment){.sequence = 7, .flags = TH_SYN | TH_ACK});
	assert_int_equal(read_frame(&answer, SP_PROBE_WIRE_TCP, CLIENT_PORT, &frame), 0);
	assert_int_equal(answer.outcome, SP_PROBE_ANSWERED);
	assert_int_equal(answer.sequence, 7);
	assert_int_equal(read_frame(&answer, SP_PROBE_WIRE_TCP, CLIENT_PORT + 1, &frame), -EAGAIN);
	sp_frame_tcp(&frame, &to_client,
	             &(struct sp_frame_segment){.sequence = 7, .flags = TH_RST | TH_ACK});
	assert_int_equal(read_frame(&answer, SP_PROBE_WIRE_TCP, CLIENT_PORT, &frame), 0);
	assert_int_equal(answer.outcome, SP_PROBE_REFUSED);
}

static int read_page(struct sp_probe_answer *answer, uint8_t flags, const char *text)
{
	const struct sp_frame_segment segment = {.sequence = 7, .flags = flags, .text = text};
	struct sp_frame frame;

	sp_frame_tcp(&frame, &to_client, &segment);
	return read_frame(answer, SP_PROBE_WIRE_HTTP, CLIENT_PORT, &frame);
}

static void test_page(void **state)
{
	struct sp_probe_answer answer;

	(void)state;
	assert_int_equal(read_page(&answer, TH_SYN | TH_ACK, NULL), -EAGAIN);
	assert_int_equal(read_page(&answer, TH_ACK, NULL), -EAGAIN);
	assert_int_equal(read_page(&answer, TH_ACK | TH_FIN, "HTTP/1.1 511 Network"), 0);
	assert_int_equal(answer.outcome, SP_PROBE_ANSWERED);
	assert_int_equal(answer.code, 511);
	assert_int_equal(read_page(&answer, TH_ACK, "SSH-2.0-OpenSSH_9.2\r\n"), 0);
	assert_int_equal(answer.outcome, SP_PROBE_NONSENSE);
	assert_int_equal(read_page(&answer, TH_RST, NULL), 0);
	assert_int_equal(answer.outcome, SP_PROBE_REFUSED);
}

/* What a client would ask is understood, so that what it is told is, too. */
static void test_question_on_the_wire(void **state)
{
	struct sp_probe_answer answer;
	struct sp_frame frame;

	(void)state;
	sp_frame_dns(&frame, &to_client, ID, "portal.example");
	assert_int_equal(read_frame(&answer, SP_PROBE_WIRE_DNS, CLIENT_PORT, &frame), -EAGAIN);
	frame.byte[14 + 20 + 8 + 2] |= 0x80; /* QR */
	assert_int_equal(read_frame(&answer, SP_PROBE_WIRE_DNS, CLIENT_PORT, &frame), 0);
	assert_int_equal(answer.outcome, SP_PROBE_ANSWERED);
	assert_int_equal(answer.count, 0);
}

/* An offer with the options @options; the rest is as in the doctor's own DHCPDISCOVER. */
static int read_offer(struct sp_probe_answer *answer, const char *options, size_t size)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
	struct sp_frame frame;

	sp_frame_dhcp(&frame, mac, ID);
	frame.byte[14 + 20 + 3] = 68; /* the destination's port */
	assert_true(size <= 60);
	memset(frame.byte + 14 + 20 + 8 + 240, 0, 60);
	memcpy(frame.byte + 14 + 20 + 8 + 240, options, size);
	return read_frame(answer, SP_PROBE_WIRE_DHCP, 0, &frame);
}

static void test_offer(void **state)
{
	static const char announced[] = "\x35\x01\x02\0\0\x72\x09https://x\xff";
	static const char too_long[] = "\x35\x01\x02\x72\xf0https://x";
	struct sp_probe_answer answer;

	(void)state;
	assert_int_equal(read_offer(&answer, announced, sizeof(announced)), 0);
	assert_int_equal(answer.outcome, SP_PROBE_ANSWERED);
	assert_int_equal(answer.code, 2);
	assert_string_equal(answer.text, "https://x");
	assert_int_equal(read_offer(&answer, "\x35\x01\x02\xff", 4), 0);
	assert_string_equal(answer.text, "");
	assert_int_equal(read_offer(&answer, too_long, sizeof(too_long)), 0);
	assert_int_equal(answer.code, 2);
	assert_string_equal(answer.text, "");
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
	probed.answer[0].outcome = SP_PROBE_ANSWERED;
	memset(probed.answer[0].text, 'x', sizeof(probed.answer[0].text));
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
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_question_on_the_wire),
		cmocka_unit_test(test_offer),
		cmocka_unit_test(test_liars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
