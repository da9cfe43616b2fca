/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that come as datagrams: real sockets, in a network namespace of this process's own. What
 * the datapath does with them on the way (bpf/letter.h) is not here: a client of these tests sends
 * and gets the letters themselves.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "ipc/tally.h"
#include "keeper/listen.h"
#include "lib/address.h"
#include "lib/monotonic.h"
#include "responder/letters.h"
#include "responder/server.h"

#include "knowledge.h"

#define ZONES     2u
#define GET       "GET / HTTP/1.1\r\n" HOST "\r\n"
#define ROOM      4096
#define WAIT_MS   20000 /* for what must come */
#define MUCH      (16 << 20)
#define OTHER_OWN "fd85::2" /* of the device lo, besides ::1 */

/* --- a host with nothing but the loopback ------------------------------------------------------
 */

static void set_up(const char *name, unsigned long what, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
	if (ioctl(fd, what, request))
		fail_msg("ioctl %lx of %s: %s", what, name, strerror(errno));
	close(fd);
}

static void set_mtu(int mtu)
{
	struct ifreq request = {.ifr_mtu = mtu};

	set_up("lo", SIOCSIFMTU, &request);
}

static void add_address(const char *text)
{
	struct in6_ifreq request = {.ifr6_prefixlen = 128,
	                            .ifr6_ifindex = (int)if_nametoindex("lo")};
	struct sockaddr_in6 own = {.sin6_family = AF_INET6};
	const uint64_t end = sp_monotonic_ms() + WAIT_MS;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET6, text, &request.ifr6_addr), 1);
	assert_int_equal(ioctl(fd, SIOCSIFADDR, &request), 0);
	own.sin6_addr = request.ifr6_addr;
	/* For a moment it is tentative. */
	while (bind(fd, (struct sockaddr *)&own, sizeof(own))) {
		assert_int_equal(errno, EADDRNOTAVAIL);
		assert_true(sp_monotonic_ms() < end);
		usleep(1000);
	}
	close(fd);
}

/* Packets through the loopback keep their order on one processor. */
static void stay_on_one_processor(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

static int make_host(void **state)
{
	struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};

	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		print_error("a network namespace: %s\n", strerror(errno));
		return -1;
	}
	set_up("lo", SIOCSIFFLAGS, &request);
	add_address(OTHER_OWN);
	stay_on_one_processor();
	return make_knowledge(state);
}

/* --- the responder's side ----------------------------------------------------------------------
 */

struct desk {
	struct sp_server server; /* its letters only; sp_server_turn where a test says so */
	int listener[ZONES][2], letters[ZONES][2], answers[2];
	int keeper[2];
	struct sp_date date;
	struct sp_tally tally;
};

static struct desk desk;

static int open_desk(void **state)
{
	struct sp_server_files files = {
		.listener = desk.listener, .letters = desk.letters, .zones = ZONES};
	struct sp_error err = {0};

	(void)state;
	set_mtu(65536);
	for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
		files.answers[ipv6] = desk.answers[ipv6] = sp_listen_answers(ipv6, &err);
		if (desk.answers[ipv6] < 0) {
			print_error("%s\n", err.text);
			return -1;
		}
	}
	memset(&desk.tally, 0, sizeof(desk.tally));
	sp_tally = &desk.tally;
	sp_date_set(&desk.date, 784111777);
	for (unsigned i = 0; i < 2 * ZONES; i++) {
		desk.letters[i / 2][i % 2] = sp_listen_letters(i % 2, &err);
		desk.listener[i / 2][i % 2] = sp_listen_responder(i % 2, &err);
		if (desk.letters[i / 2][i % 2] < 0 || desk.listener[i / 2][i % 2] < 0) {
			print_error("%s\n", err.text);
			return -1;
		}
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, desk.keeper), 0);
	files.keeper = desk.keeper[0];
	assert_int_equal(
		sp_server_init(&desk.server, &sp_server_defaults, &knowledge, &files, &err), 0);
	return 0;
}

