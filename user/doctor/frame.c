/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doctor/frame.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#define IP_HEADER   20
#define TTL         64
#define WINDOW      65535
#define DHCP_SIZE   300 /* bytes: what BOOTP relays expect at least (RFC 1542 section 2.1) */
#define DHCP_OPTION 240 /* where options begin */

static void put(struct sp_frame *frame, const void *bytes, size_t size)
{
	if (!size)
		return;
	memcpy(frame->byte + frame->length, bytes, size);
	frame->length += size;
}

/* The sum of RFC 1071, not yet folded. */
static uint32_t add_up(uint32_t sum, const void *bytes, size_t size)
{
	const uint8_t *byte = bytes;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)(byte[i] << 8 | byte[i + 1]);
	return size % 2 ? sum + (uint32_t)(byte[size - 1] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* Ethernet and IP headers of a packet with @payload bytes behind them. */
static void begin(struct sp_frame *frame, const struct sp_frame_ends *ends, uint8_t protocol,
                  size_t payload)
{
	struct ethhdr ethernet = {.h_proto = htons(ETH_P_IP)};
	uint16_t total = (uint16_t)(IP_HEADER + payload), sum;
	uint32_t from = htonl(ends->from), to = htonl(ends->to);
	/* Version 4, five words, no options, not a fragment (RFC 791 section 3.1). */
	uint8_t ip[IP_HEADER] = {0x45, 0,       (uint8_t)(total >> 8), (uint8_t)total, 0, 0, 0, 0,
	                         TTL,  protocol};

	*frame = (struct sp_frame){.length = 0};
	memcpy(ethernet.h_source, ends->from_mac, sizeof(ethernet.h_source));
	memcpy(ethernet.h_dest, ends->to_mac, sizeof(ethernet.h_dest));
	memcpy(ip + 12, &from, sizeof(from));
	memcpy(ip + 16, &to, sizeof(to));
	sum = fold(add_up(0, ip, sizeof(ip)));
	memcpy(ip + 10, &sum, sizeof(sum));
	put(frame, &ethernet, sizeof(ethernet));
	put(frame, ip, sizeof(ip));
}

/* Frames are no shorter on a wire. */
static void end(struct sp_frame *frame)
{
	if (frame->length < ETH_ZLEN)
		frame->length = ETH_ZLEN;
}

/* Of the pseudo header (RFC 9293 section 3.1) and @size bytes. */
static uint16_t checksum(const struct sp_frame_ends *ends, uint8_t protocol, const void *bytes,
                         size_t size)
{
	uint32_t sum = (ends->from >> 16) + (ends->from & 0xffff) + (ends->to >> 16) +
	               (ends->to & 0xffff) + protocol + (uint32_t)size;

	return fold(add_up(sum, bytes, size));
}

void sp_frame_tcp(struct sp_frame *frame, const struct sp_frame_ends *ends,
                  const struct sp_frame_segment *segment)
{
	/* Kind 2, 4 bytes (RFC 9293 section 3.2). */
	const uint8_t option[] = {2, 4, (uint8_t)(segment->most >> 8), (uint8_t)segment->most};
	const size_t options = segment->most ? sizeof(option) : 0;
	const size_t text = segment->text ? strlen(segment->text) : 0;
	struct tcphdr tcp = {
		.th_sport = htons(ends->from_port),
		.th_dport = htons(ends->to_port),
		.th_seq = htonl(segment->sequence),
		.th_ack = htonl(segment->acknowledged),
		.th_off = (sizeof(tcp) + options) / 4 & 15,
		.th_flags = segment->flags,
		.th_win = htons(WINDOW),
	};
	size_t at;

	begin(frame, ends, IPPROTO_TCP, sizeof(tcp) + options + text);
	at = frame->length;
	put(frame, &tcp, sizeof(tcp));
	put(frame, option, options);
	put(frame, segment->text, text);
	tcp.th_sum = checksum(ends, IPPROTO_TCP, frame->byte + at, frame->length - at);
	memcpy(frame->byte + at, &tcp, sizeof(tcp));
	end(frame);
}

/* UDP without a checksum, as RFC 768 allows. */
static void put_udp(struct sp_frame *frame, const struct sp_frame_ends *ends, const void *payload,
                    size_t size)
{
	struct udphdr udp = {
		.source = htons(ends->from_port),
		.dest = htons(ends->to_port),
		.len = htons((uint16_t)(sizeof(udp) + size)),
	};

	begin(frame, ends, IPPROTO_UDP, sizeof(udp) + size);
	put(frame, &udp, sizeof(udp));
	put(frame, payload, size);
	end(frame);
}

void sp_frame_dns(struct sp_frame *frame, const struct sp_frame_ends *ends, uint16_t id,
                  const char *name)
{
	/* Recursion desired, one question (RFC 1035 section 4.1.1). */
	uint8_t message[300] = {(uint8_t)(id >> 8), (uint8_t)id, 1, 0, 0, 1};
	size_t at = 12;

	while (*name && at + strlen(name) + 6 < sizeof(message)) {
		size_t label = strcspn(name, ".");

		message[at++] = (uint8_t)label;
		memcpy(message + at, name, label);
		at += label;
		name += label + (name[label] == '.');
	}
	message[at + 2] = 1; /* A */
	message[at + 4] = 1; /* IN */
	put_udp(frame, ends, message, at + 5);
}

void sp_frame_dhcp(struct sp_frame *frame, const uint8_t mac[6], uint32_t transaction)
{
	static const uint8_t options[] = {99, 130, 83, 99,         /* the cookie */
	                                  53, 1,   1,              /* DHCPDISCOVER */
	                                  55, 4,   1,  3,  6, 114, /* mask, router, DNS, API */
	                                  255};
	struct sp_frame_ends ends = {
		.to_mac = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		.to = INADDR_BROADCAST,
		.from_port = 68,
		.to_port = 67,
	};
	/* BOOTREQUEST, Ethernet, addresses of 6 bytes (RFC 2131 section 2). */
	uint8_t message[DHCP_SIZE] = {1, 1, 6};
	uint32_t xid = htonl(transaction);

	memcpy(ends.from_mac, mac, sizeof(ends.from_mac));
	memcpy(message + 4, &xid, sizeof(xid));
	memcpy(message + 28, mac, 6);
	memcpy(message + DHCP_OPTION - 4, options, sizeof(options));
	put_udp(frame, &ends, message, sizeof(message));
}
