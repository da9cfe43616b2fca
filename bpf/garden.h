/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The walled garden: where captive clients may go. One look-up in the map of the family, and only
 * if something is in it; user space has written into each prefix what the wider ones open as well.
 * What a zone has of its own is asked second, and only if it has something.
 */
#ifndef SP_BPF_GARDEN_H
#define SP_BPF_GARDEN_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "budget.h"
#include "maps.h"
#include "parse.h"
#include "zone.h"

/* The longest prefix of @zone that holds @address, or NULL. */
static __always_inline struct sp_garden *sp_garden_of(const struct sp_settings *config, __u32 zone,
                                                      __u8 family, const struct sp_address *address)
{
	struct sp_garden4_key key4 = {.prefix_length = SP_GARDEN_ZONE_BITS + 32, .zone = zone};
	struct sp_garden6_key key6 = {.prefix_length = SP_GARDEN_ZONE_BITS + 128, .zone = zone};

	if (family == 4 && config->garden4) {
		__builtin_memcpy(key4.address, &address->word[3], 4);
		return bpf_map_lookup_elem(&garden4, &key4);
	}
	if (family == 6 && config->garden6) {
		__builtin_memcpy(key6.address, address, 16);
		return bpf_map_lookup_elem(&garden6, &key6);
	}
	return NULL;
}

static __always_inline bool sp_garden_allows(const struct sp_garden_rule *rule, __u8 protocol,
                                             __u16 port, __u64 now)
{
	if (rule->protocol && rule->protocol != protocol)
		return false;
	if (rule->expires && now >= rule->expires)
		return false;
	return port >= rule->port_low && port <= rule->port_high;
}

static __always_inline void sp_garden_count(const struct sp_garden *garden,
                                            const struct sp_view *view, __u64 now)
{
	__u32 slot = garden->slot;
	struct sp_garden_seen *seen = bpf_map_lookup_elem(&garden_seen, &slot);

	if (!seen)
		return;
	__sync_fetch_and_add(&seen->packets, view->packets);
	if (seen->last != now)
		seen->last = now;
}

/* The same in the part of the garden that is @zone's. A function of its own to the verifier. */
__noinline int sp_garden_open_in(const struct sp_view *view, __u32 up, __u64 now, __u32 zone)
{
	const struct sp_settings *config = sp_settings_now();
	struct sp_garden *garden;
	__u16 port = 0;

	if (!view || !config)
		return false;
	garden = sp_garden_of(config, zone, view->family, up ? &view->to : &view->from);
	if (!garden)
		return false;
	if (view->protocol == IPPROTO_TCP || view->protocol == IPPROTO_UDP)
		port = up ? view->destination_port : view->source_port;
	for (__u32 i = 0; i < SP_GARDEN_RULES && i < garden->count; i++) {
		if (!sp_garden_allows(&garden->rule[i], view->protocol, port, now))
			continue;
		sp_garden_count(garden, view, now);
		return true;
	}
	return false;
}

/*
 * Whether the garden holds the far end of the packet: its destination if @up, else its source.
 * @ifindex: where the client is. Only captive clients pay for the call.
 */
static __always_inline bool sp_garden_open(const struct sp_settings *config,
                                           const struct sp_view *view, bool up, __u32 ifindex,
                                           __u64 now)
{
	__u32 zone;

	if (view->fragment != SP_WHOLE)
		return false;
	if (sp_garden_open_in(view, up, now, 0))
		return true;
	if (!config->garden_zones)
		return false;
	zone = sp_zone_of(config, ifindex, view->vlan);
	return config->garden_zones >> zone & 1 && sp_garden_open_in(view, up, now, zone);
}

#endif
