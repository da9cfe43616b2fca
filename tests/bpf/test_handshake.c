// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Captured connections without a socket (bpf/handshake.h), segment by segment: what is answered,
 * what becomes a letter to the responder, and what gets a socket after all. In a test run the
 * kernel gives no packet to a socket, so what is handed over ends as ASSIGN, as the frame that the
 * socket would have had; test_letters.c has what real ones get. On a kernel that cannot do it
 * everything goes to the listener, which is what is checked then.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "run.h"
#include "rows.h"
#include "segments.h"

#define GET  "GET / HTTP/1.0\r\n\r\n"
#define HEAD "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
#define ISN  0xfffffff0u /* of the client: wraps in its request */

#define TEXT(text) .payload = (text), .size = sizeof(text) - 1

static const struct sp_settings settings = {
	.abi_version = SP_ABI_VERSION,
	.workers = 1,
	.cookie_key = {0x0706050403020100, 0x0f0e0d0c0b0a0908},
};

/* What is to become of a segment. */
enum fate {
	ANSWERED, /* sent back as what is compared */
	HEARD,    /* dropped, and all is well */
	UNTIMELY, /* dropped, to come again */
	LETTER,   /* to the responder's socket for letters */
	ADOPTED,  /* to the listener, which is to make a socket of its cookie */
	LISTENER, /* to the listener, as every SYN once was */
	JOINED,   /* to a socket that it finds by itself */
};

static const struct {
	enum sp_reason reason;
	int action;
	int served; /* as it is then remembered; negative: nothing is looked at */
} fates[] = {
	[ANSWERED] = {R(CAPTURED), TC_ACT_REDIRECT, -1},
	[HEARD] = {R(CAPTURED), TC_ACT_SHOT, -1},
	[UNTIMELY] = {R(UNTIMELY), TC_ACT_SHOT, -1},
	[LETTER] = {R(ASSIGN), TC_ACT_SHOT, SP_SERVED_BY_DATAGRAM},
	[ADOPTED] = {R(ASSIGN), TC_ACT_SHOT, SP_SERVED_ADOPTED},
	[LISTENER] = {R(ASSIGN), TC_ACT_SHOT, SP_SERVED_BY_SOCKET},
	[JOINED] = {R(CAPTURED), TC_ACT_OK, SP_SERVED_ADOPTED},
};

/* --- the gateway --- */

static int letters[2], listeners[2]; /* by is_ipv6 */

/* In a network namespace of its own, which ends with the program. */
static int open_sockets(void **unused)
{
	(void)unused;
	if (unshare(CLONE_NEWNET) || system("ip link set lo up"))
		return -1;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		letters[is_ipv6] = sp_segment_socket(is_ipv6, SOCK_DGRAM);
		listeners[is_ipv6] = sp_segment_socket(is_ipv6, SOCK_STREAM);
		if (letters[is_ipv6] < 0 || listeners[is_ipv6] < 0)
			return -1;
	}
	return 0;
}

static void hand_over(struct sp_bench *bench, uint32_t index, int fd)
{
	const uint64_t value = (uint64_t)fd;

	if (bpf_map_update_elem(bench->listeners, &index, &value, BPF_ANY))
		fail_msg("cannot hand over a socket: %s", strerror(errno));
}

static struct sp_bench *open_taking(void)
{
	struct sp_bench *bench = sp_bench_open_taking();

	sp_bench_settings(bench, &settings);
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		hand_over(bench, SP_LETTERS(0, 0, is_ipv6), letters[is_ipv6]);
		hand_over(bench, SP_LISTENER(0, 0, is_ipv6), listeners[is_ipv6]);
	}
	return bench;
}

static void take_socket(struct sp_bench *bench, uint32_t index)
{
	if (bpf_map_delete_elem(bench->listeners, &index))
		fail_msg("cannot take a socket away: %s", strerror(errno));
}

/* --- what is remembered --- */

static void forget_captures(struct sp_bench *bench)
{
	int map = sp_bench_map(bench, "captures");
	struct sp_capture_key key;

	while (!bpf_map_get_next_key(map, NULL, &key))
		if (bpf_map_delete_elem(map, &key))
			fail_msg("cannot forget a capture: %s", strerror(errno));
}

/* The one connection that is remembered. False: there is none. */
static bool find_capture(struct sp_bench *bench, struct sp_capture_key *key,
                         struct sp_capture *capture)
{
	int map = sp_bench_map(bench, "captures");
	struct sp_capture_key next;

	if (bpf_map_get_next_key(map, NULL, key))
		return false;
	if (!bpf_map_get_next_key(map, key, &next))
		fail_msg("two connections are remembered");
	if (bpf_map_lookup_elem(map, key, capture))
		fail_msg("cannot read a capture: %s", strerror(errno));
	return true;
}

