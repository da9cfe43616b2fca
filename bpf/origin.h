/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose connection is it? The portal sees an address and a port, and must know the MAC. The SYN of
 * each portal connection is recorded with the client that sent it; the first one keeps it. Without
 * that, a neighbour who forges an address could have his own MAC authorized by somebody else's
 * login.
 */
#ifndef SP_BPF_ORIGIN_H
#define SP_BPF_ORIGIN_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "load.h"
#include "maps.h"
#include "parse.h"
#include "zone.h"

static __always_inline void sp_client_key_up(struct sp_client_key *key, const struct sp_view *view)
{
	__builtin_memcpy(key->mac, view->source, 6);
	key->vlan = view->vlan;
}

static __always_inline bool sp_same_client(const struct sp_client_key *a,
                                           const struct sp_client_key *b)
{
	return *(const __u64 *)a == *(const __u64 *)b;
}

/*
 * Admit a packet of a portal connection from @client: SP_REASON_PORTAL, or why not. A connection
 * that is not recorded (evicted by a flood, say) is not let on without its SYN: somebody else could
 * claim it meanwhile. The client's next attempt begins with a SYN.
 */
static __always_inline enum sp_reason sp_origin_admit(const struct sp_view *view,
                                                      const struct sp_client_key *client,
                                                      __u32 ifindex, __u64 now)
{
	const struct sp_settings *config = sp_settings_now();
	bool opens = (view->tcp_flags & (SP_TCP_SYN | SP_TCP_ACK)) == SP_TCP_SYN;
	struct sp_origin fresh = {.client = *client, .seen = now};
	struct sp_origin *origin;
	struct sp_origin_key key = {
		.client_port = bpf_htons(view->source_port),
		.server_port = bpf_htons(view->destination_port),
		.ifindex = ifindex,
	};

	/* Its other fragments do not say whose they are. */
	if (view->fragment != SP_WHOLE)
		return SP_REASON_ORIGIN;
	__builtin_memcpy(key.client_address, &view->from, 16);
	__builtin_memcpy(key.server_address, &view->to, 16);
	origin = bpf_map_lookup_elem(&origins, &key);
	if (opens && config)
		fresh.zone = sp_zone_of(config, ifindex, client->vlan);
	if (!origin) {
		if (!opens)
			return SP_REASON_ORIGIN;
		if (!bpf_map_update_elem(&origins, &key, &fresh, BPF_NOEXIST))
			return SP_REASON_PORTAL;
		/* Another CPU was first, or the map is out of elements for a moment. */
		origin = bpf_map_lookup_elem(&origins, &key);
		if (!origin)
			return SP_REASON_ORIGIN;
	}
	if (sp_same_client(&origin->client, client)) {
		if (opens)
			origin->zone = fresh.zone;
		if (origin->seen != now)
			origin->seen = now;
		return SP_REASON_PORTAL;
	}
	/* Another CPU may have seen a later jiffy than this one: that is not long ago. */
	if (opens && now > origin->seen + (__u64)SP_ORIGIN_LIFE_SECONDS * sp_load.hz)
		return bpf_map_update_elem(&origins, &key, &fresh, BPF_ANY) ? SP_REASON_ORIGIN
		                                                            : SP_REASON_PORTAL;
	return SP_REASON_CLASH;
}

#endif
