/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A frame turned into its own refusal in the driver, which sends it back (XDP_TX).
 */
#ifndef SP_BPF_REPLY_XDP_H
#define SP_BPF_REPLY_XDP_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "reply.h"

/* Cut the frame at @length; false if it is shorter. */
static __always_inline bool sp_frame_cut(struct xdp_md *ctx, __u32 length)
{
	__u32 now = (__u32)bpf_xdp_get_buff_len(ctx);

	return now == length || !bpf_xdp_adjust_tail(ctx, (int)(length - now));
}

/* Write the IP header and, behind it, @size bytes of @transport. */
static __always_inline bool sp_frame_write(struct xdp_md *ctx, const struct sp_view *view,
                                           const union sp_reply_ip *ip, const void *transport,
                                           __u32 size)
{
	__u32 at = view->network;

	if (view->family == 4)
		return !bpf_xdp_store_bytes(ctx, at, (void *)ip, sizeof(ip->v4)) &&
		       !bpf_xdp_store_bytes(ctx, at + sizeof(ip->v4), (void *)transport, size);
	return !bpf_xdp_store_bytes(ctx, at, (void *)ip, sizeof(ip->v6)) &&
	       !bpf_xdp_store_bytes(ctx, at + sizeof(ip->v6), (void *)transport, size);
}

/* A function of its own to the verifier, as is the next. 1 if the frame is the answer now. */
__noinline int sp_reply_reset(struct xdp_md *ctx, const struct sp_view *view)
{
	union sp_reply_tcp segment, reset;
	__u8 ethernet[ETH_HLEN];
	union sp_reply_ip ip;

	if (!view || bpf_xdp_load_bytes(ctx, view->transport, &segment, sizeof(segment)) ||
	    bpf_xdp_load_bytes(ctx, 0, ethernet, sizeof(ethernet)))
		return 0;
	sp_turn_ethernet(ethernet);
	sp_reply_ip(view, IPPROTO_TCP, sizeof(reset), &ip);
	sp_reset_of(view, &segment, &reset);
	reset.checksum = sp_reset_checksum(view, &reset);
	return sp_frame_cut(ctx, view->network + sp_reply_ip_size(view) + sizeof(reset)) &&
	       !bpf_xdp_store_bytes(ctx, 0, ethernet, sizeof(ethernet)) &&
	       sp_frame_write(ctx, view, &ip, &reset, sizeof(reset));
}

__noinline int sp_reply_unreachable(struct xdp_md *ctx, const struct sp_view *view)
{
	struct sp_scratch *copy = sp_scratch();
	union sp_reply_icmp icmp;
	union sp_reply_ip ip;
	__u32 quote, front;
	__s64 sum;

	if (!view || !copy || !sp_quote_bounds(view, copy, &front, &quote) ||
	    bpf_xdp_load_bytes(ctx, 0, copy->ethernet, front) ||
	    bpf_xdp_load_bytes(ctx, view->network, copy->quote, quote))
		return 0;
	sum = bpf_csum_diff(NULL, 0, copy->quote, quote, 0);
	if (sum < 0)
		return 0;
	sp_reply_icmp(view, copy, quote, (__u64)sum, &ip, &icmp);
	return sp_frame_cut(ctx, view->network + quote) &&
	       !bpf_xdp_adjust_head(ctx, -(int)(sp_reply_ip_size(view) + sizeof(icmp))) &&
	       !bpf_xdp_store_bytes(ctx, 0, copy->ethernet, front) &&
	       sp_frame_write(ctx, view, &ip, &icmp, sizeof(icmp));
}

/*
 * Turn the frame into the answer that refuses it; @reason is SP_REASON_RESET or
 * SP_REASON_UNREACHABLE. False if that is not possible: the frame must be dropped.
 */
static __always_inline bool sp_reply(struct xdp_md *ctx, const struct sp_view *view,
                                     enum sp_reason reason)
{
	if (reason == SP_REASON_RESET)
		return sp_reply_reset(ctx, view);
	return sp_reply_unreachable(ctx, view);
}

#endif