static int close_desk(void **state)
{
	(void)state;
	sp_server_free(&desk.server);
	for (unsigned i = 0; i < 2 * ZONES; i++) {
		close(desk.letters[i / 2][i % 2]);
		close(desk.listener[i / 2][i % 2]);
	}
	close(desk.answers[0]);
	close(desk.answers[1]);
	close(desk.keeper[0]);
	close(desk.keeper[1]);
	return 0;
}

static bool is_readable(int fd, int ms)
{
	struct pollfd what = {.fd = fd, .events = POLLIN};

	return poll(&what, 1, ms) == 1;
}

/* Serve what has come to @socket, and wait until something has. */
static void serve_at(int socket, unsigned zone, bool ipv6)
{
	assert_true(is_readable(socket, WAIT_MS));
	sp_letters_serve(&desk.server.letters, socket, zone, ipv6, &desk.date, sp_monotonic_us());
}

static void serve(bool ipv6)
{
	serve_at(desk.letters[0][ipv6], 0, ipv6);
}

static uint64_t answered_with(unsigned status)
{
	return desk.tally.responder.answers[SP_TALLY_STATUS(status)];
}

static uint64_t answered(void)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < SP_TALLY_STATUSES; i++)
		all += desk.tally.responder.answers[i];
	return all;
}

/* --- the clients' side -------------------------------------------------------------------------
 */

struct client {
	int fd;
	bool ipv6;
	struct sp_address address; /* as the keeper says it */
};

/* What a client gets. */
struct reply {
	struct sp_letter letter;
	char text[ROOM];
	size_t length; /* of the text */
	union sp_letters_address from;
};

static struct sp_address mapped(const char *text)
{
	struct sp_address address;

	assert_true(sp_address_read(text, &address));
	return address;
}

static socklen_t endpoint(union sp_letters_address *out, const struct sp_address *address,
                          in_port_t port)
{
	memset(out, 0, sizeof(*out));
	if (sp_address_is_ipv4(address)) {
		out->ipv4.sin_family = AF_INET;
		out->ipv4.sin_addr.s_addr = address->word[3];
		out->ipv4.sin_port = port;
		return sizeof(out->ipv4);
	}
	out->ipv6.sin6_family = AF_INET6;
	memcpy(&out->ipv6.sin6_addr, address, sizeof(*address));
	out->ipv6.sin6_port = port;
	return sizeof(out->ipv6);
}

static struct client client_at(const char *text)
{
	struct client client = {.address = mapped(text)};
	union sp_letters_address own;
	socklen_t length = endpoint(&own, &client.address, 0);
	const int much = MUCH, on = 1;