/* The stand-in under which @segment's connection is remembered, which must be as @served. */
static uint16_t check_capture(struct sp_bench *bench, const struct sp_test_segment *segment,
                              int served)
{
	char text[16];
	struct sp_capture capture;
	struct sp_capture_key key;
	struct sp_address client, server;

	snprintf(text, sizeof(text), segment->is_ipv6 ? "fd85::%x" : "10.85.0.%u",
	         segment->client ?: SP_SEGMENT_CLIENT);
	client = sp_packet_address(text);
	server = sp_packet_address(segment->is_ipv6 ? "fd86::2" : "10.86.0.2");
	if (!find_capture(bench, &key, &capture))
		fail_msg("the connection is not remembered");
	assert_memory_equal(&key.client, &client, sizeof(client));
	assert_int_equal(key.client_port, htons(segment->port));
	assert_memory_equal(&capture.server, &server, sizeof(server));
	assert_int_equal(capture.port, htons(SP_SEGMENT_PORT));
	assert_int_equal(capture.served, served);
	assert_true(ntohs(key.server_port) >= 0x8000);
	return ntohs(key.server_port);
}

static void write_capture(struct sp_bench *bench, const struct sp_capture_key *key,
                          const struct sp_capture *capture)
{
	if (bpf_map_update_elem(sp_bench_map(bench, "captures"), key, capture, BPF_ANY))
		fail_msg("cannot write a capture: %s", strerror(errno));
}

/* As if the connection had been served so. */
static void remember(struct sp_bench *bench, const struct sp_test_segment *segment,
                     enum sp_served served)
{
	struct sp_frame_bytes frame;
	struct sp_capture capture;
	struct sp_capture_key key;
	struct sp_outcome outcome;
	struct sp_test_segment any = *segment;

	any.flags = SP_SYN | SP_FIN; /* always the listener's */
	forget_captures(bench);
	sp_segment_build(&any, &frame);
	sp_bench_run(bench, SP_IN, &frame, NULL, &outcome);
	if (!find_capture(bench, &key, &capture))
		fail_msg("nothing is remembered");
	capture.served = (__u16)served;
	write_capture(bench, &key, &capture);
}

/* --- running a segment --- */

static bool possible(const struct sp_bench *bench)
{
	return bench->load.cookies;
}

static void compare(const char *name, const struct sp_frame_bytes *is,
                    const struct sp_frame_bytes *wanted)
{
	if (is->length != wanted->length)
		fail_msg("%s: the frame has %zu bytes instead of %zu", name, is->length,
		         wanted->length);
	for (size_t i = 0; i < is->length; i++)
		if (is->byte[i] != wanted->byte[i])
			fail_msg("%s: byte %zu (%zd behind the IP header's begin) is %02x "
			         "instead of %02x",
			         name, i, (ssize_t)i - (ssize_t)wanted->network, is->byte[i],
			         wanted->byte[i]);
}

/* How a connection is remembered after a segment of that @fate: what goes to the listener without
 * opening anything changes nothing. */
static int served_then(struct sp_bench *bench, const struct sp_test_segment *segment,
                       enum fate fate)
{
	struct sp_capture capture;
	struct sp_capture_key key;

	if (fate == LISTENER && !(segment->flags & SP_SYN) && find_capture(bench, &key, &capture))
		return capture.served;
	return fates[fate].served;
}

/* Run @frame, which is @segment; it must have that @fate, and if that is to be answered, with
 * @answer. */
static void run(struct sp_bench *bench, const char *name, const struct sp_test_segment *segment,
                const struct sp_frame_bytes *frame, const struct sp_run *how, enum fate fate,
                const struct sp_test_segment *answer)
{
	static struct sp_frame_bytes wanted;
	struct sp_outcome outcome;
	uint16_t stand_in = 0;
	int served;

	if (!possible(bench) && fate != JOINED)
		fate = LISTENER;
	served = served_then(bench, segment, fate);
	sp_bench_run(bench, SP_IN, frame, how, &outcome);
	if (outcome.reason != fates[fate].reason || outcome.action != fates[fate].action)
		fail_msg("%s: %s and action %d instead of %s and %d", name,
		         sp_reason_label(outcome.reason), outcome.action,
		         sp_reason_label(fates[fate].reason), fates[fate].action);
	assert_int_equal(outcome.packets, how ? how->gso_segs : 1);
	if (served >= 0) {
		stand_in = check_capture(bench, segment, served);
		assert_int_equal(outcome.mark, SP_TEST_MARK);
	}
	if (fate == ANSWERED)
		sp_segment_answer(answer, &wanted);
	else if (fate == LETTER)
		sp_segment_letter(segment, stand_in, &wanted);
	else if (served >= 0)
		sp_segment_handed(segment, stand_in, &wanted);
	else
		wanted = *frame;
	compare(name, outcome.answer ?: frame, &wanted);
}

static void expect(struct sp_bench *bench, const char *name, const struct sp_test_segment *segment,
                   enum fate fate, const struct sp_test_segment *answer)
{
	static struct sp_frame_bytes frame;

