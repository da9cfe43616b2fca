/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the gateway's own DHCP server tells a client: the address that its session is to be bound
 * to. Only the gateway's own: an answer that is merely forwarded may come from anybody whom the
 * client asked to send one. It is read from the packet by helper calls, since it is rare and long.
 */
#ifndef SP_BPF_DHCP_H
#define SP_BPF_DHCP_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "binding.h"
#include "count.h"
#include "maps.h"
#include "parse.h"
#include "verdict.h"

/* RFC 2131 section 2, the front of it that is looked at. */
struct sp_dhcp {
	__u8 operation, hardware, hardware_size, hops;
	__be32 id;
	__be16 seconds, flags;
	__be32 client, yours, server, relay;
	__u8 mac[16];
};

/* Behind it: a name of 64 bytes, a file of 128, the cookie, the options. */
#define SP_DHCP_AT_COOKIE (sizeof(struct sp_dhcp) + 64 + 128)
#define SP_DHCP_REPLY     2          /* RFC 951 section 3 */
#define SP_DHCP_COOKIE    0x63825363 /* RFC 2131 section 3 */
#define SP_DHCP_PAD       0          /* RFC 2132 sections 3.1, 3.2, 9.6 */
#define SP_DHCP_END       255
#define SP_DHCP_TYPE      53
#define SP_DHCP_ACK       5
#define SP_DHCP_OPTIONS   32 /* looked at for the type, which servers send first */

/* Whether the options at @offset say that this is an acknowledgement. */
static __always_inline bool sp_dhcp_is_ack(struct __sk_buff *skb, __u32 offset)
{
	for (int i = 0; i < SP_DHCP_OPTIONS; i++) {
		struct {
			__u8 code, length, value;
		} option;

		if (bpf_skb_load_bytes(skb, offset, &option, sizeof(option)) ||
		    option.code == SP_DHCP_END)
			return false;
		if (option.code == SP_DHCP_TYPE)
			return option.length == 1 && option.value == SP_DHCP_ACK;
		offset += option.code == SP_DHCP_PAD ? 1u : 2u + option.length;
	}
	return false;
}

/* Bind the session of @key, if it is to be bound to what it uses, to @address. */
static __always_inline void sp_binding_move(const struct sp_client_key *key, __be32 address)
{
	struct sp_client_policy *policy = bpf_map_lookup_elem(&clients, key);
	struct sp_usage *cell;

	if (!policy || policy->state != SP_CLIENT_AUTHORIZED ||
	    !(policy->limits & SP_LIMIT_BINDING) || policy->ipv4)
		return;
	cell = sp_usage_of(policy);
	if (cell && cell->up_generation == policy->generation)
		__sync_lock_test_and_set(&cell->bound, address);
}

/* Look at an answer of the DHCP server. A function of its own to the verifier. Always 0. */
__noinline int sp_dhcp_heed(struct __sk_buff *skb, const struct sp_view *view)
{
	struct sp_client_key key = {};
	struct sp_dhcp dhcp;
	__u32 offset;
	__be32 cookie;

	if (!view)
		return 0;
	offset = view->transport + (__u32)sizeof(struct udphdr);
	if (bpf_skb_load_bytes(skb, offset, &dhcp, sizeof(dhcp)) ||
	    bpf_skb_load_bytes(skb, offset + (__u32)SP_DHCP_AT_COOKIE, &cookie, 4))
		return 0;
	if (dhcp.operation != SP_DHCP_REPLY || dhcp.hardware != SP_ARP_ETHERNET ||
	    dhcp.hardware_size != 6 || !dhcp.yours || cookie != bpf_htonl(SP_DHCP_COOKIE) ||
	    !sp_dhcp_is_ack(skb, offset + (__u32)SP_DHCP_AT_COOKIE + 4))
		return 0;
	__builtin_memcpy(key.mac, dhcp.mac, 6);
	key.vlan = view->vlan;
	sp_binding_move(&key, dhcp.yours);
	return 0;
}

/* Whether a packet that the gateway sends may be such an answer. */
static __always_inline bool sp_is_dhcp_answer(const struct sp_view *view)
{
	return view->source_port == SP_DHCP_SERVER && view->protocol == IPPROTO_UDP &&
	       view->family == 4 && view->fragment == SP_WHOLE &&
	       view->destination_port == SP_DHCP_CLIENT;
}

#endif
