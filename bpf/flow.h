/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trains. Packets of a flow come one upon the other, and what the first one of a tick of the clock
 * costs to judge and to route need not be paid by the next: for the rest of that tick they go the
 * same way, after one look into an array that no other CPU writes.
 *
 * What holds and what does not. By time the judgement would be the same: the datapath's clock is
 * that tick. When user space has ended or changed a session it moves sp_settings.changes, and all
 * of this is forgotten. What somebody else does to `clients`, routes or neighbours meanwhile, and
 * what is imported, is seen with the next tick: 1 to 10 ms later, as the kernel's HZ is.
 *
 * The entry of another flow is displaced only when its tick is over. So with more flows in a tick
 * than there are entries some of them still gain.
 *
 * Entries of many flows do not stay in a cache. So in front of them there is a small table of tags,
 * which does: an entry is looked at only when its tag says that the flow was the last one to come
 * to this place, one of the two that it may have. Packets of flows that take turns, a hundred
 * thousand of them, leave their tag and cost no more; a train pays with its first packet. A tag
 * that fits by chance costs that look.
 */
#ifndef SP_BPF_FLOW_H
#define SP_BPF_FLOW_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "forward.h"
#include "hash.h"
#include "maps.h"
#include "parse.h"

/* Where a packet's flow would be remembered, and what of it is not in the view. */
struct sp_train {
	struct sp_flow *flow;
	__u16 *tag;
	__u16 tagged; /* what the tag is once the flow is remembered */
	__u32 stamp;
	__u32 class;
};

/* What the IP header alone tells: the class. False: its TTL runs out here. */
static __always_inline bool sp_flow_class(SP_CONTEXT *context, const struct sp_view *view,
                                          __u32 *class)
{
	void *at = (void *)(long)context->data, *end = (void *)(long)context->data_end;

	at += view->network == ETH_HLEN ? ETH_HLEN : ETH_HLEN + SP_TAG_SIZE;
	if (view->family == 4) {
		const struct iphdr *ip = at;

		if ((void *)(ip + 1) > end || ip->ttl <= 1)
			return false;
		*class = ip->tos;
	} else {
		const struct ipv6hdr *ip = at;

		if ((void *)(ip + 1) > end || ip->hop_limit <= 1)
			return false;
		*class = *(const __be32 *)ip & bpf_htonl(0x0fffffff);
	}
	return true;
}

/* Of what tells flows from each other best. */
static __always_inline __u64 sp_flow_hash(const struct sp_view *view)
{
	__u64 hash = (__u64)view->from.word[3] << 32 | view->to.word[3];

	hash ^= (__u64)view->source_port << 16 ^ (__u64)view->destination_port << 32;
	return sp_hash(hash);
}

/* Whether two tags are of one flow; of one tick. */
static __always_inline bool sp_tag_fits(__u16 one, __u16 other)
{
	return !((one ^ other) & ((1u << SP_FLOW_TAG_BITS) - 1));
}

static __always_inline bool sp_tag_holds(__u16 one, __u16 other)
{
	return !((one ^ other) >> SP_FLOW_TAG_BITS);
}

/* The other place that a flow may have. */
static __always_inline __u32 sp_flow_beside(__u32 place)
{
	return (place + 1) & (SP_FLOWS - 1);
}

/* The flow has come last to the place, or to the other one of the two; to none if both are those of
 * flows that are remembered in this tick. */
static __always_inline void sp_flow_claim(struct sp_flow_tags *tags, __u32 place, __u16 tagged)
{
	if (sp_tag_holds(tags->tag[place], tagged))
		place = sp_flow_beside(place);
	if (!sp_tag_holds(tags->tag[place], tagged))
		tags->tag[place] = (__u16)(tagged - (1u << SP_FLOW_TAG_BITS));
}

/* That place of the two that a flow may have to which it was the last one to come, by the tag
 * there; SP_FLOWS if it was not. Then it is now. */
static __always_inline __u32 sp_flow_place(struct sp_train *train, __u64 hash)
{
	const __u32 bits = SP_FLOW_TAG_BITS, zero = 0;
	__u32 place = (__u32)(hash >> (64 - SP_FLOWS_BITS));
	struct sp_flow_tags *tags = bpf_map_lookup_elem(&flow_tags, &zero);

	if (!tags)
		return SP_FLOWS;
	train->tagged = (__u16)(train->stamp << bits |
	                        (hash >> (64 - SP_FLOWS_BITS - bits) & ((1u << bits) - 1)));
	if (!sp_tag_fits(tags->tag[place], train->tagged))
		place = sp_flow_beside(place);
	if (!sp_tag_fits(tags->tag[place], train->tagged)) {
		sp_flow_claim(tags, (__u32)(hash >> (64 - SP_FLOWS_BITS)), train->tagged);
		return SP_FLOWS;
	}
	train->tag = &tags->tag[place];
	return place;
}

/* Find the place of a plain packet's flow (plain.h). False: it need not be looked at, and is not
 * to be remembered. */
static __always_inline bool sp_train_of(SP_CONTEXT *context, const struct sp_view *view,
                                        const struct sp_settings *config, __u64 now,
                                        struct sp_train *train)
{
	__u32 index;