	sp_segment_build(segment, &frame);
	run(bench, name, segment, &frame, NULL, fate, answer);
}

/* --- cookies --- */

/* What the client's connection begins with. */
static struct sp_test_segment opening(bool is_ipv6)
{
	struct sp_test_segment syn = sp_segment_opening(is_ipv6, 40000);

	syn.sequence = ISN;
	return syn;
}

/* The cookie of @syn as many units of time ago. */
static uint32_t cookie_of(const struct sp_test_segment *syn, uint64_t age)
{
	return sp_test_cookie(syn, settings.cookie_key, sp_test_cookie_unit() - age);
}

/* The segment with which the client goes on, once it has had the answer to @syn: all of it in place
 * but flags and payload. */
static struct sp_test_segment after(const struct sp_test_segment *syn)
{
	struct sp_test_segment next = *syn;

	next.sequence = syn->sequence + 1;
	next.acknowledgement = cookie_of(syn, 0) + 1;
	next.flags = SP_ACK;
	next.window = 64240;
	next.option_bytes = 0;
	return next;
}

/* The same with a request. */
static struct sp_test_segment asking(const struct sp_test_segment *syn)
{
	struct sp_test_segment request = after(syn);

	request.payload = GET;
	request.size = sizeof(GET) - 1;
	return request;
}

static void siphash(void **unused)
{
	/* Appendix A of the paper. */
	uint8_t key[16], message[15];

	(void)unused;
	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	memcpy(message, key, sizeof(message));
	assert_true(sp_test_siphash(key, message, sizeof(message)) == 0xa129ca6149be45e5);
}

/* The sequence number of the answer to @syn, which is otherwise as it must be. */
static uint32_t opened(struct sp_bench *bench, const char *name, const struct sp_test_segment *syn)
{
	static struct sp_frame_bytes frame;
	struct sp_test_segment answer;
	uint32_t sequence = 0;
	struct sp_outcome outcome;

	if (!possible(bench)) {
		expect(bench, name, syn, LISTENER, NULL);
		return cookie_of(syn, 0);
	}
	sp_segment_build(syn, &frame);
	sp_bench_run(bench, SP_IN, &frame, NULL, &outcome);
	if (outcome.reason != R(CAPTURED) || outcome.action != TC_ACT_REDIRECT || !outcome.answer)
		fail_msg("%s: %s and action %d", name, sp_reason_label(outcome.reason),
		         outcome.action);
	memcpy(&sequence, outcome.answer->byte + outcome.answer->network + (syn->is_ipv6 ? 44 : 24),
	       4);
	answer = sp_segment_back(syn, ntohl(sequence), SP_SYN | SP_ACK, 1);
	sp_segment_answer(&answer, &frame);
	compare(name, outcome.answer, &frame);
	return ntohl(sequence);
}

/* The answer has the cookie of now: of one of the units in which it can have been made. */
static void check_opened(struct sp_bench *bench, const char *name,
                         const struct sp_test_segment *syn)
{
	uint32_t before = cookie_of(syn, 0), is = opened(bench, name, syn);

	forget_captures(bench);
	if (is != before && is != cookie_of(syn, 0))
		fail_msg("%s: the cookie is %08x instead of %08x", name, is, before);
}

static void syn_is_answered(void **unused)
{
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct sp_test_segment syn = opening(is_ipv6);

		for (syn.tags = 0; syn.tags < 3; syn.tags++)
			check_opened(bench, "SYN", &syn);
		syn.tags = 0;
		check_opened(bench, "the same", &syn);
		syn.port++;
		check_opened(bench, "another port", &syn);
		syn.client = 77;
		check_opened(bench, "another client", &syn);
		syn.sequence = 12;
		check_opened(bench, "another sequence number", &syn);
		syn.padding = 9;
		check_opened(bench, "padding", &syn);
		syn.flags = SP_SYN | 0xc0;
		check_opened(bench, "congestion notification", &syn);
	}
}

/* What a socket has to answer: what no cookie can hold, or what must not be answered so. */
static void syn_for_a_socket(void **unused)
{
	static const uint8_t less[] = {2, 4, 1399 >> 8, 1399 & 0xff},
			     behind[] = {1, 1, 1, 1, 2, 4, 5, 180};
	static const uint8_t longer[] = {2, 8, 5, 180, 0, 0, 0, 0}, kind[] = {3, 4, 5, 180};
	static const struct {
		const char *name;
		const uint8_t *option;
		uint8_t bytes, flags;
	} rows[] = {
		{"smaller segments", less, sizeof(less), SP_SYN},
		{"no option", NULL, 0, SP_SYN},
		{"another option in front", behind, sizeof(behind), SP_SYN},
		{"the option with another length", longer, sizeof(longer), SP_SYN},
		{"another option", kind, sizeof(kind), SP_SYN},
		{"SYN and ACK", sp_segment_mss, sizeof(sp_segment_mss), SP_SYN | SP_ACK},
		{"SYN and FIN", sp_segment_mss, sizeof(sp_segment_mss), SP_SYN | SP_FIN},
		{"SYN and RST", sp_segment_mss, sizeof(sp_segment_mss), SP_SYN | SP_RST},
	};
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		struct sp_test_segment syn = opening(i & 1);

		syn.option = rows[i / 2].option;
		syn.option_bytes = rows[i / 2].bytes;
		syn.flags = rows[i / 2].flags;
		forget_captures(bench);
		expect(bench, rows[i / 2].name, &syn, LISTENER, NULL);
	}
}

