/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Quotas: the packet that uses one up is the last, whatever CPUs the packets of the session are on.
 *
 * Up and down are counted in words of their own, so no single atomic operation can both look at the
 * sum and add to it: near the end it is done under a lock. Far from the end, where the packets that
 * the CPUs have in hand cannot use up what is left, no lock is needed.
 */
#ifndef SP_BPF_QUOTA_H
#define SP_BPF_QUOTA_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "count.h"
#include "maps.h"
#include "parse.h"

/* More than 100 CPUs can have in hand, of the largest packets that there are ("BIG TCP", 512 KiB).
 */
#define SP_QUOTA_NEAR (64u << 20)

/* Whether a quota of the session is used up, or would be with @more bytes. Counters of another
 * generation belong to an earlier session and count as zero. */
static __always_inline bool sp_spent(const struct sp_client_policy *policy,
                                     const struct sp_usage *cell, __u64 more)
{
	__u64 up = more, down = more;

	if (cell->up_generation == policy->generation)
		up += *(const volatile __u64 *)&cell->up_bytes;
	if (cell->down_generation == policy->generation)
		down += *(const volatile __u64 *)&cell->down_bytes;
	return (policy->limits & SP_LIMIT_QUOTA && up + down - more >= policy->quota) ||
	       (policy->limits & SP_LIMIT_QUOTA_UP && up >= policy->quota_up) ||
	       (policy->limits & SP_LIMIT_QUOTA_DOWN && down >= policy->quota_down);
}

/* The same as a function of its own to the verifier; who has no quota does not pay for the call. */
__noinline int sp_is_spent(const struct sp_client_policy *policy, const struct sp_usage *cell,
                           __u64 more)
{
	return policy && cell && sp_spent(policy, cell, more);
}

/* Count the packet if no quota is used up yet; 0 if one is. */
__noinline int sp_quota_charge(const struct sp_client_policy *policy, struct sp_usage *cell,
                               const struct sp_view *view, __u64 now, __u32 up)
{
	struct sp_lock *lock;
	bool spent;

	if (!policy || !cell || !view)
		return 0;
	lock = sp_lock_of(policy);
	if (!lock)
		return 0;
	bpf_spin_lock(&lock->lock);
	spent = sp_spent(policy, cell, 0);
	if (!spent && up)
		sp_usage_up(cell, view, now);
	else if (!spent)
		sp_usage_down(cell, view, now);
	bpf_spin_unlock(&lock->lock);
	return !spent;
}

/* Count a packet of the session; false if it must not pass, because its quota is used up. */
static __always_inline bool sp_charge(const struct sp_client_policy *policy, struct sp_usage *cell,
                                      const struct sp_view *view, __u64 now, bool up)
{
	if (policy->limits & SP_LIMIT_QUOTAS && sp_is_spent(policy, cell, SP_QUOTA_NEAR))
		return sp_quota_charge(policy, cell, view, now, up);
	if (up)
		sp_usage_up(cell, view, now);
	else
		sp_usage_down(cell, view, now);
	return true;
}

#endif
