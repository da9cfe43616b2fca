/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Zones: the part of the network that a packet comes from or goes to, by client interface and VLAN.
 * What differs by zone is looked up when it is needed, and not before; with zone 0 alone nothing
 * is. The map `zones` is the truth. What it says of whole interfaces stands in `settings` too,
 * where it costs an authorized client's packet a multiplication.
 */
#ifndef SP_BPF_ZONE_H
#define SP_BPF_ZONE_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "budget.h"
#include "maps.h"

/* By the map. A function of its own to the verifier; packets without a VLAN rarely pay for it. */
__noinline int sp_zone_find(__u32 ifindex, __u32 vlan)
{
	struct sp_zone_key key = {.ifindex = ifindex, .vlan = (__u16)vlan};
	const __u32 *zone = NULL;

	if (vlan)
		zone = bpf_map_lookup_elem(&zones, &key);
	if (!zone) {
		key.vlan = 0;
		key.whole = 1;
		zone = bpf_map_lookup_elem(&zones, &key);
	}
	return zone ? (int)*zone : 0;
}

/* Below SP_ZONES. */
static __always_inline __u32 sp_zone_of(const struct sp_settings *config, __u32 ifindex, __u16 vlan)
{
	const struct sp_zone_port *port;
	__u32 zone;

	if (!config->zones)
		return 0;
	port = &config->zone_port[SP_ZONE_CELL(ifindex, config->zone_factor)];
	if (port->ifindex == ifindex && !(vlan && port->vlans))
		zone = port->zone;
	else
		zone = (__u32)sp_zone_find(ifindex, vlan);
	return zone & (SP_ZONES - 1);
}

/* Whether packets of clients at this interface and VLAN are forwarded past the stack. */
static __always_inline bool sp_zone_routes(const struct sp_settings *config, __u32 ifindex,
                                           __u16 vlan)
{
	return config->route_zones >> sp_zone_of(config, ifindex, vlan) & 1;
}

#endif
