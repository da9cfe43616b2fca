// SPDX-License-Identifier: GPL-2.0-only
/*
 * Theory of operation. Many browsers on one interface, each request with a connection of its own,
 * as segments and without sockets: what is to be measured is a gateway, on the CPUs that this
 * shares with it, and a client's TCP costs as much as a server's. Each segment from the server is
 * made into those that a browser's stack sends back for it:
 *
 *   SYN-ACK             ACK, and the request
 *   end of the answer   FIN with ACK, and the SYN of the next connection
 *   FIN                 ACK
 *
 * Nothing is remembered of a connection that has had its answer. Its sequence numbers follow from
 * its number, and that from the client's address and port, so what the server still has to say gets
 * the right acknowledgement. Nothing is sent again: what is lost is found by user space, which
 * begins another connection in its place.
 */
#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "browsers.h"

#define TTL    64
#define WINDOW 64240
#define STATUS 12 /* bytes of "HTTP/1.1 511" */

/* Set by user space. */
const volatile __u32 first_client = 0; /* address, host order */
const volatile __u32 clients = 1;
const volatile __u32 server = 0;      /* address, host order */
const volatile __u32 server_port = 0; /* host order */
const volatile __u32 at_once = 1;
const volatile __u32 total = 1; /* numbers of connections there are: a multiple of at_once */
const volatile __u32 seed = 0;
const volatile __u32 request_length = 1;
const volatile __u32 request_sum = 0; /* its checksum */
const volatile __u32 answer_length = 1;
const volatile char status_line[STATUS] = {};

struct sp_browsers_count count;
__u32 stopped; /* no further connection is begun */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SP_BROWSERS_CONNECTIONS);
	__type(key, __u32);
	__type(value, struct sp_browser);
} browsers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, char[SP_BROWSERS_REQUEST]);
} request SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SP_BROWSERS_PLACES);
	__type(key, __u32);
	__type(value, __u64);
} took SEC(".maps");

struct timestamps {
	__u8 nop[2], kind, length;
	__be32 value, echo;
} __attribute__((packed));

/* Options of a SYN, as Linux has them. */
struct syn_options {
	__u8 mss[4];
	__u8 sack[2], kind, length;
	__be32 value, echo;
	__u8 nop, scale[3];
} __attribute__((packed));

struct headers {
	__u8 unused[2]; /* so that what follows Ethernet is aligned */
	struct ethhdr ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
	union {
		struct timestamps stamps;
		struct syn_options syn;
	};
};

struct pseudo {
	__be32 from, to;
	__u8 zero, protocol;
	__be16 length;
};

/* A segment that came from the server. */
struct segment {
	__u32 number; /* of the connection */
	__u32 sequence, acknowledged;
	__u32 length, payload; /* of the payload, and where it begins */
	__be32 stamp;
	bool syn, fin, reset;
	bool stamped; /* it has timestamps: only then does the browser send them (RFC 7323) */
};

static __always_inline __u32 first_sequence(__u32 number)
{
	return seed + number * 0x9e3779b1u;
}

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

/* Fill in who sends to whom; options, of @options bytes, and flags are there. @length: all of TCP.
 */
static __always_inline void address(struct headers *headers, __u32 number, __u32 options,
                                    __u32 length, __u32 payload_sum)
{
	struct iphdr *ip = &headers->ip;
	struct tcphdr *tcp = &headers->tcp;
	struct pseudo pseudo = {};
	__s64 sum;

	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = bpf_htons((__u16)(sizeof(*ip) + length));
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = TTL;
	ip->protocol = IPPROTO_TCP;
	ip->saddr = bpf_htonl(first_client + number % clients);
	ip->daddr = bpf_htonl(server);
	ip->check = fold((__u64)bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
	tcp->source = bpf_htons((__u16)(SP_BROWSERS_FIRST_PORT + number / clients));
	tcp->dest = bpf_htons((__u16)server_port);
	tcp->doff = (__u16)(sizeof(*tcp) + options) / 4 & 15;
	tcp->window = bpf_htons(WINDOW);
	pseudo.from = ip->saddr;
	pseudo.to = ip->daddr;
	pseudo.protocol = IPPROTO_TCP;
	pseudo.length = bpf_htons((__u16)length);
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&pseudo, sizeof(pseudo), payload_sum);
	/* Where there are no options there are zeros. */
	sum = bpf_csum_diff(NULL, 0, (__be32 *)tcp, sizeof(*tcp) + sizeof(headers->syn),
	                    (__wsum)sum);
	tcp->check = fold((__u64)sum);
}

