// SPDX-License-Identifier: GPL-2.0-only
/*
 * Theory of operation. This program sees every frame that a client interface receives before the
 * kernel has made a packet of it. It parses (parse.h), looks up the client by source MAC and VLAN
 * (one hash lookup, whatever the protocol), judges (verdict.h) and either drops the frame here or
 * lets it on into the stack with the verdict in front of it as metadata, where tc.bpf.c reads it.
 *
 * A driver that cannot carry metadata gets no verdict and no count from here for frames that go on:
 * TC judges and counts them as if there were no XDP. Frames that are dropped are counted here in
 * any case. So every frame is counted once.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define SP_CONTEXT struct xdp_md
#include "client.h"

/*
 * Write the verdict in front of the frame. Packet pointers are invalid afterwards. Room of just our
 * size is taken as it is: a test run with repetitions gives the same frame again and again.
 */
static __always_inline bool sp_meta_write(struct xdp_md *ctx, enum sp_reason reason, __u16 vlan)
{
	struct sp_meta *meta;

	if (ctx->data - ctx->data_meta != sizeof(*meta) &&
	    bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
		return false;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return false;
	meta->magic = SP_META_MAGIC;
	meta->reason = (__u16)reason;
	meta->vlan = vlan;
	return true;
}

/*
 * Parse with the length of the linear part, which is the whole frame but for jumbo frames and
 * drivers that split headers: asking for the true length costs 3 ns, so it is done only when the
 * headers say that there must be more.
 */
static __always_inline enum sp_reason sp_xdp_parse(struct xdp_md *ctx, struct sp_view *view)
{
	struct sp_frame frame = {
		.context = ctx,
		.data = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
		.length = ctx->data_end - ctx->data,
		.segments = 1,
	};
	enum sp_reason reason = SP_REASON_NONE;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 2; i++) {
		__u32 linear = frame.length;

		reason = sp_view_parse(&frame, view);
		if (view->family && reason != SP_REASON_MALFORMED)
			break;
		frame.length = (__u32)bpf_xdp_get_buff_len(ctx);
		if (frame.length == linear)
			break;
	}
	return reason;
}

static __always_inline int sp_xdp(struct xdp_md *ctx)
{
	struct sp_view view = {};
	struct sp_judged judged;
	enum sp_reason reason = sp_xdp_parse(ctx, &view);

	sp_client_judge(&view, reason, ctx->ingress_ifindex, &judged);
	if (!sp_passes(judged.reason)) {
		sp_client_count(&view, &judged);
		return XDP_DROP;
	}
	if (!sp_meta_write(ctx, judged.reason, view.vlan))
		return XDP_PASS;
	/* TC counts a captured packet: only there is it known whether a responder took it. */
	if (judged.reason == SP_REASON_CAPTURED)
		return XDP_PASS;
	return sp_passes(sp_client_count(&view, &judged)) ? XDP_PASS : XDP_DROP;
}

/* In the driver, where a frame may have several buffers. */
SEC("xdp.frags")
int sallyport_xdp(struct xdp_md *ctx)
{
	return sp_xdp(ctx);
}

/*
 * Generic XDP. Not "frags": for such a program the kernel copies every packet that lacks headroom
 * and forgets skb->mac_len with it (skb_pp_cow_data, seen on Linux 6.18), so that TC finds the
 * network header where the Ethernet header should be. For this one it linearizes the packet.
 */
SEC("xdp")
int sallyport_xdp_skb(struct xdp_md *ctx)
{
	return sp_xdp(ctx);
}

char LICENSE[] SEC("license") = "GPL";