/* More options than that of the size, or larger segments: the answer is the same. */
static void syn_with_more(void **unused)
{
	static const uint8_t linux_like[] = {2, 4, 5, 180, 4, 2, 8, 10, 1, 2,
	                                     3, 4, 0, 0,   0, 0, 1, 3,  3, 7};
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct sp_test_segment syn = opening(is_ipv6);

		syn.option = linux_like;
		syn.option_bytes = sizeof(linux_like);
		check_opened(bench, "usual options", &syn);
		/* RFC 7413 section 3: what is not acknowledged is sent again. */
		syn.payload = GET;
		syn.size = sizeof(GET) - 1;
		check_opened(bench, "data in the SYN", &syn);
	}
}

/* The client uses a port again whose last connection was a socket's. */
static void syn_of_a_known_connection(void **unused)
{
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct sp_test_segment syn = opening(is_ipv6);

		remember(bench, &syn, SP_SERVED_BY_SOCKET);
		expect(bench, "of a socket", &syn, LISTENER, NULL);
		remember(bench, &syn, SP_SERVED_ADOPTED);
		expect(bench, "of an adopted socket", &syn, LISTENER, NULL);
		remember(bench, &syn, SP_SERVED_BY_DATAGRAM);
		opened(bench, "of letters", &syn);
		remember(bench, &syn, SP_SERVED_DECLINED);
		opened(bench, "of letters that were declined", &syn);
	}
}

static void opened_is_told(void **unused)
{
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned i = 0; i < 6; i++) {
		struct sp_test_segment syn = opening(i & 1), ack = after(&syn);

		ack.tags = (uint8_t)(i / 2);
		ack.padding = 6;
		forget_captures(bench);
		expect(bench, "ACK", &ack, LETTER, NULL);
	}
}

static void requests(void **unused)
{
	static const struct sp_test_segment rows[] = {
		{TEXT(GET), .flags = SP_ACK | SP_PSH},
		{TEXT(HEAD), .flags = SP_ACK},
		{TEXT(GET), .flags = SP_ACK | SP_PSH | SP_FIN},
		{TEXT(GET), .flags = SP_ACK | SP_PSH, .tags = 1, .padding = 13},
		{TEXT(GET), .flags = SP_ACK | SP_PSH, .tags = 2},
		{TEXT(GET), .flags = SP_ACK | SP_PSH, .window = 1400},
		{TEXT("HEAD a\xff\x00 whatever\r\n\r\n"), .flags = SP_ACK},
	};
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		struct sp_test_segment syn = opening(i & 1), request = after(&syn);

		request.payload = rows[i / 2].payload;
		request.size = rows[i / 2].size;
		request.flags = rows[i / 2].flags;
		request.tags = rows[i / 2].tags;
		request.padding = rows[i / 2].padding;
		request.window = rows[i / 2].window ?: request.window;
		forget_captures(bench);
		expect(bench, request.payload, &request, LETTER, NULL);
		expect(bench, "the same again", &request, LETTER, NULL);
	}
}

/* A request of @size bytes. */
static void write_request(char *text, size_t size)
{
	static const char begin[4] = {'G', 'E', 'T', ' '}, end[4] = {'\r', '\n', '\r', '\n'};

	memset(text, 'a', size);
	memcpy(text, begin, sizeof(begin));
	memcpy(text + size - sizeof(end), end, sizeof(end));
}

/* Every length that a request may have. */
static void long_requests(void **unused)
{
	struct sp_bench *bench = open_taking();
	char text[1400];

	(void)unused;
	for (size_t size = 18; size <= 1400; size += size < 60 || size > 1390 ? 1 : 67) {
		struct sp_test_segment syn = opening(size & 1), request = after(&syn);

		write_request(text, size);
		request.payload = text;
		request.size = size;
		forget_captures(bench);
		expect(bench, "long request", &request, LETTER, NULL);
	}
}

