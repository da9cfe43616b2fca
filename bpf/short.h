/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The short way: plain packets (plain.h) of authorized clients, most of what a gateway sees. Here
 * is only what almost every one of them needs, without a call; whatever else could matter to a
 * packet or a session leaves it to the long way (client.h), which decides alone. So there is no
 * rule here that is not there too, and nothing is written before it is certain that the packet goes
 * on.
 */
#ifndef SP_BPF_SHORT_H
#define SP_BPF_SHORT_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "count.h"
#include "limit.h"
#include "load.h"
#include "maps.h"
#include "plain.h"
#include "verdict.h"

/* Limits that are looked at here; a session with others goes the long way. */
#define SP_SHORT_LIMITS (SP_LIMIT_EXPIRES | SP_LIMIT_IDLE)

/* The cell of a session that goes on and has none but these limits; else NULL. @policy: what
 * `clients` has of the client. */
static __always_inline struct sp_usage *sp_short_session(const struct sp_client_policy *policy,
                                                         __u64 now)
{
	struct sp_usage *cell;

	if (!policy || policy->state != SP_CLIENT_AUTHORIZED || policy->limits & ~SP_SHORT_LIMITS)
		return NULL;
	cell = sp_usage_of(policy);
	return cell && !sp_session_ended(policy, cell, now) ? cell : NULL;
}

/* Whether the address could be one of the first @count of @list. Without a branch for each: the
 * verifier would follow all of them. */
static __always_inline bool sp_is_like(const volatile struct sp_address *list, __u32 count,
                                       const struct sp_address *address)
{
	__u64 found = 0;

	for (__u32 i = 0; i < SP_MAX_ADDRESSES && i < count; i++)
		found |= (__u64)(list[i].word[3] ^ address->word[3]) - 1;
	return found >> 63;
}

/* Whether more is to be said of the packet, whoever sends it: by the guard, or as one to the
 * portal.
 */
static __always_inline bool sp_is_special(const struct sp_view *view)
{
	__u16 from = view->source_port, to = view->destination_port;

	if (view->protocol == IPPROTO_UDP)
		return from == SP_DHCP_SERVER || from == SP_DHCP6_SERVER || to == SP_DHCP_CLIENT ||
		       to == SP_DHCP6_CLIENT;
	return sp_is_portal_port(to) && sp_is_like(sp_load.portal, sp_load.portal_count, &view->to);
}

#endif
