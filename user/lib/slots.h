/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots are the dense numbers that stand for clients in `usage`: one bit of the map `slots` for
 * each, so that finding a free one costs a scan of words and no system call. For callers that hold
 * the lock of the instance.
 */
#ifndef SP_LIB_SLOTS_H
#define SP_LIB_SLOTS_H

#include <stdint.h>

#include "lib/maps.h"

/* Take a free slot, searched from near @hint on (any number). 0, or -ENOSPC when all are taken. */
int sp_slots_take(const struct sp_maps *maps, uint32_t hint, uint32_t *slot);

/* Give @slot back; one out of range is passed over. */
void sp_slots_release(const struct sp_maps *maps, uint32_t slot);

/* How many are taken. */
uint32_t sp_slots_used(const struct sp_maps *maps);

/* Make `slots` equal to @used (SP_SLOT_WORDS words). Returns how many slots were given back. */
int sp_slots_replace(const struct sp_maps *maps, const uint64_t *used);

#endif