static void requests_for_a_socket(void **unused)
{
	static const uint8_t stamps[12] = {1, 1, 8, 10}, looks_like[12] = {'G', 'E', 'T', ' '};
	static const struct sp_test_segment rows[] = {
		{TEXT("POST / HTTP/1.0\r\n\r\n")},
		{TEXT("GET / HTTP/1.1\r\nHost: a\r\n")},
		{TEXT("GET /\r\n\r\n aaaaaaaaaaaaaaa\r\n")},
		{TEXT("get / HTTP/1.0\r\n\r\n")},
		{TEXT("GETA/ HTTP/1.0\r\n\r\n")},
		{TEXT("GET / HTTP/1.\r\n\r\n")}, /* 17 bytes */
		{TEXT("G")},
		{TEXT("\r\n\r\n")},
		{TEXT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03zzzzzzzzzzzzzzz")},
		{TEXT(GET), .window = 1399},
		{TEXT(GET), .option = stamps, .option_bytes = sizeof(stamps)},
		{TEXT("aaaaaaaaaaaaaa\r\n\r\naaaaaaaaaaaa"), .option = looks_like,
	         .option_bytes = sizeof(looks_like)},
		{TEXT("POST / HTTP/1.0\r\n"), .flags = SP_FIN},
	};
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		struct sp_test_segment syn = opening(i & 1), request = after(&syn);

		request.payload = rows[i / 2].payload;
		request.size = rows[i / 2].size;
		request.flags |= rows[i / 2].flags;
		request.option = rows[i / 2].option;
		request.option_bytes = rows[i / 2].option_bytes;
		request.window = rows[i / 2].window ?: request.window;
		request.tags = (uint8_t)(i % 3);
		forget_captures(bench);
		expect(bench, request.payload, &request, ADOPTED, NULL);
		if (possible(bench))
			expect(bench, "what follows", &request, JOINED, NULL);
	}
}

/* More than a letter can hold. */
static void request_too_long(void **unused)
{
	static char text[1401];
	struct sp_bench *bench = open_taking();

	(void)unused;
	write_request(text, sizeof(text));
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct sp_test_segment syn = opening(is_ipv6), request = after(&syn);

		request.payload = text;
		request.size = sizeof(text);
		forget_captures(bench);
		expect(bench, "request of 1401 bytes", &request, ADOPTED, NULL);
	}
}

static void declined(void **unused)
{
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct sp_test_segment syn = opening(is_ipv6), request = asking(&syn);

		remember(bench, &request, SP_SERVED_DECLINED);
		expect(bench, "declined before", &request, ADOPTED, NULL);
		remember(bench, &request, SP_SERVED_BY_DATAGRAM);
		expect(bench, "not declined", &request, LETTER, NULL);
		remember(bench, &request, SP_SERVED_ADOPTED);
		expect(bench, "adopted", &request, JOINED, NULL);
	}
}

/* As if a request had been repeated so often that the next one gets a socket. */
static void remember_repeated(struct sp_bench *bench, const struct sp_test_segment *segment)
{
	struct sp_capture capture;
	struct sp_capture_key key;

	remember(bench, segment, SP_SERVED_BY_DATAGRAM);
	assert_true(find_capture(bench, &key, &capture));
	capture.asked = 4;
	write_capture(bench, &key, &capture);
}

/* The client uses a port again whose last request it had to repeat. */
static void a_new_connection_may_ask(void **unused)
{
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct sp_test_segment syn = opening(is_ipv6), request = asking(&syn);

		remember_repeated(bench, &request);
		expect(bench, "repeated too often", &request, ADOPTED, NULL);
		remember_repeated(bench, &request);
		opened(bench, "SYN", &syn);
		expect(bench, "of the new one", &request, LETTER, NULL);
	}
}

/* What is remembered is of another host, or another port, that has the same stand-in. */
static void stand_in_of_another(void **unused)
{
	static struct sp_frame_bytes frame;
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned i = 0; i < 4 && possible(bench); i++) {
		struct sp_test_segment syn = opening(i & 1), ack = after(&syn);
		struct sp_capture capture;
		struct sp_capture_key key;
		struct sp_outcome outcome;

		ack.sequence += 18;
		ack.acknowledgement += 2;
		remember(bench, &ack, SP_SERVED_BY_DATAGRAM);
		expect(bench, "its own", &ack, HEARD, NULL);
		assert_true(find_capture(bench, &key, &capture));
		if (i < 2)
			capture.port++;
		else
			capture.server.word[3]++;
		write_capture(bench, &key, &capture);
		sp_segment_build(&ack, &frame);
		sp_bench_run(bench, SP_IN, &frame, NULL, &outcome);
		assert_int_equal(outcome.reason, R(ASSIGN));
	}
}

/* A client that has heard nothing, and says what does not come first. */
static void out_of_order(void **unused)
{
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct sp_test_segment syn = opening(is_ipv6), later = after(&syn);

		later.sequence += 18;
		forget_captures(bench);
		expect(bench, "ACK of more", &later, HEARD, NULL);
		later.flags = SP_ACK | SP_FIN;
		expect(bench, "FIN behind data", &later, UNTIMELY, NULL);
		later.flags = SP_ACK;
		later.payload = GET;
		later.size = sizeof(GET) - 1;
		expect(bench, "data behind data", &later, UNTIMELY, NULL);
		later.sequence -= 19;
		expect(bench, "data before the first", &later, UNTIMELY, NULL);
	}
}

