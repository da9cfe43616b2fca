/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The route fast path: what the stack would do with a packet that it only forwards, by the kernel's
 * own FIB and without the stack. Whatever is not plain belongs to the stack, which answers what
 * needs an answer (ICMP), looks for neighbours, makes fragments and delivers to the gateway itself.
 *
 * Nothing of netfilter sees these packets: no rule, no NAT, no connection tracking.
 *
 * Addresses. The helper only looks up where a packet goes. Where it comes from is asked here for
 * clients (sp_source_holds), as `rp_filter` does it; of what comes from an uplink only what can
 * never be right is left to the stack.
 *
 * Neighbours. The helper takes any entry that is valid, also a stale one, and never confirms it: a
 * neighbour that moves says so itself (its own ARP or ND), one that is silent is lost until the
 * kernel forgets it.
 */
#ifndef SP_BPF_FORWARD_H
#define SP_BPF_FORWARD_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "budget.h"
#include "load.h"
#include "maps.h"
#include "parse.h"

#define SP_TAG_SIZE 4u

/* Where a packet leaves. */
struct sp_route {
	__u32 port;        /* ifindex */
	__u16 vlan;        /* tag to put on; 0: none */
	__u16 protocol;    /* of the tag, network order */
	__u16 ethernet[6]; /* destination and source MAC */
	__u16 mtu;         /* of IP packets */
};

/*
 * Unicast addresses that routers forward (RFC 6890): 0/8, 127/8, multicast and 240/4 are not, and
 * of IPv6 all but global unicast, unique local (RFC 4193) and NAT64 (RFC 6052).
 */
static __always_inline bool sp_is_forwarded(const struct sp_view *view,
                                            const struct sp_address *address)
{
	__u32 first = bpf_ntohl(address->word[view->family == 4 ? 3 : 0]);

	if (view->family == 4)
		return (first >> 24) - 1 < 223 && first >> 24 != 127;
	return first >> 29 == 1 || first >> 25 == 0x7e || first == 0x0064ff9b;
}

/*
 * The interface that the stack would receive the frame on: its port, or the VLAN device of its tag.
 * 0: there is none that is known, or there are two tags.
 */
static __always_inline __u32 sp_receiver(SP_CONTEXT *context, const struct sp_view *view)
{
	const struct sp_ethernet *ethernet = (void *)(long)context->data;
	struct sp_vlan_key key = {.port = context->ingress_ifindex, .vlan = view->vlan};
	const __u32 *device;

	if (view->network == ETH_HLEN)
		return context->ingress_ifindex;
	if (view->network != ETH_HLEN + SP_TAG_SIZE ||
	    (void *)(ethernet + 1) > (void *)(long)context->data_end)
		return 0;
	key.protocol = ethernet->ethertype;
	device = bpf_map_lookup_elem(&vlans, &key);
	return device ? *device : 0;
}

/*
 * Whether the packet is as plain as this path takes: in one buffer, its TTL does not run out here,
 * without options that a router must look at. Fills in what only the header tells.
 */
static __always_inline bool sp_is_plain(SP_CONTEXT *context, const struct sp_view *view,
                                        struct bpf_fib_lookup *fib)
{
	void *at = (void *)(long)context->data, *end = (void *)(long)context->data_end;

	if (view->network + view->bytes > (__u64)(end - at))
		return false;
	at += view->network == ETH_HLEN ? ETH_HLEN : ETH_HLEN + SP_TAG_SIZE;
	if (view->family == 4) {
		const struct iphdr *ip = at;

		if ((void *)(ip + 1) > end || ip->ihl != 5 || ip->ttl <= 1)
			return false;
		fib->tos = ip->tos;
	} else {
		const struct ipv6hdr *ip = at;

		if ((void *)(ip + 1) > end || ip->nexthdr == IPPROTO_HOPOPTS || ip->hop_limit <= 1)
			return false;
		fib->flowinfo = *(const __be32 *)ip & bpf_htonl(0x0fffffff);
	}
	return true;
}

static __always_inline void sp_fib_address(__u32 out[4], const struct sp_view *view,
                                           const struct sp_address *address)
{
	if (view->family == 4)
		out[0] = address->word[3];
	else
		__builtin_memcpy(out, address, sizeof(*address));
}

/* Fill in what is looked up by: the packet's own flow. */
static __always_inline void sp_fib_flow(const struct sp_view *view, struct bpf_fib_lookup *fib)
{
	fib->family = view->family == 4 ? SP_AF_INET : SP_AF_INET6;
	fib->l4_protocol = view->protocol;
	fib->sport = bpf_htons(view->source_port);
	fib->dport = bpf_htons(view->destination_port);
	fib->tot_len = (__u16)view->bytes;
	sp_fib_address(fib->ipv6_src, view, &view->from);
	sp_fib_address(fib->ipv6_dst, view, &view->to);
}

/*
 * Whether frames to interface @device may be redirected: a port, which most are, or a VLAN device
 * on one. XDP_REDIRECT leads there then.
 */
