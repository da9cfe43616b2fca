// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Captured connections without a socket on a real interface (bpf/handshake.h, bpf/letter.h): the
 * kernel's stack brings letters to the responder's socket and connections to its listener, and what
 * they say goes back to the client. The test is both client and responder; frames are compared
 * whole. Everything is in a network namespace of this process and ends with it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "run.h"
#include "rows.h"
#include "segments.h"

#define GET    "GET / HTTP/1.0\r\n\r\n"
#define POST   "POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n"
#define ANSWER "HTTP/1.0 511 Network Authentication Required\r\n\r\nSign in."
#define WAIT   5000 /* ms, for what must come */

static const struct sp_settings settings = {
	.abi_version = SP_ABI_VERSION,
	.workers = 1,
	.cookie_key = {0x1122334455667788, 0x99aabbccddeeff00},
};

static struct sp_bench *bench;
static int client;                   /* packet socket on the client's end */
static int letters[2], listeners[2]; /* by is_ipv6 */

/* --- the gateway --- */

static int attach(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex("lan0"),
	            .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, in, .prog_fd = bench->program[SP_IN]);
	LIBBPF_OPTS(bpf_tc_opts, out, .prog_fd = bench->program[SP_OUT]);
	int error = bpf_tc_hook_create(&hook);

	hook.attach_point = BPF_TC_INGRESS;
	error = error ?: bpf_tc_attach(&hook, &in);
	hook.attach_point = BPF_TC_EGRESS;
	return error ?: bpf_tc_attach(&hook, &out);
}

static int open_client(void)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};

	address.sll_ifindex = (int)if_nametoindex("client0");
	client = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	return client < 0 || bind(client, (struct sockaddr *)&address, sizeof(address));
}

static int open_gateway(void **unused)
{
	static const char commands[] =
		"ip link set lo up && "
		"ip link add lan0 address 02:00:00:00:85:01 type veth peer name client0 && "
		"ip link set lan0 up && ip link set client0 arp off up && "
		"ip address add 10.85.0.1/24 dev lan0 && "
		"ip address add fd85::1/64 dev lan0 nodad && "
		"ip neighbour add 10.85.0.2 lladdr 02:00:00:00:00:02 dev lan0 && "
		"ip neighbour add fd85::2 lladdr 02:00:00:00:00:02 dev lan0";

	(void)unused;
	if (unshare(CLONE_NEWNET) || system(commands) || open_client())
		return -1;
	bench = sp_bench_open_taking();
	sp_bench_settings(bench, &settings);
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		uint32_t letter = SP_LETTERS(0, 0, is_ipv6);
		uint32_t listener = SP_LISTENER(0, 0, is_ipv6);
		uint64_t value;

		letters[is_ipv6] = sp_segment_socket(is_ipv6, SOCK_DGRAM);
		listeners[is_ipv6] = sp_segment_socket(is_ipv6, SOCK_STREAM);
		value = (uint64_t)letters[is_ipv6];
		if (bpf_map_update_elem(bench->listeners, &letter, &value, BPF_ANY))
			return -1;
		value = (uint64_t)listeners[is_ipv6];
		if (bpf_map_update_elem(bench->listeners, &listener, &value, BPF_ANY))
			return -1;
	}
	return attach();
}

/* --- the client --- */

/* What follows @syn, of a connection whose cookie the test has made itself. */
static struct sp_test_segment saying(const struct sp_test_segment *syn, const char *payload)
{
	struct sp_test_segment next = *syn;

	next.sequence++;
	next.acknowledgement = sp_test_cookie(syn, settings.cookie_key, sp_test_cookie_unit()) + 1;
	next.flags = SP_ACK | (payload ? SP_PSH : 0);
	next.option_bytes = 0;
	next.payload = payload;
	next.size = payload ? strlen(payload) : 0;
	return next;
}

static void send_frame(const struct sp_frame_bytes *frame)
{
	if (send(client, frame->byte, frame->length, 0) != (ssize_t)frame->length)
		fail_msg("cannot send: %s", strerror(errno));
}

static void send_segment(const struct sp_test_segment *segment)
{
	static struct sp_frame_bytes frame;

	sp_segment_build(segment, &frame);
	send_frame(&frame);
}

static void wait_for(int fd, const char *what)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	if (poll(&poller, 1, WAIT) != 1)
		fail_msg("%s does not come", what);
}

