/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet turned into its own refusal in the stack, which sends it back by redirect; and a segment
 * towards a captive client turned into a reset of the connection.
 *
 * The checksum of a packet that comes from a virtual machine or a container may not be there yet
 * (CHECKSUM_PARTIAL): its field holds the sum of the pseudo-header, and whoever sends the packet
 * over a wire sums up from csum_start, the transport header, to the end and puts the result into
 * the field. No helper takes that away. So the transport header must stay where it is, and
 *   - of a reset the field gets the sum of the pseudo-header;
 *   - of an unreachable the field that will be completed lies in the quote. Then the quote sums up
 *     to the IP header and minus what the field holds now: completing makes the sum of everything
 *     from the transport header on the complement of that.
 */
#ifndef SP_BPF_REPLY_TC_H
#define SP_BPF_REPLY_TC_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "reply.h"

#define SP_UDP_CHECKSUM 6

/* skb->tc_index of an answer on its way from ingress to egress: a refusal, or what handshake.h
 * says. */
#define SP_REFUSAL_INDEX 0x5350
#define SP_SAID_INDEX    0x5351

/* What a segment with at most one option looks like. */
struct sp_segment {
	union sp_reply_tcp tcp;
	__be32 option;
};

/* A checksum in a packet. */
struct sp_checksum {
	__u16 field;
	bool partial; /* to be completed by whoever sends the packet */
};

/*
 * Look at the checksum at @at. The helper changes the field unless it is to be completed
 * (inet_proto_csum_replace4 in net/core/utils.c), there is no other way to know.
 */
static __always_inline bool sp_checksum_look(struct __sk_buff *skb, __u32 at,
                                             struct sp_checksum *checksum)
{
	__u16 after;

	if (bpf_skb_load_bytes(skb, at, &checksum->field, 2) ||
	    bpf_l4_csum_replace(skb, at, 0, bpf_htons(1), 2) ||
	    bpf_skb_load_bytes(skb, at, &after, 2) ||
	    bpf_skb_store_bytes(skb, at, &checksum->field, 2, 0))
		return false;
	checksum->partial = after == checksum->field;
	return true;
}

static __always_inline bool sp_packet_write(struct __sk_buff *skb, const struct sp_view *view,
                                            const union sp_reply_ip *ip, const void *transport,
                                            __u32 size)
{
	__u64 flags = BPF_F_RECOMPUTE_CSUM;
	__u32 at = view->network;

	if (view->family == 4)
		return !bpf_skb_store_bytes(skb, at, ip, sizeof(ip->v4), flags) &&
		       !bpf_skb_store_bytes(skb, at + sizeof(ip->v4), transport, size, flags);
	return !bpf_skb_store_bytes(skb, at, ip, sizeof(ip->v6), flags) &&
	       !bpf_skb_store_bytes(skb, at + sizeof(ip->v6), transport, size, flags);
}

/*
 * Write @segment, of @size bytes, over the packet, all but the Ethernet header, from whom @view has
 * as its receiver. The checksum is made here.
 */
static __always_inline bool sp_write_segment(struct __sk_buff *skb, const struct sp_view *view,
                                             struct sp_segment *segment, __u32 size)
{
	struct sp_checksum checksum;
	union sp_reply_ip ip;
	__u32 front = sp_reply_ip_size(view);
	__u64 sum = sp_pseudo(view, IPPROTO_TCP, size);

	if (!sp_checksum_look(skb, view->transport + SP_TCP_CHECKSUM, &checksum))
		return false;
	/* IP options or extension headers go, and the transport header would move. */
	if (checksum.partial && view->transport != view->network + front)
		return false;
	sp_reply_ip(view, IPPROTO_TCP, size, &ip);
	if (checksum.partial)
		segment->tcp.checksum = sp_fold(sum);
	else
		segment->tcp.checksum =
			(__u16)~sp_fold(sum + sp_sum(segment->tcp.word, 5) + segment->option);
	/* This also takes away that the packet stands for several. */
	return !bpf_skb_change_tail(skb, view->network + front + size, 0) &&
	       sp_packet_write(skb, view, &ip, segment, size);
}

/*
 * Write a reset over the packet: the one that answers it, or (@down) one in its place, for whose
 * receiver @view was turned. A function of its own to the verifier, as are the next. 1 if the
 * packet is a reset now.
 */
__noinline int sp_write_reset(struct __sk_buff *skb, const struct sp_view *view, __u32 down)
{
	struct sp_segment reset = {};
	union sp_reply_tcp segment;

	if (!view || bpf_skb_load_bytes(skb, view->transport, &segment, sizeof(segment)))
		return 0;
	if (down)
		sp_reset_instead(&segment, &reset.tcp);
	else
		sp_reset_of(view, &segment, &reset.tcp);
	return sp_write_segment(skb, view, &reset, sizeof(reset.tcp));
}

/* Send the frame back: its Ethernet header, turned. */
static __always_inline bool sp_turn_frame(struct __sk_buff *skb)
{
	__u8 ethernet[ETH_HLEN];

	if (bpf_skb_load_bytes(skb, 0, ethernet, sizeof(ethernet)))
		return false;
	sp_turn_ethernet(ethernet);
	return !bpf_skb_store_bytes(skb, 0, ethernet, sizeof(ethernet), BPF_F_RECOMPUTE_CSUM);
}