static void end_without_request(void **unused)
{
	static const uint8_t stamps[12] = {1, 1, 8, 10};
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned i = 0; i < 6; i++) {
		struct sp_test_segment syn = opening(i & 1), end = after(&syn), answer;

		end.flags = SP_FIN | SP_ACK;
		end.tags = (uint8_t)(i / 2);
		end.padding = 6;
		answer = sp_segment_back(&end, end.acknowledgement, SP_FIN | SP_ACK, 1);
		expect(bench, "FIN", &end, ANSWERED, &answer);
		forget_captures(bench);
		end.flags = SP_ACK;
		end.option = stamps;
		end.option_bytes = sizeof(stamps);
		expect(bench, "ACK with options", &end, HEARD, NULL);
		forget_captures(bench);
		end.option_bytes = 0;
		end.flags = SP_RST | SP_ACK;
		expect(bench, "reset", &end, HEARD, NULL);
		forget_captures(bench);
	}
}

/* @heard of the answer is acknowledged. */
static void check_after(struct sp_bench *bench, bool is_ipv6, uint32_t heard)
{
	struct sp_test_segment syn = opening(is_ipv6), next = after(&syn), answer;

	remember(bench, &next, SP_SERVED_BY_DATAGRAM);
	next.acknowledgement += heard;
	next.sequence += 18;
	next.tags = (uint8_t)(heard % 3);
	expect(bench, "ACK of the answer", &next, HEARD, NULL);
	next.flags = SP_ACK | SP_FIN;
	answer = sp_segment_back(&next, next.acknowledgement, SP_ACK, 1);
	expect(bench, "FIN", &next, ANSWERED, &answer);
	next.payload = GET;
	next.size = sizeof(GET) - 1;
	answer = sp_segment_back(&next, next.acknowledgement, SP_ACK, (uint32_t)next.size + 1);
	expect(bench, "data and FIN", &next, ANSWERED, &answer);
	next.flags = SP_ACK;
	answer = sp_segment_back(&next, next.acknowledgement, SP_ACK, (uint32_t)next.size);
	expect(bench, "data", &next, ANSWERED, &answer);
	next.flags = SP_RST | SP_ACK;
	expect(bench, "reset", &next, HEARD, NULL);
	/* Of nobody's connection: what is not remembered, and more than an answer ever is. */
	forget_captures(bench);
	next.flags = SP_ACK;
	expect(bench, "not remembered", &next, LISTENER, NULL);
	forget_captures(bench);
	next.flags = SP_RST;
	expect(bench, "reset without ACK", &next, LISTENER, NULL);
	next.flags = SP_ACK;
	next.acknowledgement += 1402 - heard;
	remember(bench, &next, SP_SERVED_BY_DATAGRAM);
	expect(bench, "more than was said", &next, LISTENER, NULL);
}

static void after_the_answer(void **unused)
{
	static const uint32_t heard[] = {1, 2, 536, 1400, 1401};
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned i = 0; i < 2 * sizeof(heard) / sizeof(*heard); i++)
		check_after(bench, i & 1, heard[i / 2]);
}

/* The twelve lowest bits say how much was heard; each other one counts. */
static void wrong_cookies(void **unused)
{
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned i = 0; i < 64; i++) {
		struct sp_test_segment syn = opening(i & 1), request = asking(&syn);
		unsigned bit = i / 2;

		request.acknowledgement = ((request.acknowledgement - 1) ^ 1u << bit) + 1;
		forget_captures(bench);
		if (bit >= 12)
			expect(bench, "wrong cookie", &request, bit < 23 ? LISTENER : UNTIMELY,
			       NULL);
	}
}

/* Whether @segment's cookie happens to fit its connection, now or in a minute: only 9 bits of it
 * are looked at. */
static bool fits_by_chance(const struct sp_test_segment *segment, const __u64 key[2])
{
	const uint32_t is = segment->acknowledgement - 1;

	for (uint64_t unit = sp_test_cookie_unit() + 1, age = 0; age < 5; age++) {
		uint32_t cookie = sp_test_cookie(segment, key, unit - age);
		uint32_t heard = (is - cookie) & 0xfff;

		if (!((is - heard - cookie) & 0x007ff000))
			return true;
	}
	return false;
}

/* What the cookie depends on. */
static void cookies_of_others(void **unused)
{
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct sp_test_segment syn = opening(is_ipv6), ack = after(&syn);
		struct sp_settings other = settings;

		do
			ack.port++;
		while (fits_by_chance(&ack, settings.cookie_key));
		forget_captures(bench);
		expect(bench, "another port", &ack, LISTENER, NULL);
		ack.port = syn.port;
		ack.client = SP_SEGMENT_CLIENT;
		do
			ack.client++;
		while (fits_by_chance(&ack, settings.cookie_key));
		forget_captures(bench);
		expect(bench, "another address", &ack, LISTENER, NULL);
		ack.client = 0;
		do
			other.cookie_key[is_ipv6]++;
		while (fits_by_chance(&ack, other.cookie_key));
		sp_bench_settings(bench, &other);
		forget_captures(bench);
		expect(bench, "another key", &ack, LISTENER, NULL);
		sp_bench_settings(bench, &settings);
		forget_captures(bench);
		expect(bench, "the very one", &ack, LETTER, NULL);
	}
}