	client.ipv6 = own.any.sa_family == AF_INET6;
	client.fd = socket(own.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(client.fd >= 0);
	assert_int_equal(setsockopt(client.fd, SOL_SOCKET, SO_RCVBUFFORCE, &much, sizeof(much)), 0);
	/* The checksum comes with the form of the segment. */
	assert_true(!client.ipv6 ||
	            !setsockopt(client.fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, &on, sizeof(on)));
	assert_int_equal(bind(client.fd, &own.any, length), 0);
	return client;
}

static struct client new_client(bool ipv6)
{
	return client_at(ipv6 ? "::1" : "127.0.0.5");
}

static in_port_t port_of(int socket)
{
	union sp_letters_address own;
	socklen_t length = sizeof(own);

	assert_int_equal(getsockname(socket, &own.any, &length), 0);
	return own.any.sa_family == AF_INET6 ? own.ipv6.sin6_port : own.ipv4.sin_port;
}

/* Send to @socket, at @own, what a datapath would send of a segment: any bytes. */
static void send_raw(const struct client *client, int socket, const char *own, const void *data,
                     size_t size)
{
	const struct sp_address address = mapped(own);
	union sp_letters_address to;
	socklen_t length = endpoint(&to, &address, port_of(socket));

	assert_int_equal(sendto(client->fd, data, size, 0, &to.any, length), (ssize_t)size);
}

static struct sp_letter letter_of(uint32_t number)
{
	return (struct sp_letter){
		.sequence = htonl(0xfedcba00 + number),
		.acknowledged = htonl(number),
		.stand_in = htons((uint16_t)(0x8000 + number)),
		.sum = 0,
	};
}

/* A letter with that @number, and @text behind it. */
static void post_to(const struct client *client, int socket, const char *own, uint32_t number,
                    const char *text)
{
	const struct sp_letter letter = letter_of(number);
	char data[sizeof(letter) + ROOM];
	const char *end;

	assert_true(strlen(text) < ROOM);
	memcpy(data, &letter, sizeof(letter));
	end = stpcpy(data + sizeof(letter), text);
	send_raw(client, socket, own, data, (size_t)(end - data));
}

/* The same to zone 0. */
static void post(const struct client *client, uint32_t number, const char *text)
{
	post_to(client, desk.letters[0][client->ipv6], client->ipv6 ? "::1" : "127.0.0.1", number,
	        text);
}

/* Wait for the next that comes; zone 0 is served. */
static void hear(const struct client *client, struct reply *reply)
{
	struct iovec part[2] = {{&reply->letter, sizeof(reply->letter)},
	                        {reply->text, sizeof(reply->text) - 1}};
	const uint64_t end_ms = sp_monotonic_ms() + WAIT_MS;
	struct msghdr message = {.msg_name = &reply->from,
	                         .msg_namelen = sizeof(reply->from),
	                         .msg_iov = part,
	                         .msg_iovlen = 2};
	ssize_t received;

	while (!is_readable(client->fd, 0)) {
		assert_true(sp_monotonic_ms() < end_ms);
		if (is_readable(desk.letters[0][client->ipv6], 10))
			serve(client->ipv6);
	}
	received = recvmsg(client->fd, &message, MSG_DONTWAIT);
	assert_true(received >= (ssize_t)sizeof(reply->letter));
	reply->length = (size_t)received - sizeof(reply->letter);
	reply->text[reply->length] = '\0';
}

/* RFC 1071 by the letter: 16 bits at a time in network order, one's complement, a last odd byte
 * with a zero behind it. */
static uint16_t witness(const char *text, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < length; i++) {
		sum += (uint32_t)(uint8_t)text[i] << (i % 2 ? 0 : 8);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return htons((uint16_t)sum);
}

static void assert_letter(const struct reply *reply, uint32_t number, uint16_t sum)
{
	const struct sp_letter expected = letter_of(number);

	assert_int_equal(ntohl(reply->letter.acknowledged), number);
	assert_int_equal(reply->letter.sequence, expected.sequence);
	assert_int_equal(reply->letter.stand_in, expected.stand_in);
	assert_int_equal(reply->letter.sum, sum);
}

/* The next that comes is the answer to letter @number with the request @text, byte for byte. */
static void assert_answer(const struct client *client, uint32_t number, const char *text,
                          unsigned zone)
{
	static const char field[] = "\r\nDate: ";
	char expected[SP_MAX_ANSWER + 1];
	char date[SP_DATE_LENGTH + 1] = "";
	struct reply reply;
	const char *at;
	size_t length;

	hear(client, &reply);
	at = strstr(reply.text, field);
	assert_non_null(at);
	memcpy(date, at + strlen(field), SP_DATE_LENGTH); /* a server has its own */
	length = answer_to(text, strlen(text), zone, client->ipv6, date, expected);
	assert_string_equal(reply.text, expected);
	assert_int_equal(reply.length, length);
	assert_letter(&reply, number, witness(expected, length));
}

/* The next that comes is no answer, but that @word. */
static void assert_word(const struct client *client, uint32_t number, enum sp_letter_word word)
{
	struct reply reply;

	hear(client, &reply);
	assert_int_equal(reply.length, 0);
	assert_letter(&reply, number, (uint16_t)word);
}

/* Nothing is on the way to the client: the answer to one more request is the next to come. */
static void assert_silence(const struct client *client)
{
	post(client, 999, GET);
	assert_answer(client, 999, GET, 0);
}

/* A request whose answer has from @least to @most bytes: with a long URL to come back to. */
static void request_for(size_t least, size_t most, bool ipv6, char out[ROOM])
{
	static const char *const fields[] = {"", "Accept: text/plain\r\n",
	                                     "Accept: application/json\r\n",
	                                     "Accept-Language: de\r\n", "Accept-Language: fr\r\n"};
	char path[600] = "", answer[SP_MAX_ANSWER + 1];

	memset(path, 'a', sizeof(path) - 1);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields) * (sizeof(path) - 1); i++) {
		size_t size;

		snprintf(out, ROOM, "GET /%s HTTP/1.1\r\n" HOST "%s\r\n", path + i % sizeof(path),
		         fields[i / sizeof(path)]);
		size = answer_to(out, strlen(out), 0, ipv6, DATE, answer);
		if (size >= least && size <= most)
			return;
	}
	fail_msg("no answer has %zu to %zu bytes", least, most);
}

