/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who floods right now: a small memory of each CPU, in front of `clients` and `guests`. A cell says
 * that in this very jiffy its client was not in `clients`, and which of its budgets were used up.
 * Budgets go by jiffies, so they stay used up until the next one: for so long, and never longer, a
 * packet that has to be paid for by one of them is refused without a look at either map.
 *
 * So somebody who is let in, by whatever writes `clients`, or whom the garden is opened for, has to
 * wait for a jiffy at most; and a flood costs two look-ups a jiffy, and not two a packet.
 */
#ifndef SP_BPF_FLOODER_H
#define SP_BPF_FLOODER_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "alike.h"
#include "crowd.h"
#include "hash.h"
#include "maps.h"

/* The cell for a client, whoever is in it. */
static __always_inline struct sp_flooder *sp_flooder_cell(struct sp_flooders *all, __u64 client)
{
	return &all->cell[sp_hash(client) >> (64 - SP_FLOODER_BITS)];
}

/* The cell of who sent the frame, if that has been noted in this jiffy, @now; else NULL. */
static __always_inline struct sp_flooder *sp_flooder_find(struct sp_flooders *all, const void *at,
                                                          const void *end, __u64 now)
{
	const struct sp_ethernet *ethernet = at;
	const struct sp_vlan_tag *tag = (const void *)(ethernet + 1);
	struct sp_flooder *cell;
	__u64 client;
	__u16 vlan = 0;

	if ((const void *)(tag + 1) > end)
		return NULL;
	if (ethernet->ethertype == bpf_htons(ETH_P_8021Q))
		vlan = bpf_ntohs(tag->control) & 0x0fff;
	client = sp_key_word(ethernet->source, vlan);
	cell = sp_flooder_cell(all, client);
	/* Or clang would compute it anew for each member. */
	barrier_var(cell);
	return cell->client == client && cell->jiffy == now ? cell : NULL;
}

/* Bring what the cell has counted to its client. */
static __always_inline void sp_flooder_settle(struct sp_flooder *cell)
{
	struct sp_client_key key;
	struct sp_guest *guest;

	if (!cell->refused)
		return;
	*(__u32 *)key.mac = (__u32)cell->client;
	((__u16 *)key.mac)[2] = (__u16)(cell->client >> 32);
	key.vlan = (__u16)(cell->client >> 48);
	guest = bpf_map_lookup_elem(&guests, &key);
	if (guest)
		__sync_fetch_and_add(&guest->refused, cell->refused);
	cell->refused = 0;
}

/* Note that the client, which is not in `clients`, has used up a budget; @what: enum sp_flood. */
static __always_inline struct sp_flooder *sp_flooder_note(const struct sp_client_key *key,
                                                          __u32 what, __u64 now)
{
	__u64 client = sp_client_word(key);
	struct sp_flooders *all = sp_flooders_here();
	struct sp_flooder *cell;

	if (!all)
		return NULL;
	cell = sp_flooder_cell(all, client);
	if (cell->client != client || cell->jiffy != now) {
		sp_flooder_settle(cell);
		cell->client = client;
		cell->jiffy = now;
		cell->spent = 0;
		cell->last.length = 0;
	}
	cell->spent |= (__u8)(1u << what);
	all->jiffy = now;
	return cell;
}

#endif