/* The cookie is of @age units before the one in which the segment comes. */
static void check_age(struct sp_bench *bench, bool is_ipv6, uint64_t age, enum fate fate)
{
	static struct sp_frame_bytes frame;
	struct sp_outcome outcome;
	uint64_t unit;

	if (!possible(bench))
		fate = LISTENER;
	do {
		struct sp_test_segment syn = opening(is_ipv6), ack = after(&syn);

		forget_captures(bench);
		unit = sp_test_cookie_unit();
		ack.acknowledgement = sp_test_cookie(&syn, settings.cookie_key, unit - age) + 1;
		sp_segment_build(&ack, &frame);
		sp_bench_run(bench, SP_IN, &frame, NULL, &outcome);
		if (unit == sp_test_cookie_unit())
			check_capture(bench, &ack, fates[fate].served);
	} while (unit != sp_test_cookie_unit());
}

static void old_cookies(void **unused)
{
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		check_age(bench, is_ipv6, 0, LETTER);
		check_age(bench, is_ipv6, 1, LETTER);
		check_age(bench, is_ipv6, 2, LETTER);
		check_age(bench, is_ipv6, 3, LISTENER);
		check_age(bench, is_ipv6, 4, LISTENER);
		check_age(bench, is_ipv6, (uint64_t)-1, LISTENER);
	}
}

/* --- checksums --- */

/* What the checksum of @frame's transport, over which @protocol is, lacks to be right. */
static uint32_t wrong_by(const struct sp_frame_bytes *frame, bool is_ipv6, uint8_t protocol)
{
	const uint8_t *ip = frame->byte + frame->network;
	const size_t header = is_ipv6 ? 40 : 20, from = is_ipv6 ? 8 : 12;
	uint32_t sum = (uint32_t)(frame->ip_bytes - header) + protocol;

	for (size_t i = from; i < frame->ip_bytes; i++)
		sum += i & 1 ? ip[i] : (uint32_t)ip[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return 0xffff - sum;
}

/* What is handed over is as wrong as it came: nothing that was damaged on its way is believed. */
static void damaged(void **unused)
{
	static const uint8_t at[] = {14, 18, 19, 20, 30, 37}; /* window, urgent pointer, payload */
	static const char text[] = "GET /a HTTP/1.0\r\nb\r\n\r\n";
	static struct sp_frame_bytes frame;
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned i = 0; i < 2 * 8 * sizeof(at); i++) {
		const bool is_ipv6 = i & 1;
		struct sp_test_segment syn = opening(is_ipv6), request = after(&syn);
		struct sp_outcome outcome;
		uint32_t wrong;

		request.payload = text;
		request.size = sizeof(text) - 1;
		sp_segment_build(&request, &frame);
		frame.byte[frame.network + (is_ipv6 ? 40 : 20) + at[i / 16]] ^=
			(uint8_t)(1u << i / 2 % 8);
		wrong = wrong_by(&frame, is_ipv6, IPPROTO_TCP);
		assert_int_not_equal(wrong, 0);
		forget_captures(bench);
		sp_bench_run(bench, SP_IN, &frame, NULL, &outcome);
		assert_int_equal(outcome.reason, R(ASSIGN));
		assert_non_null(outcome.answer);
		assert_int_equal(wrong_by(outcome.answer, is_ipv6,
		                          outcome.answer->byte[frame.network + (is_ipv6 ? 6 : 9)]),
		                 wrong);
	}
}

/* --- what else is missing or different --- */

static void no_socket_for_letters(void **unused)
{
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct sp_test_segment syn = opening(is_ipv6), request = asking(&syn);

		take_socket(bench, SP_LETTERS(0, 0, is_ipv6));
		forget_captures(bench);
		expect(bench, "SYN", &syn, LISTENER, NULL);
		forget_captures(bench);
		expect(bench, "request", &request, UNTIMELY, NULL);
	}
}

static void no_listener(void **unused)
{
	static struct sp_frame_bytes frame;
	struct sp_bench *bench = open_taking();
	struct sp_outcome outcome;

	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct sp_test_segment syn = opening(is_ipv6), post = after(&syn);

		take_socket(bench, SP_LISTENER(0, 0, is_ipv6));
		post.payload = "POST / HTTP/1.0\r\n\r\n";
		post.size = 19;
		sp_segment_build(&post, &frame);
		sp_bench_run(bench, SP_IN, &frame, NULL, &outcome);
		assert_int_equal(outcome.reason, R(NO_LISTENER));
	}
}