/* --- answers -----------------------------------------------------------------------------------
 */

static void test_answered(void **state)
{
	static const struct {
		const char *text;
		unsigned status;
	} cases[] = {
		{GET, 511},
		{"GET /a HTTP/1.1\r\n" HOST "\r\n", 511},
		{"GET /ab HTTP/1.1\r\n" HOST "\r\n", 511},
		{"GET / HTTP/1.0\r\n\r\n", 511},
		{"HEAD / HTTP/1.1\r\n" HOST "\r\n", 511},
		{"GET / HTTP/1.1\r\n" HOST "Accept: application/json\r\n\r\n", 511},
		{"GET / HTTP/1.1\r\n" HOST "Accept-Language: fr\r\n\r\n", 511},
		{"GET / HTTP/1.1\r\nHost: captive.apple.com\r\n\r\n", 302},
		{GET "GET /again HTTP/1.1\r\n" HOST "\r\n", 511}, /* one answer, then the end */
		{"GET / HTTP/1.1\r\nHost: <script>\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"GET / HTTP/9\r\n\r\n", 400},
	};
	char answer[SP_MAX_ANSWER + 1];
	unsigned odd = 0, even = 0;

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		const char *text = cases[i / 2].text;
		struct client client = new_client(i % 2);
		uint64_t before = answered_with(cases[i / 2].status);
		size_t length = answer_to(text, strlen(text), 0, client.ipv6, DATE, answer);

		odd += length % 2;
		even += length % 2 == 0;
		post(&client, i, text);
		assert_answer(&client, i, text, 0);
		assert_int_equal(answered_with(cases[i / 2].status), before + 1);
		assert_int_equal(answered(), i + 1);
		close(client.fd);
	}
	assert_true(odd > 0 && even > 0); /* for the sums */
}

/* SP_LETTER_SIZE bytes are an answer, one more are none. */
static void test_longest(void **state)
{
	char text[ROOM], more[ROOM];

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct client client = new_client(ipv6);

		request_for(SP_LETTER_SIZE, SP_LETTER_SIZE, ipv6, text);
		request_for(SP_LETTER_SIZE + 1, SP_LETTER_SIZE + 1, ipv6, more);
		post(&client, 1, text);
		post(&client, 2, more);
		assert_answer(&client, 1, text, 0);
		assert_word(&client, 2, SP_LETTER_DECLINE);
		assert_silence(&client);
		close(client.fd);
	}
	assert_int_equal(answered(), 4);
}

