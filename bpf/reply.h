/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Refusals: a packet turned into its own answer, a TCP reset (RFC 9293) or an ICMP port unreachable
 * (RFC 792, RFC 4443). What they are made of is here, without the packet; reply_xdp.h and
 * reply_tc.h put them into a frame.
 *
 * A reset is never longer than what it answers: it is written over it. An unreachable is made by
 * putting headers in front of the packet, which becomes the quote where it is: every driver has
 * headroom, few have room behind. What is behind the quote is cut off.
 */
#ifndef SP_BPF_REPLY_H
#define SP_BPF_REPLY_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "parse.h"

#define SP_REPLY_HOPS 64 /* RFC 1700 */

#define SP_ICMP_UNREACHABLE       3 /* RFC 792 */
#define SP_ICMP_PORT_UNREACHABLE  3
#define SP_ICMP6_UNREACHABLE      1 /* RFC 4443 section 3.1 */
#define SP_ICMP6_PORT_UNREACHABLE 4

#define SP_DONT_FRAGMENT 0x4000

/* Longest Ethernet header with tags. */
#define SP_ETHERNET_MAX (ETH_HLEN + 2u * sizeof(struct sp_vlan_tag))

union sp_reply_ip {
	struct iphdr v4;
	struct ipv6hdr v6;
	__u32 word[10];
};

union sp_reply_tcp {
	struct {
		__be16 source, destination;
		__be32 sequence, acknowledgement;
		__u8 offset, flags; /* offset: words of the header, in the upper half */
		__be16 window, checksum, urgent;
	};
	__u32 word[5];
};

union sp_reply_icmp {
	struct sp_icmp header;
	__u32 word[2];
};

/* What is counted when the answer could not be made. */
static __always_inline enum sp_reason sp_unanswered(enum sp_reason reason)
{
	return reason == SP_REASON_RESET ? SP_REASON_TCP : SP_REASON_UDP;
}

