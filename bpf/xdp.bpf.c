// SPDX-License-Identifier: GPL-2.0-only
/*
 * Theory of operation. This program sees every frame that a client interface receives before the
 * kernel has made a packet of it. It parses (parse.h), looks up the client by source MAC and VLAN
 * (one hash lookup, whatever the protocol), judges (verdict.h) and either drops the frame here or
 * lets it on into the stack with the verdict in front of it as metadata, where tc.bpf.c reads it.
 * In route mode what authorized clients send to the network goes there directly (forward.h).
 *
 * A driver that cannot carry metadata gets no verdict and no count from here for frames that go on,
 * nor does generic XDP: TC judges and counts them as if there were no XDP. Frames that are dropped
 * are counted here in any case. So every frame is counted once.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define SP_CONTEXT struct xdp_md
#include "client.h"
#include "flood.h"
#include "flow.h"
#include "forward.h"
#include "reply_xdp.h"
#include "short.h"
#include "zone.h"
#include "xdp_frame.h"

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
	__u32 linear = ctx->data_end - ctx->data, length;
	enum sp_reason reason;

	if (sp_plain_read(ctx, view))
		return SP_REASON_NONE;
	reason = (enum sp_reason)sp_parse(ctx, view, linear);
	if (view->family && reason != SP_REASON_MALFORMED)
		return reason;
	length = (__u32)bpf_xdp_get_buff_len(ctx);
	return length == linear ? reason : (enum sp_reason)sp_parse(ctx, view, length);
}

/* Answer what is refused, or drop it as it is. */
static __always_inline int sp_xdp_refuse(struct xdp_md *ctx, const struct sp_view *view,
                                         struct sp_judged *judged)
{
	bool answered = sp_reply(ctx, view, judged->reason);

	if (!answered)
		judged->reason = sp_unanswered(judged->reason);
	sp_count_reason(judged->reason, view);
	return answered ? XDP_TX : XDP_DROP;
}

/* Forward an upload, if that is possible. A function of its own to the verifier. */
__noinline int sp_forward_up(struct xdp_md *ctx, const struct sp_view *view)
{
	struct sp_route route = {};

	return view && sp_route_find(ctx, view, &route, 0) && sp_route_apply(ctx, view, &route);
}

/*
 * Forward an authorized client's packet past the stack, if that is wanted and possible: the frame
 * is the next hop's then, and XDP_REDIRECT leads there. What goes to other clients belongs to the
 * stack: TC egress says whether they may have it.
 *
 * An address that the client has not used just now is looked up first. One that does not hold is
 * left to the stack, which may let it pass, and is not remembered: so the one that is, held.
 */
static __always_inline bool sp_xdp_route(struct xdp_md *ctx, const struct sp_view *view,
                                         struct sp_judged *judged)
{
	const struct sp_settings *config = sp_settings_now();
	const struct sp_usage *cell = judged->cell;

	if (!judged->policy || !cell || !view->family || !config || !config->route_zones ||
	    !sp_zone_routes(config, judged->ifindex, view->vlan))
		return false;
	if (cell->up_generation != judged->policy->generation || !sp_usage_knows(cell, view))
		judged->stray = !sp_source_holds(ctx, view);
	return !judged->stray && judged->reason == SP_REASON_AUTHORIZED && sp_forward_up(ctx, view);
}

/* Where a program runs, which decides what it leaves to TC. */
enum sp_place {
	SP_DRIVER, /* nothing but what needs the stack */
	SP_VETH,   /* in the driver of a veth: answers to what is refused */
	SP_STACK,  /* behind the driver: everything that goes on */
};

/* What became of a packet on the short way. */
#define SP_SHORT_NOT (-1) /* nothing: it has to go the long one */

