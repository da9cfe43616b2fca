// SPDX-License-Identifier: GPL-2.0-or-later
#include "segments.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define DONT_FRAGMENT 0x4000

const uint8_t sp_segment_mss[4] = {2, 4, SP_LETTER_SIZE >> 8, SP_LETTER_SIZE & 0xff};

struct sp_test_segment sp_segment_opening(bool is_ipv6, uint16_t port)
{
	return (struct sp_test_segment){
		.is_ipv6 = is_ipv6,
		.port = port,
		.sequence = 1000,
		.flags = SP_SYN,
		.window = 64240,
		.option = sp_segment_mss,
		.option_bytes = sizeof(sp_segment_mss),
	};
}

struct sp_test_segment sp_segment_back(const struct sp_test_segment *to, uint32_t sequence,
                                       uint8_t flags, uint32_t heard)
{
	struct sp_test_segment answer = *to;

	answer.sequence = sequence;
	answer.acknowledgement = to->sequence + heard;
	answer.flags = flags;
	answer.window = 65535;
	answer.option = sp_segment_mss;
	answer.option_bytes = flags & SP_SYN ? sizeof(sp_segment_mss) : 0;
	answer.payload = NULL;
	answer.size = 0;
	return answer;
}

int sp_segment_socket(bool is_ipv6, int type)
{
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(is_ipv6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd >= 0 &&
	    !bind(fd, is_ipv6 ? (struct sockaddr *)&to6 : (struct sockaddr *)&to4,
	          is_ipv6 ? sizeof(to6) : sizeof(to4)) &&
	    (type != SOCK_STREAM || !listen(fd, 8)))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Where a packet is, and what of it is whose. */
struct layout {
	uint8_t *ip, *transport;
	size_t length; /* from the transport header to the end of the packet */
	bool is_ipv6;
};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

/* RFC 1071, added to @sum. */
static uint32_t add_up(uint32_t sum, const uint8_t *at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static struct layout lay_out(const struct sp_test_segment *segment, struct sp_frame_bytes *frame)
{
	uint8_t *ip = frame->byte + frame->network;
	const size_t header = segment->is_ipv6 ? 40 : 20;

	return (struct layout){ip, ip + header, frame->ip_bytes - header, segment->is_ipv6};
}

/* Right checksums: of the IP header, and of the transport, which is at @at in its header. */
static void seal(const struct layout *layout, uint8_t protocol, size_t at)
{
	uint32_t sum = add_up((uint32_t)layout->length + protocol,
	                      layout->ip + (layout->is_ipv6 ? 8 : 12), layout->is_ipv6 ? 32 : 8);

	if (!layout->is_ipv6) {
		put16(layout->ip + 10, 0);
		put16(layout->ip + 10, ~add_up(0, layout->ip, 20));
	}
	put16(layout->transport + at, 0);
	sum = ~add_up(sum, layout->transport, layout->length) & 0xffff;
	if (protocol == IPPROTO_UDP && !sum)
		sum = 0xffff;
	put16(layout->transport + at, sum);
}

/* The text of one of the client's addresses; good until the next call. */
static const char *client_of(const struct sp_test_segment *segment)
{
	static char text[16];

	snprintf(text, sizeof(text), segment->is_ipv6 ? "fd85::%x" : "10.85.0.%u",
	         segment->client ?: SP_SEGMENT_CLIENT);
	return text;
}

static const char *server_of(const struct sp_test_segment *segment)
{
	return segment->is_ipv6 ? "fd86::2" : "10.86.0.2";
}

/* A frame with @size bytes behind the transport header, without them. */
static void frame_of(const struct sp_test_segment *segment, bool back, uint8_t protocol,
                     size_t size, struct sp_frame_bytes *frame)
{
	static const struct sp_tag tags[2][2] = {{{0x8100, 0x6005}}, {{0x88a8, 5}, {0x8100, 7}}};
	struct sp_sample sample = {
		.family = segment->is_ipv6 ? 6 : 4,
		.from = client_of(segment),
		.to = server_of(segment),
		.protocol = protocol,
		.source_port = segment->port,
		.destination_port = SP_SEGMENT_PORT,
		.payload = (uint16_t)size,
		.padding = segment->padding,
	};
	struct sp_ether ether = {.tags = segment->tags};

	if (segment->tags)
		memcpy(ether.tag, tags[segment->tags - 1], sizeof(tags[0]));
	sp_test_mac(back ? ether.to : ether.from, SP_SEGMENT_CLIENT);
	memcpy(back ? ether.from : ether.to, sp_test_gateway_mac, 6);
	if (back) {
		sample.from = server_of(segment);
		sample.to = client_of(segment);
		sample.source_port = SP_SEGMENT_PORT;
		sample.destination_port = segment->port;
		sample.padding = 0;
		if (!segment->is_ipv6)
			sample.fragment = DONT_FRAGMENT;
	}
	sp_packet_build(&sample, &ether, frame);
	memset(frame->byte + frame->network + frame->ip_bytes, 0xa5, sample.padding);
}

static void put_segment(const struct sp_test_segment *segment, bool back,
                        struct sp_frame_bytes *frame)
{
	struct layout layout;
	uint8_t *tcp;

	frame_of(segment, back, IPPROTO_TCP, segment->option_bytes + segment->size, frame);
	layout = lay_out(segment, frame);
	tcp = layout.transport;
	put32(tcp + 4, segment->sequence);
	put32(tcp + 8, segment->acknowledgement);
	tcp[12] = (uint8_t)((5 + segment->option_bytes / 4) << 4);
	tcp[13] = segment->flags;
	put16(tcp + 14, segment->window);
	if (segment->option_bytes)
		memcpy(tcp + 20, segment->option, segment->option_bytes);
	if (segment->size)
		memcpy(tcp + 20 + segment->option_bytes, segment->payload, segment->size);
	seal(&layout, IPPROTO_TCP, 16);
}

void sp_segment_build(const struct sp_test_segment *segment, struct sp_frame_bytes *frame)
{
	put_segment(segment, false, frame);
}

void sp_segment_answer(const struct sp_test_segment *segment, struct sp_frame_bytes *frame)
{
	put_segment(segment, true, frame);
}

static void put_own(const struct layout *layout, uint16_t stand_in)
{
	const struct sp_address own = sp_packet_address(layout->is_ipv6 ? "fd85::1" : "10.85.0.1");

	if (layout->is_ipv6)
		memcpy(layout->ip + 24, &own, 16);
	else
		memcpy(layout->ip + 16, &own.word[3], 4);
	put16(layout->transport + 2, stand_in);
}

void sp_segment_handed(const struct sp_test_segment *segment, uint16_t stand_in,
                       struct sp_frame_bytes *frame)
{
	struct layout layout;

	sp_segment_build(segment, frame);
	layout = lay_out(segment, frame);
	put_own(&layout, stand_in);
	seal(&layout, IPPROTO_TCP, 16);
}

void sp_segment_letter(const struct sp_test_segment *segment, uint16_t stand_in,
                       struct sp_frame_bytes *frame)
{
	const uint32_t end =
		segment->sequence + (uint32_t)segment->size + (segment->flags & SP_FIN ? 1 : 0);
	const struct sp_letter letter = {
		.sequence = htonl(segment->acknowledgement),
		.acknowledged = htonl(end),
		.stand_in = htons(stand_in),
	};
	struct layout layout;

	frame_of(segment, false, IPPROTO_UDP, sizeof(letter) + segment->size, frame);
	layout = lay_out(segment, frame);
	put_own(&layout, stand_in);
	memcpy(layout.transport + 8, &letter, sizeof(letter));
	if (segment->size)
		memcpy(layout.transport + 8 + sizeof(letter), segment->payload, segment->size);
	seal(&layout, IPPROTO_UDP, 6);
}

/* --- cookies --- */

static uint64_t get64(const uint8_t *at)
{
	uint64_t word = 0;

	for (unsigned i = 0; i < 8; i++)
		word |= (uint64_t)at[i] << 8 * i;
	return word;
}

static uint64_t left(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static void mix(uint64_t v[4], unsigned rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[1] = left(v[1], 13) ^ v[0];
		v[0] = left(v[0], 32);
		v[2] += v[3];
		v[3] = left(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = left(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = left(v[1], 17) ^ v[2];
		v[2] = left(v[2], 32);
	}
}

static void absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	mix(v, 2);
	v[0] ^= word;
}

uint64_t sp_test_siphash(const uint8_t key[16], const uint8_t *bytes, size_t size)
{
	uint64_t v[4] = {0x736f6d6570736575, 0x646f72616e646f6d, 0x6c7967656e657261,
	                 0x7465646279746573};
	uint8_t last[8] = {[7] = (uint8_t)size};

	for (unsigned i = 0; i < 4; i++)
		v[i] ^= get64(key + 8 * (i & 1));
	for (; size >= 8; bytes += 8, size -= 8)
		absorb(v, get64(bytes));
	memcpy(last, bytes, size);
	absorb(v, get64(last));
	v[2] ^= 0xff;
	mix(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Add word @n of an address to what is hashed. */
static void put_word(uint8_t **at, const struct sp_address *address, unsigned n)
{
	memcpy(*at, &address->word[n], 4);
	*at += 4;
}

/* The ends of the connection: the low words, the ports, and of IPv6 what is left. */
static uint64_t hash_of(const struct sp_test_segment *syn, const __u64 key[2])
{
	const struct sp_address from = sp_packet_address(client_of(syn));
	const struct sp_address to = sp_packet_address(server_of(syn));
	uint8_t bytes[40] = {}, *at = bytes, secret[16];

	put_word(&at, &to, 3);
	put_word(&at, &from, 3);
	*at++ = SP_SEGMENT_PORT;
	*at++ = 0;
	*at++ = (uint8_t)syn->port;
	*at++ = (uint8_t)(syn->port >> 8);
	at += 4;
	if (syn->is_ipv6) {
		put_word(&at, &from, 1);
		put_word(&at, &from, 0);
		put_word(&at, &to, 1);
		put_word(&at, &to, 0);
		put_word(&at, &to, 2);
		put_word(&at, &from, 2);
	}
	memcpy(secret, key, sizeof(secret));
	return sp_test_siphash(secret, bytes, (size_t)(at - bytes));
}

/* 9 bits of @value, mixed. */
static uint32_t nine(uint64_t value)
{
	return (uint32_t)value * 2654435761u >> 23;
}

uint32_t sp_test_cookie(const struct sp_test_segment *syn, const __u64 key[2], uint64_t unit)
{
	const uint64_t hash = hash_of(syn, key);

	return nine((hash >> 32) + syn->sequence) << 23 | nine((hash >> 16) + unit) << 14 |
	       (uint32_t)(unit % 4) << 12 | (uint32_t)(hash % 4096);
}

uint64_t sp_test_cookie_unit(void)
{
	return sp_test_jiffies() / (64ull * sp_test_hz());
}