static __always_inline bool sp_route_out(SP_CONTEXT *context, __u32 device, __u32 side,
                                         struct sp_route *route)
{
	route->vlan = 0;
	route->port = device;
	if (bpf_redirect_map(&ports, device | side, 0) != XDP_REDIRECT) {
		const struct sp_link *link = bpf_map_lookup_elem(&egress, &device);

		if (!link || !link->vlan)
			return false;
		route->port = link->port;
		route->vlan = link->vlan;
		route->protocol = link->protocol;
		if (bpf_redirect_map(&ports, route->port | side, 0) != XDP_REDIRECT)
			return false;
	}
	/* The stack tells a client that has a shorter way. */
	return route->port != context->ingress_ifindex;
}

/*
 * Find out how the packet would be forwarded, and whether that is to @side: SP_PORT_CLIENT or 0, an
 * uplink. False if this path cannot do it. Changes nothing but where XDP_REDIRECT would go.
 */
static __always_inline bool sp_route_find(SP_CONTEXT *context, const struct sp_view *view,
                                          struct sp_route *route, __u32 side)
{
	struct bpf_fib_lookup fib = {};

	if (!view->family || view->bytes > 0xffff || !sp_is_own_mac(view->destination) ||
	    !sp_is_forwarded(view, &view->to) || !sp_is_forwarded(view, &view->from))
		return false;
	fib.ifindex = sp_receiver(context, view);
	if (!fib.ifindex || !sp_is_plain(context, view, &fib))
		return false;
	sp_fib_flow(view, &fib);
	/* Not plain again: to the gateway itself, no route, no neighbour, longer than the MTU. */
	if (bpf_fib_lookup(context, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return false;
	if (!sp_route_out(context, fib.ifindex, side, route))
		return false;
	__builtin_memcpy(route->ethernet, fib.dmac, 6);
	__builtin_memcpy(route->ethernet + 3, fib.smac, 6);
	route->mtu = fib.mtu_result; /* since Linux 5.12 */
	/* Linux before 6.3 also finds neighbours that it is still looking for. */
	return (route->ethernet[0] | route->ethernet[1] | route->ethernet[2]) != 0;
}

/*
 * Whether the way back to the packet's sender is the interface that it came from (strict reverse
 * path, RFC 3704 section 2.2).
 */
__noinline int sp_source_holds(SP_CONTEXT *context, const struct sp_view *view)
{
	struct bpf_fib_lookup fib = {};
	__u32 receiver;
	long found;

	if (!view)
		return 0;
	receiver = sp_receiver(context, view);
	if (!receiver || !sp_is_forwarded(view, &view->from))
		return 0;
	fib.ifindex = receiver;
	fib.family = view->family == 4 ? SP_AF_INET : SP_AF_INET6;
	sp_fib_address(fib.ipv6_src, view, &view->to);
	sp_fib_address(fib.ipv6_dst, view, &view->from);
	found = bpf_fib_lookup(context, &fib, sizeof(fib), 0);
	return (found == BPF_FIB_LKUP_RET_SUCCESS || found == BPF_FIB_LKUP_RET_NO_NEIGH) &&
	       fib.ifindex == receiver;
}

/* The headers of the frame on its next hop. RFC 1624 for the checksum: the TTL is the high byte of
 * its word. */
static __always_inline void sp_hop(void *at, const void *end, bool ipv4)
{
	if (ipv4) {
		struct iphdr *ip = at;
		__u32 sum;

		if ((void *)(ip + 1) > end)
			return;
		sum = (__u32)ip->check + bpf_htons(0x0100);
		ip->check = (__be16)(sum + (sum >= 0xffff));
		ip->ttl--;
	} else {
		struct ipv6hdr *ip = at;

		if ((void *)(ip + 1) <= end)
			ip->hop_limit--;
	}
}

/* Make the frame the next hop's, with the tag of its link. False: nothing was changed. */
static __always_inline bool sp_route_apply(SP_CONTEXT *context, const struct sp_view *view,
                                           const struct sp_route *route)
{
	bool tagged = view->network != ETH_HLEN, ipv4 = view->family == 4;
	struct sp_ethernet *ethernet;
	struct sp_vlan_tag *tag;
	void *end;

	if (tagged != !!route->vlan &&
	    bpf_xdp_adjust_head(context, route->vlan ? -(int)SP_TAG_SIZE : (int)SP_TAG_SIZE))
		return false;
	ethernet = (void *)(long)context->data;
	end = (void *)(long)context->data_end;
	tag = (void *)(ethernet + 1);
	if ((void *)(tag + 1) > end)
		return false;
	__builtin_memcpy(ethernet, route->ethernet, sizeof(route->ethernet));
	ethernet->ethertype = bpf_htons(ipv4 ? ETH_P_IP : ETH_P_IPV6);
	if (!route->vlan) {
		sp_hop(tag, end, ipv4);
		return true;
	}
	tag->control = bpf_htons(route->vlan);
	tag->ethertype = ethernet->ethertype;
	ethernet->ethertype = route->protocol;
	sp_hop(tag + 1, end, ipv4);
	return true;
}

#endif
