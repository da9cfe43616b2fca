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
#include "forward.h"
#include "zone.h"
#include "xdp_frame.h"

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