	train->stamp = (__u32)now + config->changes;
	if (!sp_flow_class(context, view, &train->class))
		return false;
	index = sp_flow_place(train, sp_flow_hash(view));
	if (index == SP_FLOWS)
		return false;
	index += bpf_get_smp_processor_id() << SP_FLOWS_BITS;
	train->flow = bpf_map_lookup_elem(&flows, &index);
	return train->flow;
}

/* Whether two flows differ, in one branch: the verifier would follow each of many. */
static __always_inline bool sp_flow_differs(SP_CONTEXT *context, const struct sp_view *view,
                                            const struct sp_train *train)
{
	const struct sp_flow_key *key = &train->flow->key;
	const __u16 *mac = (const __u16 *)key->mac;
	__u32 differs = mac[0] ^ view->source[0];

	differs |= mac[1] ^ view->source[1];
	differs |= mac[2] ^ view->source[2];
	differs |= key->vlan ^ view->vlan;
	differs |= key->from ^ view->from.word[3];
	differs |= key->to ^ view->to.word[3];
	differs |= key->source_port ^ view->source_port;
	differs |= key->destination_port ^ view->destination_port;
	differs |= key->ifindex ^ context->ingress_ifindex;
	differs |= key->class ^ train->class;
	differs |= key->protocol ^ view->protocol;
	differs |= key->family ^ view->family;
	differs |= key->network ^ view->network;
	return differs;
}

/* The rest of two IPv6 flows. */
static __always_inline bool sp_flow_differs6(const struct sp_flow *flow, const struct sp_view *view)
{
	__u32 differs = flow->from_high[0] ^ view->from.word[0];

	differs |= flow->from_high[1] ^ view->from.word[1];
	differs |= flow->from_high[2] ^ view->from.word[2];
	differs |= flow->to_high[0] ^ view->to.word[0];
	differs |= flow->to_high[1] ^ view->to.word[1];
	differs |= flow->to_high[2] ^ view->to.word[2];
	return differs;
}

/* Whether the last packet at this place was of the same flow, in the same tick, and this one is not
 * too long to go its way. */
static __always_inline bool sp_train_goes_on(SP_CONTEXT *context, const struct sp_view *view,
                                             const struct sp_train *train)
{
	const struct sp_flow *flow = train->flow;

	return flow->stamp == train->stamp && view->bytes <= flow->mtu &&
	       !sp_flow_differs(context, view, train) &&
	       (view->family == 4 || !sp_flow_differs6(flow, view));
}

/* The cell of the session that pays for the flow. */
static __always_inline struct sp_usage *sp_flow_cell(const struct sp_flow *flow)
{
	__u32 slot = flow->slot;

	return bpf_map_lookup_elem(&usage, &slot);
}

/* Send the packet where the last one went. False: nothing was changed. */
static __always_inline bool sp_flow_forward(SP_CONTEXT *context, const struct sp_view *view,
                                            const struct sp_flow *flow)
{
	struct sp_route route = {.port = flow->port, .vlan = flow->vlan};

	if (!sp_is_own_mac(view->destination))
		return false;
	if (route.vlan)
		route.protocol = flow->tag;
	__builtin_memcpy(route.ethernet, flow->ethernet, sizeof(route.ethernet));
	return sp_route_apply(context, view, &route) && bpf_redirect(route.port, 0) == XDP_REDIRECT;
}

static __always_inline void sp_flow_key_set(struct sp_flow_key *key, SP_CONTEXT *context,
                                            const struct sp_view *view, __u32 class)
{
	__builtin_memcpy(key->mac, view->source, sizeof(key->mac));
	key->vlan = view->vlan;
	key->from = view->from.word[3];
	key->to = view->to.word[3];
	key->source_port = view->source_port;
	key->destination_port = view->destination_port;
	key->ifindex = context->ingress_ifindex;
	key->class = class;
	key->protocol = view->protocol;
	key->family = view->family;
	key->network = view->network;
}

/* Remember how the first packet of a train was forwarded, and who paid. The stamp comes last. */
static __always_inline void sp_train_begin(SP_CONTEXT *context, const struct sp_view *view,
                                           const struct sp_train *train,
                                           const struct sp_client_policy *policy,
                                           const struct sp_route *route)
{
	struct sp_flow *flow = train->flow;

	if (!flow || flow->stamp == train->stamp)
		return;
	sp_flow_key_set(&flow->key, context, view, train->class);
	flow->slot = policy->slot;
	flow->generation = policy->generation;
	flow->port = route->port;
	__builtin_memcpy(flow->ethernet, route->ethernet, sizeof(flow->ethernet));
	flow->vlan = route->vlan;
	flow->mtu = route->mtu;
	if (route->vlan)
		flow->tag = route->protocol;
	if (view->family == 6) {
		__builtin_memcpy(flow->from_high, &view->from, sizeof(flow->from_high));
		__builtin_memcpy(flow->to_high, &view->to, sizeof(flow->to_high));
	}
	*(volatile __u32 *)&flow->stamp = train->stamp;
	*train->tag = train->tagged;
}

#endif
