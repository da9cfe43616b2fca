// SPDX-License-Identifier: GPL-2.0-or-later
#include "build.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <string.h>

#define FROM_PORT  9000
#define TTL        64
#define TCP_SYN    0x02
#define MAC_NUMBER 2 /* the last four of its bytes are the client's number */

/* Words as they lie in memory. */
static uint32_t sum(const void *data, size_t size)
{
	const uint8_t *byte = data;
	uint32_t total = 0;

	for (size_t i = 0; i < size; i += 2) {
		uint16_t word = 0;

		memcpy(&word, byte + i, size - i > 1 ? 2 : 1);
		total += word;
	}
	return total;
}

static uint16_t checksum(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

static uint32_t put_ethernet(const struct sp_bench_flow *flow, struct sp_bench_stream *stream)
{
	const uint16_t type = htons(flow->family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
	struct ethhdr ethernet = {.h_proto = type};
	uint32_t at = sizeof(ethernet);

	memcpy(ethernet.h_source, flow->from_mac, sizeof(ethernet.h_source));
	memcpy(ethernet.h_dest, flow->to_mac, sizeof(ethernet.h_dest));
	if (flow->vlan) {
		const uint16_t tag[2] = {htons(flow->vlan), type};

		ethernet.h_proto = htons(ETH_P_8021Q);
		memcpy(stream->head + at, tag, sizeof(tag));
		at += sizeof(tag);
	}
	memcpy(stream->head, &ethernet, sizeof(ethernet));
	if (!flow->download)
		stream->mac = ETH_ALEN + MAC_NUMBER;
	return at;
}

static uint32_t ip_size(const struct sp_bench_flow *flow)
{
	return flow->family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/* @payload: bytes behind the IP header. */
static void put_ip4(const struct sp_bench_flow *flow, struct sp_bench_stream *stream, uint32_t at,
                    uint32_t payload)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = sizeof(ip) / 4,
		.tot_len = htons((uint16_t)(sizeof(ip) + payload)),
		.ttl = TTL,
		.protocol = flow->protocol,
	};

	memcpy(&ip.saddr, &flow->from, sizeof(ip.saddr));
	memcpy(&ip.daddr, &flow->to, sizeof(ip.daddr));
	stream->ip_check = at + offsetof(struct iphdr, check);
	stream->address = at + (uint32_t)(flow->download ? offsetof(struct iphdr, daddr)
	                                                 : offsetof(struct iphdr, saddr));
	stream->ip_sum = sum(&ip, sizeof(ip));
	ip.check = checksum(stream->ip_sum);
	memcpy(stream->head + at, &ip, sizeof(ip));
}

static void put_ip6(const struct sp_bench_flow *flow, struct sp_bench_stream *stream, uint32_t at,
                    uint32_t payload)
{
	const size_t last = sizeof(struct in6_addr) - 4;
	struct ipv6hdr ip = {
		.version = 6,
		.payload_len = htons((uint16_t)payload),
		.nexthdr = flow->protocol,
		.hop_limit = TTL,
	};

	memcpy(&ip.saddr, &flow->from, sizeof(ip.saddr));
	memcpy(&ip.daddr, &flow->to, sizeof(ip.daddr));
	stream->address =
		at + (uint32_t)(last + (flow->download ? offsetof(struct ipv6hdr, daddr)
	                                               : offsetof(struct ipv6hdr, saddr)));
	memcpy(stream->head + at, &ip, sizeof(ip));
}

static uint32_t put_udp(const struct sp_bench_flow *flow, struct sp_bench_stream *stream,
                        uint32_t at, uint32_t size)
{
	const struct udphdr udp = {
		.source = htons(FROM_PORT),
		.dest = htons(flow->to_port),
		.len = htons((uint16_t)size),
	};
	const struct sp_bench_stamp stamp = {.magic = SP_BENCH_MAGIC};
	const uint32_t payload = at + (uint32_t)sizeof(udp);

	memcpy(stream->head + at, &udp, sizeof(udp));
	/* Over IPv4 it may go without (RFC 768), over IPv6 not (RFC 8200 section 8.1). */
	if (flow->family == AF_INET6)
		stream->check = at + offsetof(struct udphdr, check);
	if (flow->stamp) {
		stream->stamp = payload;
		memcpy(stream->head + payload, &stamp, sizeof(stamp));
		return payload + (uint32_t)sizeof(stamp);
	}
	memcpy(stream->head + payload, flow->payload, flow->payload_size);
	return payload + flow->payload_size;
}

static uint32_t put_tcp(const struct sp_bench_flow *flow, struct sp_bench_stream *stream,
                        uint32_t at)
{
	struct tcphdr tcp = {
		.source = htons(FROM_PORT),
		.dest = htons(flow->to_port),
		.seq = htonl(1),
		.doff = sizeof(tcp) / 4,
		.window = htons(1024),
	};

	memcpy(stream->head + at, &tcp, sizeof(tcp));
	stream->head[at + 13] = flow->flags; /* RFC 9293 section 3.1 */
	stream->check = at + offsetof(struct tcphdr, check);
	return at + (uint32_t)sizeof(tcp);
}

/* Of UDP or TCP with its pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1). */
static void put_check(const struct sp_bench_flow *flow, struct sp_bench_stream *stream, uint32_t at,
                      uint32_t payload)
{
	const size_t address = flow->family == AF_INET ? 4 : 16;
	uint16_t value;

	if (!stream->check)
		return;
	stream->sum = sum(&flow->from, address) + sum(&flow->to, address) + htons(flow->protocol) +
	              htons((uint16_t)payload) + sum(stream->head + at, SP_BENCH_HEAD - at);
	value = checksum(stream->sum);
	memcpy(stream->head + stream->check, &value, sizeof(value));
}

/* The sums that traffic.bpf.c adds to are without what it changes. */
static void leave_out(struct sp_bench_stream *stream)
{
	if (stream->clients > 1) {
		const uint16_t without = checksum(sum(stream->head + stream->address, 4));

		stream->ip_sum += without;
		stream->sum += without;
	}
	if (stream->flows > 1)
		stream->sum += checksum(sum(stream->head + stream->port, 2));
}

static uint32_t head_size(uint32_t used)
{
	return (used + 7) / 8 * 8;
}

static uint32_t largest(uint32_t one, uint32_t other)
{
	return one > other ? one : other;
}

uint32_t sp_bench_build(const struct sp_bench_flow *flow, struct sp_bench_stream *stream)
{
	const bool tcp = flow->protocol == IPPROTO_TCP;
	uint32_t ip, at, used, length, payload;

	*stream = (struct sp_bench_stream){.clients = flow->clients, .flows = flow->flows};
	ip = put_ethernet(flow, stream);
	at = ip + ip_size(flow);
	used = tcp ? put_tcp(flow, stream, at) : put_udp(flow, stream, at, 0);
	stream->port = at;
	stream->size = head_size(used);
	length = largest(flow->bytes, stream->size);
	/* A SYN brings no data: what is longer is padding. */
	payload = tcp && flow->flags & TCP_SYN ? (uint32_t)sizeof(struct tcphdr) : length - at;
	if (!tcp)
		put_udp(flow, stream, at, payload);
	if (flow->family == AF_INET)
		put_ip4(flow, stream, ip, payload);
	else
		put_ip6(flow, stream, ip, payload);
	put_check(flow, stream, at, payload);
	leave_out(stream);
	return length;
}

bool sp_bench_build_raw(const uint8_t *frame, size_t size, uint32_t clients,
                        struct sp_bench_stream *stream)
{
	if (size < ETH_HLEN || size > SP_BENCH_HEAD)
		return false;
	*stream = (struct sp_bench_stream){
		.size = head_size((uint32_t)size),
		.clients = clients,
		.mac = ETH_ALEN + MAC_NUMBER,
		.flows = 1,
	};
	memcpy(stream->head, frame, size);
	return true;
}
