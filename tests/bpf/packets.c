// SPDX-License-Identifier: GPL-2.0-or-later
#include "packets.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t *add(struct sp_frame_bytes *frame, size_t size)
{
	uint8_t *at = frame->byte + frame->length;

	if (size > sizeof(frame->byte) - frame->length)
		fail_msg("the frame does not fit its %zu bytes", sizeof(frame->byte));
	memset(at, 0, size);
	frame->length += size;
	return at;
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

struct sp_address sp_packet_address(const char *text)
{
	struct sp_address address = {};

	if (inet_pton(AF_INET6, text, &address) == 1)
		return address;
	if (inet_pton(AF_INET, text, &address.word[3]) != 1)
		fail_msg("\"%s\" is no address", text);
	address.word[2] = htonl(0xffff);
	return address;
}

static void put_address(uint8_t *at, const char *text, size_t size)
{
	struct sp_address address = sp_packet_address(text);

	memcpy(at, (uint8_t *)&address + sizeof(address) - size, size);
}

static uint32_t sum(uint32_t total, const uint8_t *at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		total += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	return total;
}

static uint16_t fold(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

static void add_ethernet(struct sp_frame_bytes *frame, const struct sp_ether *ether,
                         uint16_t ethertype)
{
	memcpy(add(frame, 6), ether->to, 6);
	memcpy(add(frame, 6), ether->from, 6);
	for (uint8_t i = 0; i < ether->tags; i++) {
		put16(add(frame, 2), ether->tag[i].protocol);
		put16(add(frame, 2), ether->tag[i].vlan);
	}
	put16(add(frame, 2), ethertype);
	frame->network = frame->length;
}

static void add_hex(struct sp_frame_bytes *frame, const char *text)
{
	while (*text) {
		char pair[3] = {};

		if (isspace((unsigned char)*text)) {
			text++;
			continue;
		}
		pair[0] = *text++;
		pair[1] = *text ? *text++ : '0';
		*add(frame, 1) = (uint8_t)strtoul(pair, NULL, 16);
	}
}

static void add_arp(struct sp_frame_bytes *frame, const struct sp_sample *sample,
                    const struct sp_ether *ether)
{
	uint8_t *arp = add(frame, 28);

	put16(arp, 1);
	put16(arp + 2, 0x0800);
	arp[4] = 6;
	arp[5] = 4;
	put16(arp + 6, sample->type);
	memcpy(arp + 8, ether->from, 6);
	put_address(arp + 14, sample->from, 4);
	put_address(arp + 24, sample->to, 4);
}

static size_t checksum_at(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? 16 : protocol == IPPROTO_UDP ? 6 : 2;
}

/* Transport header and payload; later fragments have no header. */
static void add_transport(struct sp_frame_bytes *frame, const struct sp_sample *sample)
{
	uint8_t *at;

	if (!(sample->fragment & 0x1fff)) {
		switch (sample->protocol) {
		case IPPROTO_TCP:
			at = add(frame, 20);
			put16(at, sample->source_port);
			put16(at + 2, sample->destination_port);
			at[12] = 5 << 4;
			at[13] = sample->flags;
			break;
		case IPPROTO_UDP:
			at = add(frame, 8);
			put16(at, sample->source_port);
			put16(at + 2, sample->destination_port);
			put16(at + 4, 8u + sample->payload);
			break;
		case IPPROTO_ICMP:
		case IPPROTO_ICMPV6:
			at = add(frame, 8);
			at[0] = sample->type;
			at[1] = sample->code;
			if (sample->target)
				put_address(add(frame, 16), sample->target, 16);
			break;
		}
	}
	at = add(frame, sample->payload);
	memset(at, 0x5a, sample->payload);
}

/* The checksum of the transport, from its first byte @start to the end of the frame. */
static void fill_checksum(struct sp_frame_bytes *frame, const struct sp_sample *sample,
                          size_t start)
{
	uint8_t *at = frame->byte + start;
	size_t size = frame->length - start;
	size_t addresses = sample->family == 4 ? 8 : 32;
	const uint8_t *from = frame->byte + frame->network + (sample->family == 4 ? 12 : 8);
	uint32_t total = 0;

	if (sample->fragment || size < 8)
		return;
	if (sample->protocol != IPPROTO_TCP && sample->protocol != IPPROTO_UDP &&
	    sample->protocol != IPPROTO_ICMP && sample->protocol != IPPROTO_ICMPV6)
		return;
	if (sample->protocol != IPPROTO_ICMP)
		total = sum((uint32_t)size + sample->protocol, from, addresses);
	put16(at + checksum_at(sample->protocol), fold(sum(total, at, size)));
}

static void add_ipv4(struct sp_frame_bytes *frame, const struct sp_sample *sample)
{
	size_t header = 20u + sample->options * 4u;
	uint8_t *ip = add(frame, header);

	memset(ip + 20, 1, sample->options * 4u);
	ip[0] = (uint8_t)(0x40 | header / 4);
	put16(ip + 6, sample->fragment);
	ip[8] = sample->hops ? sample->hops : 64;
	ip[9] = sample->protocol;
	put_address(ip + 12, sample->from, 4);
	put_address(ip + 16, sample->to, 4);
	add_transport(frame, sample);
	frame->ip_bytes = frame->length - frame->network;
	put16(ip + 2, frame->ip_bytes);
	put16(ip + 10, fold(sum(0, ip, header)));
	fill_checksum(frame, sample, frame->network + header);
}

/* Each extension header in its smallest form; padding options fill it. */
static void add_extension(struct sp_frame_bytes *frame, const struct sp_sample *sample,
                          uint8_t kind, uint8_t next)
{
	uint8_t *at = add(frame, kind == IPPROTO_AH ? 24 : 8);

	at[0] = next;
	switch (kind) {
	case IPPROTO_AH:
		at[1] = 4;
		break;
	case IPPROTO_FRAGMENT:
		put16(at + 2, (sample->fragment & 0x1fffu) << 3 | sample->fragment >> 13);
		break;
	case IPPROTO_HOPOPTS:
		at[2] = 5; /* router alert (RFC 2711) */
		at[3] = 2;
		at[6] = 1; /* PadN */
		break;
	case IPPROTO_DSTOPTS:
		at[2] = 1; /* PadN */
		at[3] = 4;
		break;
	}
}

static void add_ipv6(struct sp_frame_bytes *frame, const struct sp_sample *sample)
{
	uint8_t *ip = add(frame, 40);
	bool nd = sample->protocol == IPPROTO_ICMPV6 && sample->type >= 133 && sample->type <= 137;

	ip[0] = 0x60;
	ip[6] = sample->chain_length ? sample->chain[0] : sample->protocol;
	ip[7] = sample->hops ? sample->hops : nd ? 255 : 64;
	put_address(ip + 8, sample->from, 16);
	put_address(ip + 24, sample->to, 16);
	for (uint8_t i = 0; i < sample->chain_length; i++)
		add_extension(frame, sample, sample->chain[i],
		              i + 1 < sample->chain_length ? sample->chain[i + 1]
		                                           : sample->protocol);
	size_t transport = frame->length;

	add_transport(frame, sample);
	frame->ip_bytes = frame->length - frame->network;
	put16(ip + 4, frame->ip_bytes - 40);
	fill_checksum(frame, sample, transport);
}

void sp_packet_build(const struct sp_sample *sample, const struct sp_ether *ether,
                     struct sp_frame_bytes *frame)
{
	frame->length = 0;
	frame->ip_bytes = 0;
	if (sample->family == 4) {
		add_ethernet(frame, ether, 0x0800);
		add_ipv4(frame, sample);
	} else if (sample->family == 6) {
		add_ethernet(frame, ether, 0x86dd);
		add_ipv6(frame, sample);
	} else {
		add_ethernet(frame, ether, sample->ethertype);
		if (sample->ethertype == 0x0806)
			add_arp(frame, sample, ether);
		else
			add_hex(frame, sample->body);
	}
	add(frame, sample->padding);
	for (uint8_t i = 0; i < sample->patches; i++) {
		size_t at = frame->network + sample->patch[i].at;

		if (at >= frame->length)
			fail_msg("%s: patch %u is behind the frame", sample->name, i);
		frame->byte[at] = sample->patch[i].value;
	}
}
