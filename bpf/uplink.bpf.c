// SPDX-License-Identifier: GPL-2.0-only
/*
 * Theory of operation. This program sees every frame that an uplink receives. In route mode a
 * packet to an authorized client goes to it directly: the FIB says which interface and whose MAC
 * (forward.h), that MAC and VLAN are the client, and its session pays for the packet. Everything
 * else goes into the stack as if this program were not there, and TC egress of the client interface
 * (tc.bpf.c) judges what of it is meant for a client: what has no session, is blocked or from the
 * walled garden is decided only there. So every download is counted once, here or there.
 *
 * Where every zone is in stack mode the program only looks at the switch.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define SP_CONTEXT struct xdp_md
#include "download.h"
#include "flow.h"
#include "forward.h"
#include "short.h"
#include "zone.h"
#include "xdp_frame.h"

/* The shortest way of a download: that of the packet before it (flow.h). */
static __always_inline bool sp_down_again(struct xdp_md *ctx, const struct sp_view *view,
                                          const struct sp_train *train, __u64 now)
{
	struct sp_usage *cell;

	if (!sp_train_goes_on(ctx, view, train))
		return false;
	cell = sp_flow_cell(train->flow);
	if (!cell || cell->down_generation != train->flow->generation ||
	    !sp_flow_forward(ctx, view, train->flow))
		return false;
	sp_usage_down(cell, view, now);
	sp_count_reason(SP_REASON_DOWN_ROUTED, view);
	return true;
}

/* The short way of sp_uplink for a packet that is the first of its train; false: it has to go the
 * long one. */
static __always_inline bool sp_down_first(struct xdp_md *ctx, const struct sp_settings *config,
                                          const struct sp_view *view, const struct sp_train *train,
                                          __u64 now)
{
	const struct sp_client_policy *policy;
	struct sp_client_key key;
	struct sp_route route;
	struct sp_usage *cell;

	if (!sp_route_find(ctx, view, &route, SP_PORT_CLIENT) ||
	    !sp_zone_routes(config, route.port, route.vlan))
		return false;
	__builtin_memcpy(key.mac, route.ethernet, 6);
	key.vlan = route.vlan;
	policy = bpf_map_lookup_elem(&clients, &key);
	cell = sp_short_session(policy, now);
	if (!cell || cell->down_generation != policy->generation ||
	    !sp_route_apply(ctx, view, &route))
		return false;
	sp_train_begin(ctx, view, train, policy, &route);
	sp_usage_down(cell, view, now);
	sp_count_reason(SP_REASON_DOWN_ROUTED, view);
	return true;
}

/* The short way of sp_uplink; false: the packet has to go the long one. */
static __always_inline bool sp_uplink_short(struct xdp_md *ctx, const struct sp_settings *config)
{
	__u64 now = bpf_jiffies64();
	struct sp_train train = {};
	struct sp_view view;

	if (!sp_plain_read(ctx, &view) ||
	    sp_is_like(sp_load.gateway, sp_load.gateway_count, &view.from))
		return false;
	if (sp_train_of(ctx, &view, config, now, &train) && sp_down_again(ctx, &view, &train, now))
		return true;
	return sp_down_first(ctx, config, &view, &train, now);
}

/* Forward the packet past the stack: SP_REASON_DOWN_ROUTED with the frame changed, a reason that
 * drops it, or SP_REASON_UPLINK: it belongs to the stack. */
static __always_inline enum sp_reason
sp_uplink(struct xdp_md *ctx, const struct sp_settings *config, struct sp_view *view)
{
	struct sp_judged judged = {
		.reason = SP_REASON_DOWN_ROUTED,
		.ifindex = ctx->ingress_ifindex,
		.now = bpf_jiffies64(),
	};
	struct sp_route route = {};

	/* The length of the linear part: frames in several buffers are the stack's anyway. */
	if (sp_parse(ctx, view, ctx->data_end - ctx->data) || !view->family ||
	    sp_is_gateway(&view->from) || !sp_route_find(ctx, view, &route, SP_PORT_CLIENT) ||
	    !sp_zone_routes(config, route.port, route.vlan))
		return SP_REASON_UPLINK;
	__builtin_memcpy(judged.key.mac, route.ethernet, 6);
	judged.key.vlan = route.vlan;
	if (sp_find_session(&judged, view) || !judged.policy || !judged.cell ||
	    !sp_route_apply(ctx, view, &route))
		return SP_REASON_UPLINK;
	return sp_download_charge(view, &judged);
}

static __always_inline int sp_uplink_run(struct xdp_md *ctx)
{
	const struct sp_settings *config = sp_settings_now();
	struct sp_view view = {};
	enum sp_reason reason;

	if (!config || !config->route_zones)
		return XDP_PASS;
	if (sp_uplink_short(ctx, config))
		return XDP_REDIRECT;
	reason = sp_uplink(ctx, config, &view);
	sp_count_reason(reason, &view);
	if (reason == SP_REASON_DOWN_ROUTED)
		return XDP_REDIRECT;
	return sp_passes(reason) ? XDP_PASS : XDP_DROP;
}

/* In the driver, where a frame may have several buffers. */
SEC("xdp.frags")
int sallyport_uplink(struct xdp_md *ctx)
{
	return sp_uplink_run(ctx);
}

/* Generic XDP: not "frags", for the same reason as in xdp.bpf.c. */
SEC("xdp")
int sallyport_uplink_skb(struct xdp_md *ctx)
{
	return sp_uplink_run(ctx);
}

char LICENSE[] SEC("license") = "GPL";
