/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * More new captive clients at once than SP_BUDGET_GUEST allows, as a flood of random source
 * addresses looks like. That budget goes by jiffies, so each CPU remembers until the jiffy is over
 * that it is used up, and asks `guests` only for those who could be in it: a bucket of that map is
 * a line of memory that no cache has, for each new address.
 *
 * Who could be in it is in `guests_seen`, a Bloom filter in two generations. Each is what entries
 * were made and used while as many were made as half the map holds; the one before still counts, an
 * older one does not. It never says "no" of a client that was heard meanwhile. One that was silent
 * for so long that SP_SEEN_MADE others came has to be paid for like a new one, in a crowd.
 */
#ifndef SP_BPF_CROWD_H
#define SP_BPF_CROWD_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "alike.h"
#include "budget.h"
#include "hash.h"
#include "maps.h"

/* What this CPU knows; never NULL, which the verifier cannot know. */
static __always_inline struct sp_flooders *sp_flooders_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&flooders, &zero);
}

/* Whether this CPU has seen in this jiffy that SP_BUDGET_GUEST is used up. */
static __always_inline bool sp_is_crowd(__u64 now)
{
	const struct sp_flooders *here = sp_flooders_here();

	return here && here->crowd == now;
}

/* Whether SP_BUDGET_GUEST is used up; that is remembered. */
static __always_inline bool sp_crowd_begins(const struct sp_settings *config, __u64 now)
{
	struct sp_flooders *here = sp_flooders_here();

	if (!here || !sp_total_is_spent(&config->total[SP_BUDGET_GUEST], SP_BUDGET_GUEST, now))
		return false;
	if (here->crowd != now)
		here->last.length = 0;
	here->crowd = now;
	here->jiffy = now;
	return true;
}

/* Where a client is in the filter. */
struct sp_seen_place {
	struct sp_seen *cell; /* never NULL */
	__u64 bits;
	__u64 generation;
};

/* @client: sp_client_word(). */
static __always_inline struct sp_seen_place sp_seen_place(__u64 client)
{
	__u64 hash = sp_hash(client);
	__u32 index = (__u32)(hash >> (64 - SP_SEEN_BITS)), guest = SP_BUDGET_GUEST;
	const struct sp_total *total = bpf_map_lookup_elem(&budgets, &guest);

	return (struct sp_seen_place){
		.cell = bpf_map_lookup_elem(&guests_seen, &index),
		/* Two of 56. */
		.bits = 1ull << (hash >> 40 & 31) | 1ull << (24 + (hash >> 32 & 31)),
		.generation = total ? total->made / SP_SEEN_MADE : 0,
	};
}

/* The generation of a word, in its upper byte. */
static __always_inline __u64 sp_seen_stamp(__u64 generation)
{
	return generation << 56;
}

/* Whether all bits are there, and of that generation. */
static __always_inline bool sp_seen_has(__u64 word, __u64 bits, __u64 generation)
{
	return !((~word & bits) | (word ^ sp_seen_stamp(generation)) >> 56);
}

/* Whether the client could be in `guests`. */
static __always_inline bool sp_is_seen(__u64 client)
{
	const struct sp_seen_place place = sp_seen_place(client);
	const __u64 now = place.generation;

	return !place.cell || sp_seen_has(place.cell->word[now & 1], place.bits, now) ||
	       sp_seen_has(place.cell->word[~now & 1], place.bits, now - 1);
}

/*
 * The client is in `guests`. A lost race against another CPU is made up for by its next packet.
 * Always 0. A function of its own, so that its keys are not on the stack while others are called.
 */
__noinline int sp_seen_note(__u64 client)
{
	const struct sp_seen_place place = sp_seen_place(client);
	__u64 *word, old, stamp = sp_seen_stamp(place.generation);

	if (!place.cell)
		return 0;
	word = &place.cell->word[place.generation & 1];
	old = *(volatile __u64 *)word;
	if (sp_seen_has(old, place.bits, place.generation))
		return 0;
	__sync_val_compare_and_swap(word, old, ((old ^ stamp) >> 56 ? stamp : old) | place.bits);
	return 0;
}

/* Whether it is certain that the client has no entry in `guests`, and gets none in this jiffy. */
static __always_inline bool sp_crowd_refuses(const struct sp_client_key *key, __u64 now)
{
	return sp_is_crowd(now) && !sp_is_seen(sp_client_word(key));
}

/* Remember a plain packet that was refused because of a crowd. */
static __always_inline void sp_crowd_note(const void *at, const void *end)
{
	struct sp_flooders *here = sp_flooders_here();

	if (here)
		sp_alike_note(&here->last, at, end, SP_REASON_TOTAL_GUEST);
}

/*
 * The bytes of IP of a packet that is one of a crowd, because it is like the one before it but for
 * who sends it; 0: it has to be judged. `clients` is asked in any case: who paid is never part of
 * it, whatever wrote that entry.
 */
static __always_inline __u32 sp_crowd_again(const struct sp_flooders *here, const void *at,
                                            const void *end)
{
	const struct sp_ethernet *ethernet = at;
	__u32 bytes = sp_alike_any(&here->last, at, end);
	struct sp_client_key key = {};

	if (!bytes)
		return 0;
	__builtin_memcpy(key.mac, ethernet->source, sizeof(key.mac));
	if (sp_judge_source(ethernet->source) || sp_is_own_mac(ethernet->source) ||
	    bpf_map_lookup_elem(&clients, &key) || sp_is_seen(sp_key_word(ethernet->source, 0)))
		return 0;
	return bytes;
}

#endif
