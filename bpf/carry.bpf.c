// SPDX-License-Identifier: GPL-2.0-only
/*
 * Theory of operation: when the layout of `usage` changes, `up` copies its cells into a new map and
 * switches the hooks to programs that count there. What the old programs have counted between the
 * copy and the switch is in the old cells only; `up` runs this program once for each of those
 * (BPF_PROG_TEST_RUN), because `usage` is written by BPF alone. Of type tc, since those that user
 * space runs otherwise (syscall) may take no spin lock.
 */
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include <sallyport/carry.h>

#include "generation.h"
#include "maps.h"

/* Where a cell has what. Only these constants know its layout. */
const volatile struct sp_carry_places sp_places = {};

#define SP_AT(type, cell, offset) ((volatile type *)((__u8 *)(cell) + (offset)))

/* The first packet of the session was counted in the old cell: begin here as sp_usage_begin. */
static __always_inline void sp_carry_begin(struct sp_lock *lock, void *cell,
                                           const volatile struct sp_carry_side_places *at,
                                           const struct sp_carry_side *more, bool up)
{
	bpf_spin_lock(&lock->lock);
	if (sp_is_newer(more->generation, *SP_AT(__u32, cell, at->generation))) {
		sp_clear((__u64 *)SP_AT(__u64, cell, at->packets));
		sp_clear((__u64 *)SP_AT(__u64, cell, at->bytes));
		*SP_AT(__u64, cell, at->first) = more->first;
		*SP_AT(__u64, cell, at->last) = more->last;
		*SP_AT(__u64, cell, at->credit) = 0;
		if (up) {
			*SP_AT(__u32, cell, sp_places.ipv4) = 0;
			*SP_AT(__u64, cell, sp_places.ipv6) = 0;
			*SP_AT(__u64, cell, sp_places.ipv6 + 8) = 0;
			*SP_AT(__u32, cell, sp_places.bound) = 0;
			*SP_AT(__u32, cell, sp_places.told) = 0;
		}
		__sync_lock_test_and_set(SP_AT(__u32, cell, at->generation), more->generation);
	}
	bpf_spin_unlock(&lock->lock);
}

/* Whether the cell is of the session now. */
static __always_inline bool sp_carry_side(struct sp_lock *lock, void *cell,
                                          const volatile struct sp_carry_side_places *at,
                                          const struct sp_carry_side *more, bool up)
{
	if (!more->generation)
		return false;
	sp_carry_begin(lock, cell, at, more, up);
	/* A session after it has begun in this slot meanwhile. */
	if (*SP_AT(__u32, cell, at->generation) != more->generation)
		return false;
	__sync_fetch_and_add(SP_AT(__u64, cell, at->packets), more->packets);
	__sync_fetch_and_add(SP_AT(__u64, cell, at->bytes), more->bytes);
	if (*SP_AT(__u64, cell, at->first) > more->first)
		*SP_AT(__u64, cell, at->first) = more->first;
	if (*SP_AT(__u64, cell, at->last) < more->last)
		*SP_AT(__u64, cell, at->last) = more->last;
	return true;
}

/* What the new programs have not learnt by themselves. */
static __always_inline void sp_carry_addresses(void *cell, const struct sp_carry_more *more)
{
	const __u64 *ipv6 = (const __u64 *)more->ipv6;

	if (more->bound)
		__sync_val_compare_and_swap(SP_AT(__u32, cell, sp_places.bound), 0, more->bound);
	if (!*SP_AT(__u32, cell, sp_places.ipv4))
		*SP_AT(__u32, cell, sp_places.ipv4) = more->ipv4;
	if (*SP_AT(__u64, cell, sp_places.ipv6) || *SP_AT(__u64, cell, sp_places.ipv6 + 8))
		return;
	*SP_AT(__u64, cell, sp_places.ipv6) = ipv6[0];
	*SP_AT(__u64, cell, sp_places.ipv6 + 8) = ipv6[1];
}

SEC("tc")
int sallyport_carry(struct __sk_buff *skb)
{
	const struct sp_carry_more *more = (void *)(long)skb->data + SP_CARRY_HEADER;
	struct sp_lock *lock;
	__u32 slot, number;
	void *cell;

	if ((void *)(more + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	slot = more->slot;
	number = slot % SP_LOCKS;
	cell = bpf_map_lookup_elem(&usage, &slot);
	lock = bpf_map_lookup_elem(&locks, &number);
	if (!cell || !lock)
		return TC_ACT_SHOT;
	if (sp_carry_side(lock, cell, &sp_places.up, &more->up, true))
		sp_carry_addresses(cell, more);
	sp_carry_side(lock, cell, &sp_places.down, &more->down, false);
	return TC_ACT_OK;
}

/* Counters of one reason, which begin at zero in a new map, get those of the old one. */
SEC("tc")
int sallyport_carry_reason(struct __sk_buff *skb)
{
	const struct sp_count *more = (void *)(long)skb->data + SP_CARRY_HEADER;
	__u32 number;
	void *count;

	if ((void *)(more + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	number = more->reason;
	count = bpf_map_lookup_elem(&reasons, &number);
	if (!count)
		return TC_ACT_SHOT;
	__sync_fetch_and_add(SP_AT(__u64, count, sp_places.count_packets), more->packets);
	__sync_fetch_and_add(SP_AT(__u64, count, sp_places.count_bytes), more->bytes);
	*SP_AT(__u32, count, sp_places.count_reason) = more->reason;
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