/* Make the packet an answer to itself: @segment, with its option or without. */
static __always_inline bool sp_answer_segment(struct __sk_buff *skb, const struct sp_view *view,
                                              struct sp_segment *segment, bool option)
{
	bool written = option ? sp_write_segment(skb, view, segment, sizeof(*segment))
	                      : sp_write_segment(skb, view, segment, sizeof(segment->tcp));

	return written && sp_turn_frame(skb);
}

__noinline int sp_reply_reset(struct __sk_buff *skb, const struct sp_view *view)
{
	return sp_write_reset(skb, view, 0) && sp_turn_frame(skb);
}

/* The sum of the quote of @size bytes, which is in @copy; negative if there is none. */
static __always_inline __s64 sp_quote_sum(struct __sk_buff *skb, const struct sp_view *view,
                                          struct sp_scratch *copy, __u32 size)
{
	__u32 headers = view->transport - view->network;
	struct sp_checksum checksum;
	__s64 sum;

	if (!sp_checksum_look(skb, view->transport + SP_UDP_CHECKSUM, &checksum))
		return -1;
	if (!checksum.partial)
		return bpf_csum_diff(NULL, 0, copy->quote, size, 0);
	barrier_var(headers);
	if (headers > sizeof(copy->quote))
		return -1;
	sum = bpf_csum_diff(NULL, 0, copy->quote, headers, 0);
	return sum < 0 ? sum : sum + (__u16)~checksum.field;
}

__noinline int sp_reply_unreachable(struct __sk_buff *skb, const struct sp_view *view)
{
	struct sp_scratch *copy = sp_scratch();
	union sp_reply_icmp icmp;
	union sp_reply_ip ip;
	__u32 quote, front;
	__s64 sum;

	if (!view || !copy || !sp_quote_bounds(view, copy, &front, &quote) ||
	    bpf_skb_load_bytes(skb, 0, copy->ethernet, front) ||
	    bpf_skb_load_bytes(skb, view->network, copy->quote, quote))
		return 0;
	sum = sp_quote_sum(skb, view, copy, quote);
	if (sum < 0)
		return 0;
	sp_reply_icmp(view, copy, quote, (__u64)sum, &ip, &icmp);
	return !bpf_skb_change_tail(skb, view->network + quote, 0) &&
	       !bpf_skb_change_head(skb, sp_reply_ip_size(view) + (__u32)sizeof(icmp), 0) &&
	       !bpf_skb_store_bytes(skb, 0, copy->ethernet, front, BPF_F_RECOMPUTE_CSUM) &&
	       sp_packet_write(skb, view, &ip, &icmp, sizeof(icmp));
}

/* As in reply_xdp.h. */
static __always_inline bool sp_reply(struct __sk_buff *skb, const struct sp_view *view,
                                     enum sp_reason reason)
{
	bool answered = reason == SP_REASON_RESET ? sp_reply_reset(skb, view)
	                                          : sp_reply_unreachable(skb, view);

	if (answered)
		skb->tc_index = SP_REFUSAL_INDEX;
	return answered;
}

/* What is turned into a reset: a segment of a connection, nothing that opens or ends one. */
static __always_inline bool sp_may_reset(const struct sp_view *view)
{
	return view->family && view->fragment == SP_WHOLE && view->protocol == IPPROTO_TCP &&
	       !(view->tcp_flags & (SP_TCP_SYN | SP_TCP_RST));
}

/* From now on the packet is seen as if its receiver had sent it. */
static __always_inline void sp_view_turn(struct sp_view *view)
{
	struct sp_address to = view->to;

	view->to = view->from;
	view->from = to;
}

/* Whether the segment carries nothing. */
static __always_inline bool sp_is_bare(struct __sk_buff *skb, const struct sp_view *view)
{
	__u8 offset;

	return !bpf_skb_load_bytes(skb, view->transport + SP_TCP_OFFSET, &offset, 1) &&
	       view->length == view->transport - view->network + (offset >> 4) * 4u;
}

/*
 * At egress: is this an answer of ours? SP_REASON_DOWN_REFUSAL, SP_REASON_DOWN_LOCAL, or
 * SP_REASON_NONE. Only what is such an answer may use their way: a client behind a virtual link
 * could write the index itself.
 */
static __always_inline enum sp_reason sp_reply_reason(struct __sk_buff *skb,
                                                      const struct sp_view *view)
{
	__u16 index = (__u16)skb->tc_index;
	bool refusal;

	if (skb->ingress_ifindex != skb->ifindex)
		return SP_REASON_NONE;
	if (index == SP_SAID_INDEX) {
		skb->tc_index = 0;
		return view->protocol == IPPROTO_TCP && sp_is_bare(skb, view) ? SP_REASON_DOWN_LOCAL
		                                                              : SP_REASON_NONE;
	}
	if (index != SP_REFUSAL_INDEX)
		return SP_REASON_NONE;
	skb->tc_index = 0;
	if (view->protocol == IPPROTO_TCP)
		refusal = view->tcp_flags & SP_TCP_RST;
	else
		refusal = view->icmp_type ==
		          (view->family == 4 ? SP_ICMP_UNREACHABLE : SP_ICMP6_UNREACHABLE);
	return refusal ? SP_REASON_DOWN_REFUSAL : SP_REASON_NONE;
}

#endif
