/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/slots.h"

#include <errno.h>

/* The slots that word @index can still give out: the last word may stand for less than 64. */
static uint64_t free_in(const struct sp_maps *maps, uint32_t index)
{
	uint32_t rest = maps->max_clients - index * 64u;
	uint64_t valid = rest >= 64 ? UINT64_MAX : (UINT64_C(1) << rest) - 1;

	return ~maps->slot_words[index] & valid;
}

int sp_slots_take(const struct sp_maps *maps, uint32_t hint, uint32_t *slot)
{
	uint32_t words = SP_SLOT_WORDS(maps->max_clients);
	uint32_t start = hint % maps->max_clients / 64u;

	for (uint32_t i = 0; i < words; i++) {
		uint32_t index = start + i < words ? start + i : start + i - words;
		uint64_t available = free_in(maps, index);
		unsigned bit;

		if (!available)
			continue;
		bit = (unsigned)__builtin_ctzll(available);
		maps->slot_words[index] |= UINT64_C(1) << bit;
		*slot = index * 64u + bit;
		return 0;
	}
	return -ENOSPC;
}

void sp_slots_release(const struct sp_maps *maps, uint32_t slot)
{
	if (slot < maps->max_clients)
		maps->slot_words[slot / 64u] &= ~(UINT64_C(1) << slot % 64u);
}

uint32_t sp_slots_used(const struct sp_maps *maps)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < SP_SLOT_WORDS(maps->max_clients); i++)
		used += (uint32_t)__builtin_popcountll(maps->slot_words[i]);
	return used;
}

int sp_slots_replace(const struct sp_maps *maps, const uint64_t *used)
{
	int given_back = 0;

	for (uint32_t i = 0; i < SP_SLOT_WORDS(maps->max_clients); i++) {
		given_back += __builtin_popcountll(maps->slot_words[i] & ~used[i]);
		maps->slot_words[i] = used[i];
	}
	return given_back;
}
