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

/* What @units of a budget cost. */
static __always_inline __u64 sp_budget_cost(const struct sp_budget *budget, __u32 units)
{
	__u64 cost = budget->cost * units;

	/* A packet that stands for several takes all, and not for ever. */
	return cost > budget->depth ? budget->depth : cost;
}

/*
 * The instant at which a budget that is full again at @full would be, were @cost taken from it; 0:
 * it does not have that much. The generic cell rate algorithm (ITU-T I.371), as in limit.h, but by
 * the clock that costs nothing.
 */
static __always_inline __u64 sp_budget_after(const struct sp_budget *budget, __u64 full, __u64 cost,
                                             __u64 now)
{
	__u64 time = now << SP_BUDGET_SHIFT, begin = full > time ? full : time;

	return begin + cost - time > budget->depth ? 0 : begin + cost;
}

/* Whether the budget cannot pay for @units. */
static __always_inline bool sp_budget_is_spent(const struct sp_budget *budget, const __u64 *credit,
                                               __u32 units, __u64 now)
{
	return budget->cost && !sp_budget_after(budget, *(const volatile __u64 *)credit,
	                                        sp_budget_cost(budget, units), now);
}

/*
 * Take @units from a budget. *@credit is the instant at which the budget is full again. A lost
 * race against another CPU is a refusal: it happens to floods.
 */
static __always_inline bool sp_budget_spend(const struct sp_budget *budget, __u64 *credit,
                                            __u32 units, __u64 now)
{
	__u64 full = *(volatile __u64 *)credit, after;

	if (!budget->cost)
		return true;
	after = sp_budget_after(budget, full, sp_budget_cost(budget, units), now);
	return after && __sync_val_compare_and_swap(credit, full, after) == full;
}

/* One more that the budget of all refused. */
static __always_inline void sp_total_refuse(__u32 kind)
{
	struct sp_total *total = bpf_map_lookup_elem(&budgets, &kind);

	if (total)
		__sync_fetch_and_add(&total->refused, 1);
}

/* Whether the budget of all captive clients together cannot pay for a unit. */
static __always_inline bool sp_total_is_spent(const struct sp_budget *budget, __u32 kind, __u64 now)
{
	struct sp_total *total = bpf_map_lookup_elem(&budgets, &kind);

	return total && sp_budget_is_spent(budget, &total->credit, 1, now);
}

/* Take @units from the budget of all captive clients together. */
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
