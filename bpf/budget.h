/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What captive clients may ask of the gateway: each of them, and all together. A packet is paid
 * for by its client first, so that one that is over its own budget does not use up that of all; a
 * client that is not known yet is paid for by SP_BUDGET_GUEST before an entry is made for it, so
 * that random source addresses cost a failed lookup each and cannot push the known ones out.
 */
#ifndef SP_BPF_BUDGET_H
#define SP_BPF_BUDGET_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "maps.h"

static __always_inline struct sp_settings *sp_settings_now(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

/*
 * Take @units from a budget: the generic cell rate algorithm (ITU-T I.371), as in limit.h, but by
 * the clock that costs nothing. *@credit is the instant at which the budget is full again. A lost
 * race against another CPU is a refusal: it happens to floods.
 */
static __always_inline bool sp_budget_spend(const struct sp_budget *budget, __u64 *credit,
                                            __u32 units, __u64 now)
{
	__u64 cost = budget->cost * units, time = now << SP_BUDGET_SHIFT, full, begin;

	if (!cost)
		return true;
	if (cost > budget->depth) /* a packet that stands for several takes all, and not for ever */
		cost = budget->depth;
	full = *(volatile __u64 *)credit;
	begin = full > time ? full : time;
	if (begin + cost - time > budget->depth)
		return false;
	return __sync_val_compare_and_swap(credit, full, begin + cost) == full;
}

/* One more that the budget of all refused. */
static __always_inline void sp_total_refuse(__u32 kind)
{
	struct sp_total *total = bpf_map_lookup_elem(&budgets, &kind);

	if (total)
		__sync_fetch_and_add(&total->refused, 1);
}

/* The same from the budget of all captive clients together. */
static __always_inline bool sp_total_spend(const struct sp_budget *budget, __u32 kind, __u32 units,
                                           __u64 now)
{
	struct sp_total *total = bpf_map_lookup_elem(&budgets, &kind);

	if (!total)
		return false;
	if (sp_budget_spend(budget, &total->credit, units, now))
		return true;
	__sync_fetch_and_add(&total->refused, 1);
	return false;
}

#endif