/* A head that is not complete, however long: a connection has to do it. */
static void test_declined(void **state)
{
	char longest[2049] = "GET /", more[ROOM] = "GET /", whole[ROOM] = GET;

	(void)state;
	memset(longest + strlen(longest), 'a', sizeof(longest) - 1 - strlen(longest));
	memset(more + strlen(more), 'a', sizeof(more) - 1 - strlen(more));
	/* More than there is room for, and complete before that. */
	memset(whole + strlen(whole), 'a', sizeof(whole) - 1 - strlen(whole));
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct client client = new_client(ipv6);

		post(&client, 1, "G");
		post(&client, 2, "GET / HTTP/1.1\r\n" HOST);
		post(&client, 3, longest);
		post(&client, 4, more);
		post(&client, 5, whole);
		for (uint32_t number = 1; number <= 5; number++)
			assert_word(&client, number, SP_LETTER_DECLINE);
		assert_int_equal(answered(), ipv6);
		assert_silence(&client);
		close(client.fd);
	}
}

/* Shorter than a letter: nothing comes of it. */
static void test_malformed(void **state)
{
	static const char data[sizeof(struct sp_letter)];

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct client client = new_client(ipv6);

		for (size_t size = 0; size < sizeof(data); size++)
			send_raw(&client, desk.letters[0][ipv6], ipv6 ? "::1" : "127.0.0.1", data,
			         size);
		assert_silence(&client);
		/* Nor was one of them a connection that was opened. */
		sp_letters_end(&desk.server.letters, &client.address);
		assert_silence(&client);
		assert_int_equal(answered(), 2 * (ipv6 + 1));
		close(client.fd);
	}
}

/* More than a batch, and more than one turn takes. */
static void test_many(void **state)
{
	const unsigned many = 300;

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct client client = new_client(ipv6);

		for (uint32_t i = 0; i < many; i++)
			post(&client, i, i % 3 ? GET : "GET / HT");
		for (uint32_t i = 0; i < many; i++)
			if (i % 3)
				assert_answer(&client, i, GET, 0);
			else
				assert_word(&client, i, SP_LETTER_DECLINE);
		assert_false(is_readable(desk.letters[0][ipv6], 0));
		assert_int_equal(answered(), (ipv6 ? 2 : 1) * many * 2 / 3);
		close(client.fd);
	}
}

/* A socket for letters that is bound to every address. */
static int listen_everywhere(bool ipv6)
{
	union sp_letters_address any = {.any.sa_family = ipv6 ? AF_INET6 : AF_INET};
	const int on = 1;
	int fd = socket(any.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	assert_true(fd >= 0);
	ret = ipv6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on))
	           : setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	assert_int_equal(ret, 0);
	assert_int_equal(bind(fd, &any.any, ipv6 ? sizeof(any.ipv6) : sizeof(any.ipv4)), 0);
	return fd;
}

static void assert_from(const struct reply *reply, const char *own)
{
	const struct sp_address expected = mapped(own);
	union sp_letters_address from;

	endpoint(&from, &expected, 0);
	if (from.any.sa_family == AF_INET6)
		assert_memory_equal(&reply->from.ipv6.sin6_addr, &from.ipv6.sin6_addr, 16);
	else
		assert_int_equal(reply->from.ipv4.sin_addr.s_addr, from.ipv4.sin_addr.s_addr);
}

/* What is said comes from where the client's datagram arrived. */
static void test_own_address(void **state)
{
	static const char *const own[2][2] = {{"127.0.0.1", "127.0.0.2"}, {"::1", OTHER_OWN}};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		bool ipv6 = i / 2;
		struct client client = new_client(ipv6);
		int socket = listen_everywhere(ipv6);
		struct reply reply;

		post_to(&client, socket, own[ipv6][i % 2], 1, GET);
		serve_at(socket, 0, ipv6);
		hear(&client, &reply);
		assert_from(&reply, own[ipv6][i % 2]);
		assert_true(reply.length > 0);
		post_to(&client, socket, own[ipv6][i % 2], 2, "");
		serve_at(socket, 0, ipv6);
		sp_letters_end(&desk.server.letters, &client.address);
		hear(&client, &reply);
		assert_from(&reply, own[ipv6][i % 2]);
		assert_letter(&reply, 2, SP_LETTER_RESET);
		close(socket);
		close(client.fd);
	}
}