/* Make the packet the SYN of that connection. */
static __always_inline long write_syn(struct __sk_buff *skb, struct headers *headers, __u32 number)
{
	const __u32 length = sizeof(struct tcphdr) + sizeof(headers->syn);

	__builtin_memset(&headers->ip, 0,
	                 sizeof(*headers) - __builtin_offsetof(struct headers, ip));
	headers->tcp.syn = 1;
	headers->tcp.seq = bpf_htonl(first_sequence(number));
	headers->syn = (struct syn_options){
		.mss = {2, 4, 1460 >> 8, 1460 & 255},
		.sack = {4, 2},
		.kind = 8,
		.length = 10,
		.value = bpf_htonl((__u32)(bpf_ktime_get_ns() / 1000000)),
		.nop = 1,
		.scale = {3, 3, 7},
	};
	address(headers, number, sizeof(headers->syn), length, 0);
	return bpf_skb_change_tail(skb, ETH_HLEN + sizeof(struct iphdr) + length, 0)
	               ?: bpf_skb_store_bytes(skb, 0, &headers->ethernet,
	                                      ETH_HLEN + sizeof(struct iphdr) + length, 0);
}

/* Make the packet an acknowledgement of all of @segment: with a FIN, or with the request. */
static __always_inline long write_ack(struct __sk_buff *skb, struct headers *headers,
                                      const struct segment *segment, __u32 sequence, bool fin,
                                      const void *text)
{
	const __u32 whole = ETH_HLEN + sizeof(struct iphdr) + sizeof(struct tcphdr);
	__u32 options = segment->stamped ? sizeof(headers->stamps) : 0;
	__u32 more = text ? request_length : 0;
	long error;

	__builtin_memset(&headers->ip, 0,
	                 sizeof(*headers) - __builtin_offsetof(struct headers, ip));
	headers->tcp.ack = 1;
	headers->tcp.fin = fin;
	headers->tcp.psh = text != NULL;
	headers->tcp.seq = bpf_htonl(sequence);
	headers->tcp.ack_seq =
		bpf_htonl(segment->sequence + segment->length + segment->syn + segment->fin);
	if (segment->stamped)
		headers->stamps = (struct timestamps){
			.nop = {1, 1},
			.kind = 8,
			.length = 10,
			.value = bpf_htonl((__u32)(bpf_ktime_get_ns() / 1000000)),
			.echo = segment->stamp,
		};
	address(headers, segment->number, options, sizeof(struct tcphdr) + options + more,
	        text ? request_sum : 0);
	error = bpf_skb_change_tail(skb, whole + options + more, 0);
	if (!error)
		error = bpf_skb_store_bytes(skb, 0, &headers->ethernet, whole, 0);
	if (!error && segment->stamped)
		error = bpf_skb_store_bytes(skb, whole, &headers->stamps, sizeof(headers->stamps),
		                            0);
	if (!text || error)
		return error;
	return bpf_skb_store_bytes(skb, whole + options, text, request_length, 0);
}

/* Note when the connection of that number was begun, in its place. */
static __always_inline void begin(struct sp_browser *browser, __u32 number)
{
	browser->number = number;
	browser->answered = 0;
	browser->is_wanted = false;
	browser->begun = bpf_ktime_get_ns();
	browser->state = SP_BROWSER_OPENING;
}

static __always_inline __u32 next_of(__u32 number)
{
	return number + at_once < total ? number + at_once : number % at_once;
}