static __always_inline __u32 sp_reply_ip_size(const struct sp_view *view)
{
	return view->family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/* The sum of RFC 1071, of 32 bits at a time, not yet folded. */
static __always_inline __u64 sp_sum(const __u32 *word, __u32 count)
{
	__u64 sum = 0;

#pragma unroll
	for (__u32 i = 0; i < count; i++)
		sum += word[i];
	return sum;
}

static __always_inline __u16 sp_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

/* The pseudo-header of an answer of @length bytes. For IPv4 too: what makes an IPv4 address an
 * IPv4-mapped one is 0xffff, which is zero to this sum. */
static __always_inline __u64 sp_pseudo(const struct sp_view *view, __u8 protocol, __u32 length)
{
	return sp_sum(view->from.word, 4) + sp_sum(view->to.word, 4) + bpf_htonl(length) +
	       bpf_htonl(protocol);
}

/* The IP header of an answer to @view that carries @length bytes of @protocol. */
static __always_inline void sp_reply_ip(const struct sp_view *view, __u8 protocol, __u32 length,
                                        union sp_reply_ip *ip)
{
	__builtin_memset(ip, 0, sizeof(*ip));
	if (view->family == 4) {
		ip->v4.version = 4;
		ip->v4.ihl = sizeof(ip->v4) / 4;
		ip->v4.tot_len = bpf_htons((__u16)(sizeof(ip->v4) + length));
		ip->v4.frag_off = bpf_htons(SP_DONT_FRAGMENT);
		ip->v4.ttl = SP_REPLY_HOPS;
		ip->v4.protocol = protocol;
		ip->v4.saddr = view->to.word[3];
		ip->v4.daddr = view->from.word[3];
		ip->v4.check = (__u16)~sp_fold(sp_sum(ip->word, sizeof(ip->v4) / 4));
	} else {
		ip->v6.version = 6;
		ip->v6.payload_len = bpf_htons((__u16)length);
		ip->v6.nexthdr = protocol;
		ip->v6.hop_limit = SP_REPLY_HOPS;
		__builtin_memcpy(&ip->v6.saddr, &view->to, 16);
		__builtin_memcpy(&ip->v6.daddr, &view->from, 16);
	}
}

/* Sequence numbers that @segment takes (RFC 9293 section 3.4): its payload, SYN and FIN. */
static __always_inline __u32 sp_segment_length(const struct sp_view *view,
                                               const union sp_reply_tcp *segment)
{
	__u32 headers = view->transport - view->network + (segment->offset >> 4) * 4u;

	return view->length - headers + !!(segment->flags & SP_TCP_SYN) +
	       !!(segment->flags & SP_TCP_FIN);
}

/*
 * The reset that answers @segment (RFC 9293 section 3.10.7.1). Its sequence number is exactly what
 * the sender expects next, as RFC 5961 section 3.2 wants it.
 */
static __always_inline void sp_reset_of(const struct sp_view *view,
                                        const union sp_reply_tcp *segment,
                                        union sp_reply_tcp *reset)
{
	__builtin_memset(reset, 0, sizeof(*reset));
	reset->source = segment->destination;
	reset->destination = segment->source;
	reset->offset = sizeof(*reset) / 4 << 4;
	reset->flags = SP_TCP_RST;
	if (segment->flags & SP_TCP_ACK) {
		reset->sequence = segment->acknowledgement;
		return;
	}
	reset->flags |= SP_TCP_ACK;
	reset->acknowledgement =
		bpf_htonl(bpf_ntohl(segment->sequence) + sp_segment_length(view, segment));
}

/* The reset that @segment, on its way to a client, becomes: the server gives up. */
static __always_inline void sp_reset_instead(const union sp_reply_tcp *segment,
                                             union sp_reply_tcp *reset)
{
	*reset = *segment;
	reset->offset = sizeof(*reset) / 4 << 4;
	reset->flags = SP_TCP_RST | (segment->flags & SP_TCP_ACK);
	reset->window = 0;
	reset->checksum = 0;
	reset->urgent = 0;
}

static __always_inline __u16 sp_reset_checksum(const struct sp_view *view,
                                               const union sp_reply_tcp *reset)
{
	return (__u16)~sp_fold(sp_pseudo(view, IPPROTO_TCP, sizeof(*reset)) +
	                       sp_sum(reset->word, sizeof(*reset) / 4));
}

/*
 * How much of the packet is quoted: at most what one bpf_csum_diff can sum up (512 bytes, since it
 * has a buffer of MAX_BPF_STACK), which also stays below 576 and 1280 bytes (RFC 1812 section
 * 4.3.2.3, RFC 4443 section 3.1); whole words, because it wants them. 0 if that does not hold
 * the UDP header, without which nobody knows whom the answer is for.
 */
static __always_inline __u32 sp_quote_size(const struct sp_view *view)
{
	__u32 size = view->length < SP_QUOTE_SIZE ? view->length & ~3u : SP_QUOTE_SIZE;

	return size < view->transport - view->network + sizeof(struct udphdr) ? 0 : size;
}

/* @sum: of the quote, of @size bytes. */
static __always_inline void sp_unreachable(const struct sp_view *view, __u32 size, __u64 sum,
                                           union sp_reply_icmp *icmp)
{
	__builtin_memset(icmp, 0, sizeof(*icmp));
	if (view->family == 4) {
		icmp->header.type = SP_ICMP_UNREACHABLE;
		icmp->header.code = SP_ICMP_PORT_UNREACHABLE;
	} else {
		icmp->header.type = SP_ICMP6_UNREACHABLE;
		icmp->header.code = SP_ICMP6_PORT_UNREACHABLE;
		sum += sp_pseudo(view, IPPROTO_ICMPV6, (__u32)sizeof(*icmp) + size);
	}
	icmp->header.checksum = (__u16)~sp_fold(sum + sp_sum(icmp->word, sizeof(*icmp) / 4));
}

static __always_inline __u8 sp_icmp_protocol(const struct sp_view *view)
{
	return view->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

/*
 * Bounds that the verifier of Linux 6.1 understands, which learns nothing from != 0 nor from a
 * range checked by one subtraction. The barriers keep clang from these, and from bounding a copy.
 */
static __always_inline bool sp_is_within(__u32 *value, __u32 least, __u32 most)
{
	__u32 it = *value;

	barrier_var(it);
	if (it < least)
		return false;
	barrier_var(it);
	if (it > most)
		return false;
	*value = it;
	return true;
}

/* Where a packet is copied to for its sum. */
static __always_inline struct sp_scratch *sp_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
}

/*
 * What of the packet goes into @copy for an ICMP answer: @front bytes before the IP header, @quote
 * bytes from there. False if there is nothing that can be quoted.
 */
static __always_inline bool sp_quote_bounds(const struct sp_view *view,
                                            const struct sp_scratch *copy, __u32 *front,
                                            __u32 *quote)
{
	*quote = sp_quote_size(view);
	*front = view->network;
	return sp_is_within(quote, sizeof(struct udphdr), sizeof(copy->quote)) &&
	       sp_is_within(front, ETH_HLEN, sizeof(copy->ethernet));
}

/* The Ethernet header of an answer, tags as they are. @ethernet is that of what it answers. */
static __always_inline void sp_turn_ethernet(__u8 ethernet[ETH_HLEN])
{
	__u8 was[ETH_ALEN];

	__builtin_memcpy(was, ethernet, ETH_ALEN);
	__builtin_memcpy(ethernet, ethernet + ETH_ALEN, ETH_ALEN);
	__builtin_memcpy(ethernet + ETH_ALEN, was, ETH_ALEN);
}

/* The headers of the ICMP answer to the packet in @copy; @sum: of its quote, of @quote bytes. */
static __always_inline void sp_reply_icmp(const struct sp_view *view, struct sp_scratch *copy,
                                          __u32 quote, __u64 sum, union sp_reply_ip *ip,
                                          union sp_reply_icmp *icmp)
{
	sp_turn_ethernet(copy->ethernet);
	sp_reply_ip(view, sp_icmp_protocol(view), (__u32)sizeof(*icmp) + quote, ip);
	sp_unreachable(view, quote, sum, icmp);
}

#endif