/* The next TCP segment that comes to the client's port. */
static void receive_segment(uint16_t port, bool is_ipv6, struct sp_frame_bytes *frame)
{
	const size_t transport = is_ipv6 ? 54 : 34;
	struct sockaddr_ll from;
	socklen_t size = sizeof(from);
	ssize_t length;

	do {
		wait_for(client, "a segment");
		size = sizeof(from);
		length = recvfrom(client, frame->byte, sizeof(frame->byte), 0,
		                  (struct sockaddr *)&from, &size);
		if (length < 0)
			fail_msg("cannot receive: %s", strerror(errno));
	} while (from.sll_pkttype == PACKET_OUTGOING || (size_t)length < transport + 20 ||
	         frame->byte[12] != (is_ipv6 ? 0x86 : 0x08) ||
	         frame->byte[is_ipv6 ? 20 : 23] != IPPROTO_TCP ||
	         (frame->byte[transport + 2] << 8 | frame->byte[transport + 3]) != port);
	frame->length = (size_t)length;
	frame->network = 14;
	frame->ip_bytes = frame->length - 14;
}

/* What comes back must be @wanted. But for the IP header's identification and what depends on it,
 * which are the kernel's: it numbers what it sends itself. */
static void expect_segment(const struct sp_test_segment *wanted)
{
	static struct sp_frame_bytes frame, right;
	size_t from;

	receive_segment(wanted->port, wanted->is_ipv6, &frame);
	sp_segment_answer(wanted, &right);
	from = wanted->is_ipv6 ? 18 : 26; /* IPv6: the flow label */
	assert_int_equal(frame.length, right.length);
	assert_memory_equal(frame.byte, right.byte, 14);
	assert_memory_equal(frame.byte + from, right.byte + from, right.length - from);
}

/* --- the responder --- */

struct mail {
	struct sp_letter letter;
	char text[2048];
	size_t size; /* of the text */
	struct sockaddr_in6 from;
	socklen_t from_size;
};

static void receive_letter(bool is_ipv6, struct mail *mail)
{
	struct iovec parts[2] = {{&mail->letter, sizeof(mail->letter)},
	                         {mail->text, sizeof(mail->text)}};
	struct msghdr message = {.msg_name = &mail->from,
	                         .msg_namelen = sizeof(mail->from),
	                         .msg_iov = parts,
	                         .msg_iovlen = 2};
	ssize_t length;

	wait_for(letters[is_ipv6], "a letter");
	length = recvmsg(letters[is_ipv6], &message, MSG_DONTWAIT);
	if (length < (ssize_t)sizeof(mail->letter))
		fail_msg("a letter of %zd bytes: %s", length, strerror(errno));
	mail->size = (size_t)length - sizeof(mail->letter);
	mail->from_size = message.msg_namelen;
}

/* Send @letter with @text behind it to @mail's sender, from the gateway's own address. */
static void send_letter(bool is_ipv6, const struct mail *mail, const struct sp_letter *letter,
                        const char *text)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = {.room = ""};
	struct iovec parts[2] = {{(void *)(uintptr_t)letter, sizeof(*letter)},
	                         {(void *)(uintptr_t)text, strlen(text)}};
	struct msghdr message = {.msg_name = (void *)(uintptr_t)&mail->from,
	                         .msg_namelen = mail->from_size,
	                         .msg_iov = parts,
	                         .msg_iovlen = 2,
	                         .msg_control = &control};
	struct in6_pktinfo info6 = {};
	struct in_pktinfo info4 = {};

	inet_pton(AF_INET6, "fd85::1", &info6.ipi6_addr);
	inet_pton(AF_INET, "10.85.0.1", &info4.ipi_spec_dst);
	if (is_ipv6) {
		control.header =
			(struct cmsghdr){CMSG_LEN(sizeof(info6)), IPPROTO_IPV6, IPV6_PKTINFO};
		memcpy(CMSG_DATA(&control.header), &info6, sizeof(info6));
		message.msg_controllen = CMSG_SPACE(sizeof(info6));
	} else {
		control.header = (struct cmsghdr){CMSG_LEN(sizeof(info4)), IPPROTO_IP, IP_PKTINFO};
		memcpy(CMSG_DATA(&control.header), &info4, sizeof(info4));
		message.msg_controllen = CMSG_SPACE(sizeof(info4));
	}
	/* What the datapath drops at egress may be told to the sender. */
	if (sendmsg(letters[is_ipv6], &message, MSG_NOSIGNAL) < 0 && errno != ENOBUFS &&
	    errno != EPERM)
		fail_msg("cannot send a letter: %s", strerror(errno));
}