/* A frame of user space's own: begin another connection in that place. */
SEC("tc")
int kicked(struct __sk_buff *skb)
{
	struct sp_browser *browser;
	struct headers headers;
	__u32 place;

	if (skb->protocol != bpf_htons(SP_BROWSERS_KICK))
		return TC_ACT_UNSPEC;
	if (bpf_skb_load_bytes(skb, 0, &headers.ethernet, ETH_HLEN) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN, &place, sizeof(place)))
		return TC_ACT_SHOT;
	browser = bpf_map_lookup_elem(&browsers, &place);
	if (!browser)
		return TC_ACT_SHOT;
	if (browser->state != SP_BROWSER_IDLE)
		__sync_fetch_and_add(&count.failed, 1);
	begin(browser, next_of(browser->number));
	headers.ethernet.h_proto = bpf_htons(ETH_P_IP);
	return write_syn(skb, &headers, browser->number) ? TC_ACT_SHOT : TC_ACT_OK;
}

/* Read a segment of the server to one of the clients. */
static __always_inline bool read_segment(struct __sk_buff *skb, struct headers *headers,
                                         struct segment *segment)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *ethernet = data;
	struct iphdr *ip = (void *)(ethernet + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	__u32 client, port, size;

	if ((void *)(tcp + 1) > end || ethernet->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5 ||
	    ip->protocol != IPPROTO_TCP || ip->saddr != bpf_htonl(server) ||
	    tcp->source != bpf_htons((__u16)server_port))
		return false;
	client = bpf_ntohl(ip->daddr) - first_client;
	port = bpf_ntohs(tcp->dest) - SP_BROWSERS_FIRST_PORT;
	if (client >= clients || port >= SP_BROWSERS_PORTS)
		return false;
	__builtin_memcpy(headers->ethernet.h_dest, ethernet->h_source, ETH_ALEN);
	__builtin_memcpy(headers->ethernet.h_source, ethernet->h_dest, ETH_ALEN);
	headers->ethernet.h_proto = ethernet->h_proto;
	size = tcp->doff * 4u;
	segment->number = port * clients + client;
	segment->sequence = bpf_ntohl(tcp->seq);
	segment->acknowledged = bpf_ntohl(tcp->ack_seq);
	segment->syn = tcp->syn;
	segment->fin = tcp->fin;
	segment->reset = tcp->rst;
	segment->payload = ETH_HLEN + sizeof(*ip) + size;
	segment->length = bpf_ntohs(ip->tot_len) - (__u32)sizeof(*ip) - size;
	segment->stamp = 0;
	segment->stamped = true;
	if (segment->syn && size == sizeof(*tcp) + sizeof(struct syn_options))
		bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(*ip) + sizeof(*tcp) + 8, &segment->stamp,
		                   4);
	else if (size == sizeof(*tcp) + sizeof(struct timestamps))
		bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(*ip) + sizeof(*tcp) + 4, &segment->stamp,
		                   4);
	else
		segment->stamped = false;
	return true;
}

static __always_inline void note(__u64 ns)
{
	__u32 power = 0, place;
	__u64 *times;

	for (__u32 shift = 32; shift; shift >>= 1)
		if (ns >> (power + shift))
			power += shift;
	/* Below 32 each has its own place; above, the five bits behind the first one count. */
	place = power < 5 ? (__u32)ns
	                  : (power - 4) * SP_BROWSERS_STEPS + ((__u32)(ns >> (power - 5)) & 31);
	times = bpf_map_lookup_elem(&took, &place);
	if (times)
		__sync_fetch_and_add(times, 1);
}

/* The segment's part of the answer. True when there is nothing more to wait for. */
static __always_inline bool receive(struct __sk_buff *skb, struct sp_browser *browser,
                                    const struct segment *segment)
{
	char line[STATUS];

	if (segment->reset)
		browser->is_wanted = false;
	if (segment->length && !browser->answered &&
	    !bpf_skb_load_bytes(skb, segment->payload, line, sizeof(line))) {
		browser->is_wanted = true;
		for (int i = 0; i < STATUS; i++)
			if (line[i] != status_line[i])
				browser->is_wanted = false;
	}
	browser->answered += segment->length;
	return segment->fin || segment->reset || browser->answered >= answer_length;
}

