/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session that is bound to one IPv4 address: the operator's, or the one that it is found to use.
 * That is the source of its first IPv4 packet; when the gateway's own DHCP server gives the client
 * another one, it is that.
 */
#ifndef SP_BPF_BINDING_H
#define SP_BPF_BINDING_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "parse.h"
#include "verdict.h"

/* Seconds between two `binding` events about one session. */
#define SP_BINDING_QUIET 10u

/* The address that the session is bound to; 0: to none yet. */
static __always_inline __be32 sp_bound_to(const struct sp_client_policy *policy,
                                          const struct sp_usage *cell)
{
	if (policy->ipv4)
		return policy->ipv4;
	return cell->up_generation == policy->generation ? cell->bound : 0;
}

/* The IPv4 address that a packet claims to come from: its source or, of an ARP packet, its sender.
 * 0: none, which is also what a client says that asks for one (RFC 2131 section 4.1, RFC 5227). */
static __always_inline __be32 sp_claimed4(const struct sp_view *view)
{
	if (view->ethertype == ETH_P_ARP)
		return view->claimed.word[3];
	return view->family == 4 ? view->from.word[3] : 0;
}

/* Whether the packet comes from the address that its session is bound to. This and the next are
 * functions of their own to the verifier; who is bound to nothing does not pay for the call. */
__noinline int sp_binding_holds(const struct sp_view *view, const struct sp_client_policy *policy,
                                const struct sp_usage *cell)
{
	__be32 bound, claimed;

	if (!view || !policy || !cell)
		return false;
	bound = sp_bound_to(policy, cell);
	claimed = sp_claimed4(view);
	if (!claimed) /* Nobody can answer it; but it could be sent on its way to another host. */
		return view->family != 4 || sp_is_group(view->destination);
	return !bound || claimed == bound;
}

/* Bind a session that is bound to no address yet to that of the packet. False if another CPU has
 * just bound it to another one. */
__noinline int sp_binding_learn(const struct sp_view *view, const struct sp_client_policy *policy,
                                struct sp_usage *cell)
{
	__be32 from, seen;

	if (!view || !policy || !cell)
		return false;
	from = view->from.word[3];
	if (policy->ipv4 || view->family != 4 || !from || *(volatile __u32 *)&cell->bound ||
	    cell->up_generation != policy->generation)
		return true;
	seen = __sync_val_compare_and_swap(&cell->bound, 0, from);
	return !seen || seen == from;
}

/* Whether to tell of a packet that was refused: not each time. */
__noinline int sp_binding_tells(struct sp_usage *cell, __u64 now)
{
	__u32 told, time = (__u32)now | 1;

	if (!cell)
		return false;
	told = cell->told;
	if (told && time - told < SP_BINDING_QUIET * sp_load.hz)
		return false;
	cell->told = time;
	return true;
}

#endif