/* As it lies in memory (RFC 1071). */
static uint16_t sum_of(const char *text)
{
	uint32_t sum = 0;
	uint16_t word;

	for (size_t left = strlen(text); left; text += 2, left -= left < 2 ? left : 2) {
		word = 0;
		memcpy(&word, text, left < 2 ? left : 2);
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* --- reasons --- */

static void forget_counts(void)
{
	struct sp_count grown[SP_MAX_REASONS];

	sp_bench_grown(bench, grown);
}

/* Of what was counted since, @reason was counted @times. */
static void expect_counts(enum sp_reason first, uint64_t firsts, enum sp_reason second,
                          uint64_t seconds)
{
	struct sp_count grown[SP_MAX_REASONS];

	sp_bench_grown(bench, grown);
	assert_int_equal(grown[first].packets, firsts);
	assert_int_equal(grown[second].packets, seconds);
}

/* --- the tests --- */

static void handshake(void **unused)
{
	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct sp_test_segment syn = sp_segment_opening(is_ipv6, 40001), answer;
		static struct sp_frame_bytes frame;
		struct mail mail;

		forget_counts();
		send_segment(&syn);
		receive_segment(syn.port, is_ipv6, &frame);
		assert_int_equal(frame.byte[(is_ipv6 ? 54 : 34) + 13], SP_SYN | SP_ACK);
		if (!bench->load.cookies)
			continue;
		answer = sp_segment_back(&syn, syn.acknowledgement, SP_SYN | SP_ACK, 1);
		memcpy(&answer.sequence, frame.byte + (is_ipv6 ? 58 : 38), 4);
		answer.sequence = ntohl(answer.sequence);
		expect_counts(R(CAPTURED), 1, R(DOWN_LOCAL), 1);
		syn = saying(&syn, NULL);
		syn.acknowledgement = answer.sequence + 1;
		send_segment(&syn);
		receive_letter(is_ipv6, &mail);
		assert_int_equal(mail.size, 0);
		assert_int_equal(ntohl(mail.letter.sequence), syn.acknowledgement);
		assert_int_equal(ntohl(mail.letter.acknowledged), syn.sequence);
		assert_int_equal(ntohs(mail.from.sin6_port), syn.port);
		expect_counts(R(CAPTURED), 1, R(ASSIGN), 0);
	}
}

static void request_and_answer(void **unused)
{
	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2 && bench->load.cookies; is_ipv6++) {
		struct sp_test_segment syn = sp_segment_opening(is_ipv6, 40002);
		struct sp_test_segment request = saying(&syn, GET), answer;
		struct mail mail;

		send_segment(&request);
		receive_letter(is_ipv6, &mail);
		assert_int_equal(mail.size, sizeof(GET) - 1);
		assert_memory_equal(mail.text, GET, mail.size);
		mail.letter.sum = sum_of(ANSWER);
		forget_counts();
		send_letter(is_ipv6, &mail, &mail.letter, ANSWER);
		answer = sp_segment_back(&request, request.acknowledgement,
		                         SP_ACK | SP_PSH | SP_FIN, sizeof(GET) - 1);
		answer.payload = ANSWER;
		answer.size = sizeof(ANSWER) - 1;
		expect_segment(&answer);
		expect_counts(R(DOWN_LOCAL), 1, R(INTERNAL), 0);
	}
}

static void reset_by_letter(void **unused)
{
	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2 && bench->load.cookies; is_ipv6++) {
		struct sp_test_segment syn = sp_segment_opening(is_ipv6, 40003);
		struct sp_test_segment ack = saying(&syn, NULL), reset;
		struct mail mail;

		send_segment(&ack);
		receive_letter(is_ipv6, &mail);
		mail.letter.sum = SP_LETTER_RESET;
		send_letter(is_ipv6, &mail, &mail.letter, "");
		reset = sp_segment_back(&ack, ack.acknowledgement, SP_RST | SP_ACK, 0);
		expect_segment(&reset);
	}
}

/* The connection that the listener has, and what was said on it. */
static void expect_connection(bool is_ipv6, const char *text)
{
	/* Ended by a reset: nothing is sent again while the next test counts. */
	const struct linger at_once = {.l_onoff = 1};
	char is[256];
	int fd;

	wait_for(listeners[is_ipv6], "a connection");
	fd = accept(listeners[is_ipv6], NULL, NULL);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)))
		fail_msg("cannot accept: %s", strerror(errno));
	for (size_t size = 0; size < strlen(text);) {
		ssize_t more;

		wait_for(fd, "the request");
		more = recv(fd, is + size, sizeof(is) - size, 0);
		if (more <= 0)
			fail_msg("the connection ends: %s", strerror(errno));
		size += (size_t)more;
		assert_true(size <= strlen(text));
		assert_memory_equal(is, text, size);
	}
	close(fd);
}