/* The short way of a packet whose client has no entry in `clients`. */
static __always_inline int sp_xdp_short_captive(const struct xdp_md *ctx,
                                                const struct sp_settings *config,
                                                const struct sp_view *view,
                                                const struct sp_client_key *key, __u64 now)
{
	enum sp_reason reason = sp_flood_judge(config, view, key, now);

	if (!reason)
		return SP_SHORT_NOT;
	if (reason == SP_REASON_TOTAL_GUEST)
		sp_crowd_note((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	sp_count_reason(reason, view);
	return XDP_DROP;
}

/* The shortest way of an upload: that of the packet before it (flow.h). */
static __always_inline bool sp_up_again(struct xdp_md *ctx, const struct sp_view *view,
                                        const struct sp_train *train, __u64 now)
{
	struct sp_usage *cell;

	if (!sp_train_goes_on(ctx, view, train))
		return false;
	cell = sp_flow_cell(train->flow);
	if (!cell || cell->up_generation != train->flow->generation ||
	    !sp_usage_knows(cell, view) || !sp_flow_forward(ctx, view, train->flow))
		return false;
	sp_usage_up(cell, view, now);
	sp_count_reason(SP_REASON_ROUTED, view);
	return true;
}

/* Forward the first packet of a train past the stack, for which the session of @policy pays. */
static __always_inline bool sp_up_route(struct xdp_md *ctx, const struct sp_view *view,
                                        const struct sp_client_policy *policy,
                                        const struct sp_train *train)
{
	struct sp_route route;

	if (!sp_route_find(ctx, view, &route, 0) || !sp_route_apply(ctx, view, &route))
		return false;
	sp_train_begin(ctx, view, train, policy, &route);
	return true;
}

/* Refuse a packet of a client that is known to flood, because of what it is; or SP_REASON_NONE. */
static __always_inline enum sp_reason sp_xdp_flood_judge(struct xdp_md *ctx, struct sp_view *view,
                                                         struct sp_flooder *cell)
{
	const struct sp_settings *config = sp_settings_now();
	enum sp_reason reason;

	if (!config || !sp_plain_read(ctx, view))
		return SP_REASON_NONE;
	reason = sp_flood_again(config, view, cell);
	if (reason)
		sp_alike_note(&cell->last, (void *)(long)ctx->data, (void *)(long)ctx->data_end,
		              reason);
	return reason;
}

/* The shortest way: of a client that is known to flood, or of one of a crowd. Whether the packet
 * has been dropped. */
static __always_inline bool sp_xdp_flood(struct xdp_md *ctx)
{
	const void *at = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	enum sp_reason reason = SP_REASON_TOTAL_GUEST;
	struct sp_flooders *here = sp_flooders_here();
	struct sp_view view = {.packets = 1};
	const __u64 now = bpf_jiffies64();
	struct sp_flooder *cell;

	if (!here || here->jiffy != now)
		return false;
	cell = sp_flooder_find(here, at, end, now);
	if (cell) {
		view.bytes = sp_alike(&cell->last, at, end);
		reason = view.bytes ? (enum sp_reason)cell->last.reason
		                    : sp_xdp_flood_judge(ctx, &view, cell);
	} else {
		view.bytes = here->crowd == now ? sp_crowd_again(here, at, end) : 0;
	}
	if (!view.bytes || !reason)
		return false;
	if (cell)
		cell->refused++;
	sp_count_reason(reason, &view);
	return true;
}

/*
 * The short way of an upload: sp_xdp below does the same with it. Not for what is forwarded past
 * the stack and has nowhere to go yet. Notes what it has looked up for the long way.
 */
static __always_inline int sp_xdp_short(struct xdp_md *ctx, struct sp_found *found,
                                        enum sp_place place)
{
	const struct sp_settings *config = sp_settings_now();
	enum sp_reason reason = SP_REASON_AUTHORIZED;
	__u64 now = bpf_jiffies64();
	struct sp_train train = {};
	struct sp_client_key key;
	struct sp_usage *cell;
	struct sp_view view;

	if (!config || !sp_plain_read(ctx, &view) || sp_judge_source(view.source) ||
	    sp_is_special(&view))
		return SP_SHORT_NOT;
	if (config->route_zones && sp_train_of(ctx, &view, config, now, &train) &&
	    sp_up_again(ctx, &view, &train, now))
		return XDP_REDIRECT;
	sp_client_key_up(&key, &view);
	found->policy = bpf_map_lookup_elem(&clients, &key);
	found->looked = true;
	if (!found->policy)
		return place == SP_STACK ? SP_SHORT_NOT
		                         : sp_xdp_short_captive(ctx, config, &view, &key, now);
	cell = sp_short_session(found->policy, now);
	if (!cell || cell->up_generation != found->policy->generation ||
	    !sp_usage_knows(cell, &view))
		return SP_SHORT_NOT;
	if (config->route_zones && sp_zone_routes(config, ctx->ingress_ifindex, view.vlan)) {
		if (!sp_up_route(ctx, &view, found->policy, &train))
			return SP_SHORT_NOT;
		reason = SP_REASON_ROUTED;
	} else if (place == SP_STACK || !sp_meta_write(ctx, reason, view.vlan)) {
		return XDP_PASS;
	}
	sp_usage_up(cell, &view, now);
	sp_count_reason(reason, &view);
	return reason == SP_REASON_ROUTED ? XDP_REDIRECT : XDP_PASS;
}

/*
 * In the stack only drops, and what is redirected, are final: a packet may stand for several there
 * (GRO, GSO), and only TC is told how many to count. Nor could it be answered: a frame sent from
 * there as it is keeps the checksum that the packet before it asked the NIC for.
 */
static __always_inline int sp_xdp_long(struct xdp_md *ctx, const struct sp_found *found,
                                       enum sp_place place)
{
	struct sp_view view = {};
	struct sp_judged judged;
	enum sp_reason reason = sp_xdp_parse(ctx, &view);
	bool on;

	sp_client_judge(&view, reason, ctx->ingress_ifindex, found, &judged);
	if (sp_xdp_route(ctx, &view, &judged)) {
		judged.reason = SP_REASON_ROUTED;
		judged.reason = sp_session_charge(&view, &judged);
		sp_count_reason(judged.reason, &view);
		return sp_passes(judged.reason) ? XDP_REDIRECT : XDP_DROP;
	}
	on = sp_passes(judged.reason) || (place != SP_DRIVER && sp_is_refusal(judged.reason));
	if (on &&
	    ((place == SP_STACK && !judged.stray) || !sp_meta_write(ctx, judged.reason, view.vlan)))
		return XDP_PASS;
	sp_client_charge(&view, &judged);
	if (sp_is_refusal(judged.reason))
		return place == SP_DRIVER ? sp_xdp_refuse(ctx, &view, &judged) : XDP_PASS;
	/* TC counts a captured packet: only there is it known whether a responder took it. */
	if (judged.reason == SP_REASON_CAPTURED)
		return XDP_PASS;
	if (judged.reason == SP_REASON_DNS)
		sp_dns_asked(ctx, &view, judged.now);
	sp_count_reason(judged.reason, &view);
	return sp_passes(judged.reason) ? XDP_PASS : XDP_DROP;
}

static __always_inline int sp_xdp(struct xdp_md *ctx, enum sp_place place)
{
	struct sp_found found = {};
	int action;

	if (place != SP_STACK && sp_xdp_flood(ctx))
		return XDP_DROP;
	action = sp_xdp_short(ctx, &found, place);
	return action == SP_SHORT_NOT ? sp_xdp_long(ctx, &found, place) : action;
}

/* In the driver, where a frame may have several buffers. */
SEC("xdp.frags")
int sallyport_xdp(struct xdp_md *ctx)
{
	return sp_xdp(ctx, SP_DRIVER);
}

/*
 * In the driver of a veth, where TC answers: what a veth sends back by XDP_TX comes to its peer
 * only if that one runs XDP too (veth_xdp_flush in drivers/net/veth.c), and in a container it does
 * not.
 */
SEC("xdp.frags")
int sallyport_xdp_veth(struct xdp_md *ctx)
{
	return sp_xdp(ctx, SP_VETH);
}

/*
 * Generic XDP. Not "frags": for such a program the kernel copies every packet that lacks headroom
 * and forgets skb->mac_len with it (skb_pp_cow_data, seen on Linux 6.18), so that TC finds the
 * network header where the Ethernet header should be. For this one it linearizes the packet.
 */
SEC("xdp")
int sallyport_xdp_skb(struct xdp_md *ctx)
{
	return sp_xdp(ctx, SP_STACK);
}

char LICENSE[] SEC("license") = "GPL";
