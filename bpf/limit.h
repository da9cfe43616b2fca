/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The limits of a session, kept by the kernel alone: time, idle time, quota, rate.
 */
#ifndef SP_BPF_LIMIT_H
#define SP_BPF_LIMIT_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "quota.h"

/* Activity of another generation is that of an earlier session. */
static __always_inline bool sp_is_idle(const struct sp_client_policy *policy,
                                       const struct sp_usage *cell, __u64 now)
{
	__u64 last = policy->granted;

	if (cell->up_generation == policy->generation && cell->up_last > last)
		last = cell->up_last;
	return now > last && now - last > policy->idle;
}

/*
 * How the session of an authorized client has ended, SP_EVENT_NONE while it goes on. Nothing is
 * written here: an ended session stays ended, because packets that are refused do not count as
 * activity.
 */
static __always_inline enum sp_event_kind sp_session_ended(const struct sp_client_policy *policy,
                                                           const struct sp_usage *cell, __u64 now)
{
	__u32 limits = policy->limits;

	if (limits & SP_LIMIT_EXPIRES && now >= policy->expires)
		return SP_EVENT_EXPIRED;
	if (limits & SP_LIMIT_IDLE && sp_is_idle(policy, cell, now))
		return SP_EVENT_IDLE;
	if (limits & SP_LIMIT_QUOTAS && sp_is_spent(policy, cell, 0))
		return SP_EVENT_QUOTA;
	return SP_EVENT_NONE;
}

/*
 * Whether to drop a packet while the bucket still has room: in its upper half at random, the more
 * likely the fuller it is. With a hard edge alone, senders that take turns always meet it at the
 * same of them: of 64 flows with twice the rate together, half got nothing.
 */
static __always_inline bool sp_drop_early(__u64 ahead, __u64 half)
{
	/* In 1/1024, lest it overflow: 1 GB at 8 kbit/s is 10^15 ns deep. */
	return ahead > half && (bpf_get_prandom_u32() & 0x3ff) * half < (ahead - half) << 10;
}

/* The largest packet that there is ("BIG TCP", GSO_MAX_SIZE of Linux 6.3). */
#define SP_LARGEST_BYTES (8u * 65536)

/*
 * A bucket that is further ahead than one packet can have brought it was filled at a lower rate,
 * which was raised since: it is empty, but what is owed in seconds of then is not owed now.
 */
static __always_inline void sp_forget_debt(__u64 *credit, __u64 full, __u64 empty, __u64 rate)
{
	if (full - empty > (__u64)SP_LARGEST_BYTES * 8000000000ULL / rate)
		__sync_val_compare_and_swap(credit, full, empty);
}

/*
 * Token bucket in its dual form (the generic cell rate algorithm, ITU-T I.371): *@credit is the
 * instant at which the bucket will be full again. A packet passes while that is less than a burst
 * away, and moves it on by what it costs; so a packet larger than the burst passes too, and is paid
 * for afterwards. One word, so a compare-and-swap or an addition is all the locking there is.
 * A function of its own to the verifier.
 */
__noinline int sp_within_rate(__u64 *credit, __u64 rate, __u64 burst, __u32 bytes)
{
	__u64 now, cost, depth, full;

	if (!credit || !rate)
		return false;
	now = bpf_ktime_get_ns();
	cost = bytes * 8000000000ULL / rate;
	depth = burst * 8000000ULL / rate * 1000; /* in steps of 1 us, lest it overflow */
	full = *(volatile __u64 *)credit;
	if (full < now) {
		__u64 seen = __sync_val_compare_and_swap(credit, full, now + cost);

		if (seen == full)
			return true;
		full = seen; /* another CPU was first: its value is current */
	}
	if (full > now + depth)
		sp_forget_debt(credit, full, now + depth, rate);
	if (full > now + depth || sp_drop_early(full > now ? full - now : 0, depth / 2))
		return false;
	__sync_fetch_and_add(credit, cost);
	return true;
}

#endif
