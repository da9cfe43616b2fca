/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counting: why packets went where they went (`reasons`), and what each client used (`usage`).
 */
#ifndef SP_BPF_COUNT_H
#define SP_BPF_COUNT_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

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

/*
 * Who may clear a direction of a reused cell for @generation: the CPU that moves the claim, and
 * only when the clearing before it was finished. Nobody waits: the winner has read the counters
 * before it moved the claim and takes that much away, the others add once they see the claim moved,
 * so what they add stays. (A bpf_spin_lock would do, but a map that holds one cannot be mmapped.)
 */
static __always_inline bool sp_usage_claim(__u32 *claim, const __u32 *published, __u32 generation)
{
	__u32 seen = *(volatile __u32 *)claim;

	return seen != generation && seen == *(const volatile __u32 *)published &&
	       __sync_val_compare_and_swap(claim, seen, generation) == seen;
}

/* Begin with zero when the cell belonged to an earlier session. The generation is published last;
 * the atomic exchange is the barrier. True for the one packet that does it. */
static __always_inline bool sp_usage_enter_up(struct sp_usage *cell, __u32 generation, __u64 now)
{
	__u64 packets, bytes;

	if (cell->up_generation == generation)
		return false;
	packets = *(volatile __u64 *)&cell->up_packets;
	bytes = *(volatile __u64 *)&cell->up_bytes;
	if (!sp_usage_claim(&cell->up_claim, &cell->up_generation, generation))
		return false;
	__sync_fetch_and_add(&cell->up_packets, -packets);
	__sync_fetch_and_add(&cell->up_bytes, -bytes);
	cell->ipv4 = 0;
	__builtin_memset(cell->ipv6, 0, sizeof(cell->ipv6));
	cell->up_first = now;
	cell->up_last = now;
	cell->up_credit = 0;
	cell->bound = 0;
	__sync_lock_test_and_set(&cell->up_generation, generation);
	return true;
}

static __always_inline void sp_usage_enter_down(struct sp_usage *cell, __u32 generation, __u64 now)
{
	__u64 packets, bytes;

	if (cell->down_generation == generation)
		return;
	packets = *(volatile __u64 *)&cell->down_packets;
	bytes = *(volatile __u64 *)&cell->down_bytes;
	if (!sp_usage_claim(&cell->down_claim, &cell->down_generation, generation))
		return;
	__sync_fetch_and_add(&cell->down_packets, -packets);
	__sync_fetch_and_add(&cell->down_bytes, -bytes);
	cell->down_first = now;
	cell->down_last = now;
	cell->down_credit = 0;
	__sync_lock_test_and_set(&cell->down_generation, generation);
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
