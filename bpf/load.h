/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Load-time configuration. It is read-only data, frozen before the programs are loaded, so the
 * verifier knows every value and removes the branches that a configuration does not use.
 */
#ifndef SP_BPF_LOAD_H
#define SP_BPF_LOAD_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <sallyport/abi.h>

const volatile struct sp_load sp_load = {};

/*
 * Whether @address is one of the first @count entries of @list. One branch an entry and not four:
 * the verifier follows each of them, and cannot tell that they lead to the same.
 */
static __always_inline bool sp_listed(const volatile struct sp_address *list, __u32 count,
                                      const struct sp_address *address)
{
	for (__u32 i = 0; i < SP_MAX_ADDRESSES && i < count; i++) {
		__u32 differs = list[i].word[3] ^ address->word[3];

		differs |= list[i].word[2] ^ address->word[2];
		differs |= list[i].word[1] ^ address->word[1];
		differs |= list[i].word[0] ^ address->word[0];
		if (!differs)
			return true;
	}
	return false;
}

/* What an address is to this gateway; bits. */
enum sp_role { SP_ROLE_GATEWAY = 1, SP_ROLE_RESOLVER = 2, SP_ROLE_PORTAL = 4 };

/*
 * The roles of @address. A function of its own to the verifier: three lists of comparisons are too
 * many ways to go on from. Authorized clients do not pay for the call.
 */
__noinline int sp_roles(const struct sp_address *address)
{
	int roles = 0;

	if (!address)
		return 0;
	if (sp_listed(sp_load.gateway, sp_load.gateway_count, address))
		roles |= SP_ROLE_GATEWAY;
	if (sp_listed(sp_load.resolver, sp_load.resolver_count, address))
		roles |= SP_ROLE_RESOLVER;
	if (sp_listed(sp_load.portal, sp_load.portal_count, address))
		roles |= SP_ROLE_PORTAL;
	return roles;
}

static __always_inline bool sp_is_gateway(const struct sp_address *address)
{
	return sp_roles(address) & SP_ROLE_GATEWAY;
}

static __always_inline bool sp_is_resolver(const struct sp_address *address)
{
	return sp_roles(address) & SP_ROLE_RESOLVER;
}

static __always_inline bool sp_is_portal(const struct sp_address *address)
{
	return sp_roles(address) & SP_ROLE_PORTAL;
}

/* Whether @mac is one of the gateway's own. No branch but that of the loop, whose ends the verifier
 * knows: else it would follow each entry's. */
static __always_inline bool sp_is_own_mac(const __u16 mac[3])
{
	__u64 found = 0;

	for (__u32 i = 0; i < SP_MAX_MACS && i < sp_load.mac_count; i++) {
		const volatile __u16 *own = (const volatile __u16 *)sp_load.mac[i].byte;
		__u64 differs = (__u64)(own[0] ^ mac[0]);

		differs |= (__u64)(own[1] ^ mac[1]);
		differs |= (__u64)(own[2] ^ mac[2]);
		found |= differs - 1; /* all ones if it was zero */
	}
	return found >> 63;
}

#endif