/* Count the connection, which is over. */
static __always_inline void settle(struct sp_browser *browser)
{
	if (!browser->is_wanted || browser->answered != answer_length) {
		__sync_fetch_and_add(&count.failed, 1);
		return;
	}
	__sync_fetch_and_add(&count.answers, 1);
	note(bpf_ktime_get_ns() - browser->begun);
}

/* Send it as it is; the caller goes on with the original. */
static __always_inline void send_copy(struct __sk_buff *skb)
{
	bpf_clone_redirect(skb, skb->ifindex, 0);
}

/* The answer is there, or never will be. */
static __always_inline int finish(struct __sk_buff *skb, struct headers *headers,
                                  const struct segment *segment, struct sp_browser *browser,
                                  __u32 last)
{
	__u32 number = next_of(browser->number);

	settle(browser);
	if (stopped)
		browser->state = SP_BROWSER_IDLE;
	else
		begin(browser, number);
	if (!segment->reset) {
		if (write_ack(skb, headers, segment, last, true, NULL))
			return TC_ACT_SHOT;
		if (browser->state == SP_BROWSER_IDLE)
			return (int)bpf_redirect(skb->ifindex, 0);
		send_copy(skb);
	}
	if (browser->state == SP_BROWSER_IDLE || write_syn(skb, headers, number))
		return TC_ACT_SHOT;
	return (int)bpf_redirect(skb->ifindex, 0);
}

/* The server is there: acknowledge that, and ask. */
static __always_inline int ask(struct __sk_buff *skb, struct headers *headers,
                               const struct segment *segment, struct sp_browser *browser)
{
	__u32 sequence = first_sequence(segment->number) + 1, zero = 0;
	const char *text = bpf_map_lookup_elem(&request, &zero);

	browser->state = SP_BROWSER_ASKING;
	if (!text || write_ack(skb, headers, segment, sequence, false, NULL))
		return TC_ACT_SHOT;
	send_copy(skb);
	if (write_ack(skb, headers, segment, sequence, false, text))
		return TC_ACT_SHOT;
	return (int)bpf_redirect(skb->ifindex, 0);
}

/* What is said on a connection that has had its answer, or comes a second time. */
static __always_inline int answer_late(struct __sk_buff *skb, struct headers *headers,
                                       const struct segment *segment, __u32 last)
{
	bool again = segment->length != 0;

	if (segment->reset || segment->syn || !(segment->fin || again))
		return TC_ACT_SHOT;
	/* Who repeats the answer has not had our FIN. */
	if (write_ack(skb, headers, segment, again ? last : last + 1, again, NULL))
		return TC_ACT_SHOT;
	return (int)bpf_redirect(skb->ifindex, 0);
}

SEC("tc")
int arrived(struct __sk_buff *skb)
{
	struct sp_browser *browser;
	struct segment segment;
	struct headers headers;
	__u32 place, last;

	if (!read_segment(skb, &headers, &segment))
		return TC_ACT_UNSPEC;
	last = first_sequence(segment.number) + 1 + request_length;
	place = segment.number % at_once;
	browser = bpf_map_lookup_elem(&browsers, &place);
	if (!browser)
		return TC_ACT_SHOT;
	if (browser->number != segment.number || browser->state == SP_BROWSER_IDLE)
		return answer_late(skb, &headers, &segment, last);
	if (segment.syn)
		return browser->answered ? TC_ACT_SHOT : ask(skb, &headers, &segment, browser);
	if (!segment.length && !segment.fin && !segment.reset)
		return TC_ACT_SHOT;
	return receive(skb, browser, &segment) ? finish(skb, &headers, &segment, browser, last)
	                                       : TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "GPL";