/* Without an address of the own there is nothing to answer from. */
static void test_no_own_address(void **state)
{
	struct client client = new_client(false);
	const int off = 0;

	(void)state;
	assert_int_equal(setsockopt(desk.letters[0][0], IPPROTO_IP, IP_PKTINFO, &off, sizeof(off)),
	                 0);
	post(&client, 1, GET);
	post(&client, 2, "");
	serve(false);
	assert_int_equal(answered(), 0);
	sp_letters_end(&desk.server.letters, &client.address);
	assert_int_equal(
		setsockopt(desk.letters[0][0], IPPROTO_IP, IP_PKTINFO, &(int){1}, sizeof(int)), 0);
	assert_silence(&client);
	close(client.fd);
}

/* --- what cannot be sent ------------------------------------------------------------------------
 */

/* A datagram from port 0, where nothing can be sent to. */
static void post_from_nowhere(bool ipv6, uint32_t number)
{
	const struct sp_letter letter = letter_of(number);
	const struct sp_address own = mapped(ipv6 ? "::1" : "127.0.0.1");
	char data[8 + sizeof(letter) + sizeof(GET) - 1] = {0};
	union sp_letters_address to;
	socklen_t length = endpoint(&to, &own, 0);
	const uint16_t head[3] = {0, port_of(desk.letters[0][ipv6]), htons(sizeof(data))};
	int fd = socket(to.any.sa_family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP), at = 6;

	assert_true(fd >= 0);
	if (ipv6)
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_CHECKSUM, &at, sizeof(at)), 0);
	memcpy(data, head, sizeof(head));
	memcpy(data + 8, &letter, sizeof(letter));
	memcpy(data + 8 + sizeof(letter), GET, sizeof(GET) - 1);
	assert_int_equal(sendto(fd, data, sizeof(data), 0, &to.any, length), sizeof(data));
	close(fd);
}

/* One that cannot be answered, or is not there any more, is in nobody's way. */
static void test_unreachable(void **state)
{
	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct client gone = new_client(ipv6), client = new_client(ipv6);

		post(&client, 1, GET);
		post_from_nowhere(ipv6, 2);
		post(&gone, 3, GET);
		close(gone.fd);
		post_from_nowhere(ipv6, 4);
		post_from_nowhere(ipv6, 5);
		post(&client, 6, GET);
		assert_answer(&client, 1, GET, 0);
		assert_answer(&client, 6, GET, 0);
		assert_silence(&client);
		assert_int_equal(answered(), (ipv6 + 1) * 4);
		close(client.fd);
	}
}

/* An answer that is too long for the way to the client is declined, and no other. */
static void test_too_long_for_the_way(void **state)
{
	char text[ROOM];

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct client client = new_client(ipv6);

		request_for(1300, SP_LETTER_SIZE, ipv6, text);
		set_mtu(1280); /* the least of IPv6 (RFC 8200) */
		post(&client, 1, "HEAD / HTTP/1.1\r\n" HOST "\r\n");
		post(&client, 2, text);
		post(&client, 3, text);
		post(&client, 4, "HEAD / HTTP/1.1\r\n" HOST "\r\n");
		assert_answer(&client, 1, "HEAD / HTTP/1.1\r\n" HOST "\r\n", 0);
		assert_word(&client, 2, SP_LETTER_DECLINE);
		assert_word(&client, 3, SP_LETTER_DECLINE);
		assert_answer(&client, 4, "HEAD / HTTP/1.1\r\n" HOST "\r\n", 0);
		assert_int_equal(answered(), 3 * ipv6 + 2);
		set_mtu(65536);
		post(&client, 5, text);
		assert_answer(&client, 5, text, 0);
		close(client.fd);
	}
}

/* --- connections that were opened ---------------------------------------------------------------
 */

static void end(const char *client)
{
	const struct sp_address address = mapped(client);

	sp_letters_end(&desk.server.letters, &address);
}