/* What the responder does not want as a letter comes again, to its listener. */
static void declined(void **unused)
{
	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2 && bench->load.cookies; is_ipv6++) {
		struct sp_test_segment syn = sp_segment_opening(is_ipv6, 40004);
		struct sp_test_segment request = saying(&syn, GET);
		struct mail mail;

		send_segment(&request);
		receive_letter(is_ipv6, &mail);
		forget_counts();
		mail.letter.sum = SP_LETTER_DECLINE;
		send_letter(is_ipv6, &mail, &mail.letter, "");
		expect_counts(R(DECLINED), 1, R(DOWN_LOCAL), 0);
		send_segment(&request);
		expect_connection(is_ipv6, GET);
		/* Now it is a socket's: nothing may be said by letter any more. */
		forget_counts();
		send_letter(is_ipv6, &mail, &mail.letter, ANSWER);
		expect_counts(R(DECLINED), 1, R(INTERNAL), 0);
	}
}

/* A request that comes again and again has a socket in the end. */
static void repeated(void **unused)
{
	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2 && bench->load.cookies; is_ipv6++) {
		struct sp_test_segment syn = sp_segment_opening(is_ipv6, 40014);
		struct sp_test_segment request = saying(&syn, GET);
		struct mail mail;

		for (unsigned i = 0; i < 5; i++) {
			send_segment(&request);
			receive_letter(is_ipv6, &mail);
		}
		send_segment(&request);
		expect_connection(is_ipv6, GET);
	}
}

static void adopted(void **unused)
{
	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2 && bench->load.cookies; is_ipv6++) {
		struct sp_test_segment syn = sp_segment_opening(is_ipv6, 40005);
		struct sp_test_segment request = saying(&syn, POST), rest = request;

		send_segment(&request);
		rest.sequence += (uint32_t)rest.size;
		rest.payload = "and more";
		rest.size = 8;
		send_segment(&rest);
		expect_connection(is_ipv6, POST "and more");
	}
}

/* The stack does not bring to the responder what was damaged on its way. */
static void damaged(void **unused)
{
	static struct sp_frame_bytes frame;

	(void)unused;
	for (unsigned i = 0; i < 4 && bench->load.cookies; i++) {
		bool is_ipv6 = i & 1;
		struct sp_test_segment syn = sp_segment_opening(is_ipv6, (uint16_t)(40010 + i));
		struct sp_test_segment request = saying(&syn, GET);
		struct mail mail;

		sp_segment_build(&request, &frame);
		/* In the payload, or in the urgent pointer. */
		frame.byte[frame.network + (is_ipv6 ? 40 : 20) + (i < 2 ? 25 : 19)] ^= 4;
		send_frame(&frame);
		request.payload = "HEAD / HTTP/1.0\r\n\r\n";
		request.size = 19;
		send_segment(&request);
		receive_letter(is_ipv6, &mail);
		assert_int_equal(mail.size, 19);
		assert_memory_equal(mail.text, "HEAD", 4);
	}
}

/* Letters to whoever has not asked for one go nowhere. */
static void unasked(void **unused)
{
	(void)unused;
	for (unsigned is_ipv6 = 0; is_ipv6 < 2 && bench->load.cookies; is_ipv6++) {
		struct sp_test_segment syn = sp_segment_opening(is_ipv6, 40020);
		struct sp_test_segment request = saying(&syn, GET);
		struct mail mail;

		send_segment(&request);
		receive_letter(is_ipv6, &mail);
		mail.from.sin6_port ^= htons(1);
		forget_counts();
		send_letter(is_ipv6, &mail, &mail.letter, ANSWER);
		mail.from.sin6_port ^= htons(1);
		mail.letter.stand_in ^= htons(8);
		send_letter(is_ipv6, &mail, &mail.letter, ANSWER);
		expect_counts(R(INTERNAL), 2, R(DOWN_LOCAL), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshake),       cmocka_unit_test(request_and_answer),
		cmocka_unit_test(reset_by_letter), cmocka_unit_test(declined),
		cmocka_unit_test(repeated),        cmocka_unit_test(adopted),
		cmocka_unit_test(damaged),         cmocka_unit_test(unasked),
	};

	return cmocka_run_group_tests(tests, open_gateway, NULL);
}