/* Behind options of IP: a socket's. (Behind extension headers nothing is captured.) */
static void ip_options(void **unused)
{
	const struct sp_sample row = {"IP options", V4("10.85.0.2", "10.86.0.2"),
	                              TCP(40000, 80, SP_SYN), .options = 1, .payload = 4};
	struct sp_test_segment syn = opening(false);
	struct sp_bench *bench = open_taking();
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	(void)unused;
	sp_test_upload(&row, SP_SEGMENT_CLIENT, &frame);
	frame.byte[frame.length - 24 + 12] = 6 << 4;
	memcpy(frame.byte + frame.length - 4, sp_segment_mss, 4);
	sp_bench_run(bench, SP_IN, &frame, NULL, &outcome);
	assert_int_equal(outcome.reason, R(ASSIGN));
	check_capture(bench, &syn, SP_SERVED_BY_SOCKET);
}

/* What came in several segments and is one packet here: a socket's, however it looks, unless there
 * is nothing to be read from it. */
static void several_segments(void **unused)
{
	static const char text[] = "GET / HTTP/1.0\r\nHost: somewhere.example\r\n\r\n";
	const struct sp_run several = {.gso_size = 30, .gso_segs = 2};
	static struct sp_frame_bytes frame;
	struct sp_bench *bench = open_taking();

	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct sp_test_segment syn = opening(is_ipv6), request = after(&syn), answer;

		request.payload = text;
		request.size = sizeof(text) - 1;
		forget_captures(bench);
		sp_segment_build(&request, &frame);
		run(bench, "several segments", &request, &frame, &several, ADOPTED, NULL);
		forget_captures(bench);
		request.sequence += 30;
		sp_segment_build(&request, &frame);
		run(bench, "out of order", &request, &frame, &several, UNTIMELY, NULL);
		remember(bench, &request, SP_SERVED_BY_DATAGRAM);
		request.acknowledgement += 5;
		sp_segment_build(&request, &frame);
		answer = sp_segment_back(&request, request.acknowledgement, SP_ACK,
		                         sizeof(text) - 1);
		run(bench, "after the answer", &request, &frame, &several, ANSWERED, &answer);
	}
}

/* Cut short anywhere nothing is answered, nor handed over. */
static void truncated(void **unused)
{
	static struct sp_frame_bytes frame;
	struct sp_bench *bench = open_taking();
	struct sp_outcome outcome;

	(void)unused;
	for (unsigned i = 0; i < 12; i++) {
		struct sp_test_segment syn = opening(i & 1), segment = after(&syn);

		if (i < 4)
			segment = syn;
		if (i >= 8) {
			segment.payload = GET;
			segment.size = sizeof(GET) - 1;
		}
		segment.tags = i >> 1 & 1;
		sp_segment_build(&segment, &frame);
		while (--frame.length > frame.network) {
			frame.byte[frame.length] = 0xa5;
			if (!sp_bench_takes(SP_IN, &frame))
				continue;
			sp_bench_run(bench, SP_IN, &frame, NULL, &outcome);
			assert_int_equal(outcome.reason, R(MALFORMED));
		}
	}
}

/* A client with a session, or to somewhere else: none of this is for it. */
static void others(void **unused)
{
	static struct sp_frame_bytes frame;
	const struct sp_client_policy policy = sp_test_session(1);
	struct sp_bench *bench = open_taking();
	struct sp_test_segment syn = opening(false), ack = after(&syn);
	struct sp_outcome outcome;

	(void)unused;
	sp_bench_grant_to(bench, SP_SEGMENT_CLIENT, &policy);
	sp_segment_build(&ack, &frame);
	sp_bench_run(bench, SP_IN, &frame, NULL, &outcome);
	assert_int_equal(outcome.reason, R(AUTHORIZED));
	assert_null(outcome.answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash),
		cmocka_unit_test(syn_is_answered),
		cmocka_unit_test(syn_for_a_socket),
		cmocka_unit_test(syn_with_more),
		cmocka_unit_test(syn_of_a_known_connection),
		cmocka_unit_test(opened_is_told),
		cmocka_unit_test(requests),
		cmocka_unit_test(long_requests),
		cmocka_unit_test(requests_for_a_socket),
		cmocka_unit_test(request_too_long),
		cmocka_unit_test(declined),
		cmocka_unit_test(a_new_connection_may_ask),
		cmocka_unit_test(stand_in_of_another),
		cmocka_unit_test(out_of_order),
		cmocka_unit_test(end_without_request),
		cmocka_unit_test(after_the_answer),
		cmocka_unit_test(wrong_cookies),
		cmocka_unit_test(cookies_of_others),
		cmocka_unit_test(old_cookies),
		cmocka_unit_test(damaged),
		cmocka_unit_test(no_socket_for_letters),
		cmocka_unit_test(no_listener),
		cmocka_unit_test(ip_options),
		cmocka_unit_test(several_segments),
		cmocka_unit_test(truncated),
		cmocka_unit_test(others),
	};

	return cmocka_run_group_tests(tests, open_sockets, NULL);
}