/* Of those that a client has opened all are reset, and once, that have not asked. */
static void test_reset_at_login(void **state)
{
	static const char *const at[2][2] = {{"127.0.0.5", "127.0.0.6"}, {"::1", OTHER_OWN}};

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct client opened = client_at(at[ipv6][0]), again = client_at(at[ipv6][0]);
		struct client asked = client_at(at[ipv6][0]), other = client_at(at[ipv6][1]);
		uint64_t before = answered();

		post(&opened, 1, "");
		post(&again, 2, "");
		post(&again, 3, ""); /* came twice */
		post(&asked, 4, "");
		post(&other, 5, "");
		post(&asked, 6, GET);
		assert_answer(&asked, 6, GET, 0);
		end(at[ipv6][0]);
		end(at[ipv6][0]);
		assert_word(&opened, 1, SP_LETTER_RESET);
		assert_word(&again, 3, SP_LETTER_RESET);
		assert_int_equal(answered(), before + 1);
		assert_silence(&opened);
		assert_silence(&again);
		assert_silence(&asked);
		end(at[ipv6][1]);
		assert_word(&other, 5, SP_LETTER_RESET);
		assert_silence(&other);
		close(opened.fd);
		close(again.fd);
		close(asked.fd);
		close(other.fd);
	}
}

/* Addresses are compared whole, and within their family. */
static void test_reset_of_nobody_else(void **state)
{
	struct client ipv4 = new_client(false), ipv6 = new_client(true);

	(void)state;
	post(&ipv4, 1, "");
	serve(false);
	post(&ipv6, 2, "");
	serve(true);
	end("127.0.0.6");
	end("::2");
	end("fe80::1");
	end("::7f00:5"); /* 127.0.0.5 where ::1 has its 1, but not mapped */
	end("fd85::ffff:7f00:5");
	assert_silence(&ipv4);
	assert_silence(&ipv6);
	post(&ipv4, 3, "");
	serve(false);
	end("127.0.0.5");
	assert_word(&ipv4, 3, SP_LETTER_RESET);
	close(ipv4.fd);
	close(ipv6.fd);
}

/* One that was declined has asked, too: its connection has a socket soon. */
static void test_declined_is_not_reset(void **state)
{
	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct client client = new_client(ipv6);

		post(&client, 1, "");
		serve(ipv6);
		post(&client, 2, "GET / HT");
		serve(ipv6);
		assert_word(&client, 2, SP_LETTER_DECLINE);
		sp_letters_end(&desk.server.letters, &client.address);
		assert_silence(&client);
		close(client.fd);
	}
}

/* The place in a batch has just been that of a longer address. */
static void test_asked_after_the_other_family(void **state)
{
	struct client ipv4 = new_client(false), ipv6 = client_at(OTHER_OWN);

	(void)state;
	post(&ipv4, 1, "");
	serve(false);
	post(&ipv6, 2, GET);
	serve(true);
	assert_answer(&ipv6, 2, GET, 0);
	post(&ipv4, 3, GET);
	serve(false);
	assert_answer(&ipv4, 3, GET, 0);
	end("127.0.0.5");
	assert_silence(&ipv4);
	close(ipv4.fd);
	close(ipv6.fd);
}

static unsigned remembered(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SP_LETTERS_OPENED; i++)
		count += desk.server.letters.opened[i].client.any.sa_family != AF_UNSPEC;
	return count;
}

static bool is_remembered(const struct client *client)
{
	const in_port_t port = port_of(client->fd);

	for (unsigned i = 0; i < SP_LETTERS_OPENED; i++) {
		const union sp_letters_address *at = &desk.server.letters.opened[i].client;

		if (at->any.sa_family == AF_INET && at->ipv4.sin_port == port)
			return true;
	}
	return false;
}

/* Of two that have one place in the table the newer has it, and keeps it whatever the older does.
 */
