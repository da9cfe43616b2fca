/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counting: why packets went where they went (`reasons`), and what each client used (`usage`).
 */
#ifndef SP_BPF_COUNT_H
#define SP_BPF_COUNT_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "generation.h"
#include "maps.h"
#include "parse.h"

/* Per CPU and never from an interrupt above softirq, so plain additions lose nothing. */
static __always_inline void sp_count_reason(enum sp_reason reason, const struct sp_view *view)
{
	__u32 number = reason;
	struct sp_count *count = bpf_map_lookup_elem(&reasons, &number);

	if (!count)
		return;
	count->packets += view->packets;
	count->bytes += view->bytes;
	count->reason = reason;
}

/* The cell of @policy; NULL only if user space gave out a slot that does not exist. */
static __always_inline struct sp_usage *sp_usage_of(const struct sp_client_policy *policy)
{
	__u32 slot = policy->slot;

	return bpf_map_lookup_elem(&usage, &slot);
}

static __always_inline struct sp_lock *sp_lock_of(const struct sp_client_policy *policy)
{
	__u32 number = policy->slot % SP_LOCKS;

	return bpf_map_lookup_elem(&locks, &number);
}

/* Both under the lock of the cell. The generation is published last; the exchange is the barrier.
 */
static __always_inline void sp_clear_up(struct sp_usage *cell, __u32 generation, __u64 now)
{
	sp_clear(&cell->up_packets);
	sp_clear(&cell->up_bytes);
	cell->ipv4 = 0;
	__builtin_memset(cell->ipv6, 0, sizeof(cell->ipv6));
	cell->up_first = now;
	cell->up_last = now;
	cell->up_credit = 0;
	cell->bound = 0;
	cell->told = 0;
	__sync_lock_test_and_set(&cell->up_generation, generation);
}

static __always_inline void sp_clear_down(struct sp_usage *cell, __u32 generation, __u64 now)
{
	sp_clear(&cell->down_packets);
	sp_clear(&cell->down_bytes);
	cell->down_first = now;
	cell->down_last = now;
	cell->down_credit = 0;
	__sync_lock_test_and_set(&cell->down_generation, generation);
}

/*
 * Begin with zero in a cell that belonged to an earlier session; 1 for the one packet that does it.
 * Others of the new session wait meanwhile, so they see counters that are theirs. A function of its
 * own to the verifier, called once a session and direction.
 */
__noinline int sp_usage_begin(const struct sp_client_policy *policy, struct sp_usage *cell,
                              __u64 now, __u32 up)
{
	struct sp_lock *lock;
	bool newer = false;

	if (!policy || !cell)
		return 0;
	lock = sp_lock_of(policy);
	if (!lock)
		return 0;
	bpf_spin_lock(&lock->lock);
	if (up && sp_is_newer(policy->generation, cell->up_generation)) {
		newer = true;
		sp_clear_up(cell, policy->generation, now);
	} else if (!up && sp_is_newer(policy->generation, cell->down_generation)) {
		newer = true;
		sp_clear_down(cell, policy->generation, now);
	}
	bpf_spin_unlock(&lock->lock);
	return newer;
}

static __always_inline bool sp_usage_enter_up(const struct sp_client_policy *policy,
                                              struct sp_usage *cell, __u64 now)
{
	return cell->up_generation != policy->generation && sp_usage_begin(policy, cell, now, 1);
}

static __always_inline void sp_usage_enter_down(const struct sp_client_policy *policy,
                                                struct sp_usage *cell, __u64 now)
{
	if (cell->down_generation != policy->generation)
		sp_usage_begin(policy, cell, now, 0);
}

/* Whether the packet comes from the last address that its client was seen with. */
static __always_inline bool sp_usage_knows(const struct sp_usage *cell, const struct sp_view *view)
{
	const __u32 *ipv6 = (const __u32 *)cell->ipv6;

	if (view->family == 4)
		return cell->ipv4 == view->from.word[3];
	return ipv6[3] == view->from.word[3] && ipv6[2] == view->from.word[2] &&
	       ipv6[1] == view->from.word[1] && ipv6[0] == view->from.word[0];
}

/* Remember the last addresses; a store only when they change keeps the line clean. */
static __always_inline void sp_usage_address(struct sp_usage *cell, const struct sp_view *view)
{
	if (!view->family || sp_usage_knows(cell, view))
		return;
	if (view->family == 4) {
		cell->ipv4 = view->from.word[3];
		return;
	}
	/* fe80::/10 says nothing about where the client is reached. */
	if ((view->from.word[0] & bpf_htonl(0xffc00000)) != bpf_htonl(0xfe800000))
		__builtin_memcpy(cell->ipv6, &view->from, sizeof(view->from));
}

static __always_inline void sp_usage_up(struct sp_usage *cell, const struct sp_view *view,
                                        __u64 now)
{
	__sync_fetch_and_add(&cell->up_packets, view->packets);
	__sync_fetch_and_add(&cell->up_bytes, view->bytes);
	if (cell->up_last != now)
		cell->up_last = now;
}

static __always_inline void sp_usage_down(struct sp_usage *cell, const struct sp_view *view,
                                          __u64 now)
{
	__sync_fetch_and_add(&cell->down_packets, view->packets);
	__sync_fetch_and_add(&cell->down_bytes, view->bytes);
	if (cell->down_last != now)
		cell->down_last = now;
}

#endif