static void test_forgotten_for_a_newer(void **state)
{
	struct client client[500];
	unsigned count = 0, older = 0, newer;

	(void)state;
	/* By the birthday problem two of some 80 have one place; of 500, but for once in e^30. */
	do {
		assert_true(count < 500);
		client[count] = new_client(false);
		post(&client[count], count, "");
		serve(false);
		count++;
	} while (remembered() == count);
	newer = count - 1;
	assert_int_equal(remembered(), newer);
	while (is_remembered(&client[older]))
		older++;
	assert_true(older < newer);
	post(&client[older], older, GET);
	serve(false);
	assert_answer(&client[older], older, GET, 0);
	end("127.0.0.5");
	assert_word(&client[newer], newer, SP_LETTER_RESET);
	assert_silence(&client[older]);
	for (unsigned i = 0; i < count; i++)
		close(client[i].fd);
}

/* --- the whole server ---------------------------------------------------------------------------
 */

static void turn_until(const struct client *client)
{
	const uint64_t end_ms = sp_monotonic_ms() + WAIT_MS;

	while (!is_readable(client->fd, 0)) {
		assert_int_equal(sp_server_turn(&desk.server, 10), 0);
		assert_true(sp_monotonic_ms() < end_ms);
	}
}

static void test_server_answers_by_zone(void **state)
{
	static const char *const login[ZONES][2] = {{LOGIN4, LOGIN6}, {LOGIN4_OF1, LOGIN6_OF1}};
	struct reply reply;

	(void)state;
	for (unsigned i = 0; i < 2 * ZONES; i++) {
		bool ipv6 = i % 2;
		struct client client = new_client(ipv6);
		int socket = desk.letters[i / 2][ipv6];
		const char *own = ipv6 ? "::1" : "127.0.0.1";

		post_to(&client, socket, own, i, GET);
		turn_until(&client);
		assert_answer(&client, i, GET, i / 2);
		post_to(&client, socket, own, i, GET);
		turn_until(&client);
		hear(&client, &reply);
		assert_non_null(strstr(reply.text, login[i / 2][ipv6]));
		close(client.fd);
	}
	assert_int_equal(answered_with(511), 4 * ZONES);
}

/* The keeper says who has logged in. */
static void test_server_resets_at_login(void **state)
{
	struct sp_ipc_close message = {.header.kind = SP_IPC_CLOSE};

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct client opened = new_client(ipv6);
		int socket = desk.letters[1][ipv6];
		const unsigned before = remembered();
		const uint64_t end_ms = sp_monotonic_ms() + WAIT_MS;

		post_to(&opened, socket, ipv6 ? "::1" : "127.0.0.1", 1, "");
		while (remembered() == before) {
			assert_int_equal(sp_server_turn(&desk.server, 10), 0);
			assert_true(sp_monotonic_ms() < end_ms);
		}
		message.client = opened.address;
		assert_int_equal(sp_ipc_send(desk.keeper[1], &message, sizeof(message)), 0);
		turn_until(&opened);
		assert_word(&opened, 1, SP_LETTER_RESET);
		assert_int_equal(remembered(), before);
		close(opened.fd);
	}
	assert_int_equal(answered(), 0);
}

#define desk_test(test) cmocka_unit_test_setup_teardown(test, open_desk, close_desk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		desk_test(test_answered),
		desk_test(test_longest),
		desk_test(test_declined),
		desk_test(test_malformed),
		desk_test(test_many),
		desk_test(test_own_address),
		desk_test(test_no_own_address),
		desk_test(test_unreachable),
		desk_test(test_too_long_for_the_way),
		desk_test(test_reset_at_login),
		desk_test(test_reset_of_nobody_else),
		desk_test(test_declined_is_not_reset),
		desk_test(test_asked_after_the_other_family),
		desk_test(test_forgotten_for_a_newer),
		desk_test(test_server_answers_by_zone),
		desk_test(test_server_resets_at_login),
	};

	return cmocka_run_group_tests(tests, make_host, remove_knowledge);
}
