/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pinned maps of a loaded instance, as every command that is not `up` or `down` sees them.
 */
#ifndef SP_LIB_MAPS_H
#define SP_LIB_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/clock.h"
#include "lib/error.h"
#include "lib/instance.h"

struct sp_gathering;
struct sp_ledger;

struct sp_maps {
	struct sp_instance instance;
	bool remember; /* sessions are to be remembered; false until the owner of these maps says so
	                */
	struct sp_ledger *ledger;                                         /* sp_session_ledger() */
	int clients, usage, slots, origins, settings, reasons, listeners; /* file descriptors */
	int garden4, garden6, garden_seen, garden_names, answers, budgets, zones, zone_names;
	int clock;            /* the pinned clock program */
	int directory;        /* the pin directory; flock() on it is the lock of every change */
	uint32_t max_clients; /* entries of clients, usage; bits of slots */
	const volatile struct sp_usage *usage_cells; /* read-only mapping of max_clients cells; NULL
	                                              * until sp_maps_map_usage */
	uint64_t *slot_words;      /* mapping of `slots`: bit n % 64 of word n / 64 set = n is used;
	                            * changed only under the lock */
	struct sp_settings loaded; /* `settings` when the maps were opened */
	uint64_t full_until;       /* jiffies: until then a full map is not swept again */
	struct sp_gathering *gathering; /* lib/session_gather.h; NULL: none yet */
};

/* Words of `slots` for @max_clients. */
#define SP_SLOT_WORDS(max_clients) (((max_clients) + 63u) / 64u)

/*
 * Open everything below /sys/fs/bpf/INSTANCE. Fails with SP_EXIT_NOT_LOADED when the instance is
 * not loaded, SP_EXIT_PERMISSION without root, SP_EXIT_FAILED when the maps are of another ABI
 * version (the sentence says which and what to do). On failure nothing stays open. 0 or negative
 * errno.
 */
int sp_maps_open(struct sp_maps *maps, const struct sp_instance *instance, struct sp_error *err);

/* Whether these maps are still those of the instance: after `down` they are nobody's, and after an
 * `up` that had to make new ones too. */
bool sp_maps_current(const struct sp_maps *maps);

/* Take the lock of the instance, which serializes every change of the maps by user space. 0 or
 * negative errno; -ESTALE: the maps are not current any more. Taken again through the same @maps it
 * stays the same lock: the first sp_maps_unlock releases it, be it that of a session function
 * called in between. */
int sp_maps_lock(const struct sp_maps *maps, struct sp_error *err);
void sp_maps_unlock(const struct sp_maps *maps);

/* Write one number of `settings`, the 32-bit member at @offset of the struct, under the lock. 0 or
 * negative errno. */
int sp_maps_set(const struct sp_maps *maps, size_t offset, uint32_t value, struct sp_error *err);

/* Close and unmap. A zeroed or failed struct is fine. */
void sp_maps_close(struct sp_maps *maps);

/*
 * Map `usage` into memory, for who reads all of it again and again: without, each cell read is a
 * system call, but the mapping of a million cells takes 9 ms to make, 4 ms to undo, and counts as
 * 128 MB of this process. Again: nothing. 0 or negative errno.
 */
int sp_maps_map_usage(struct sp_maps *maps, struct sp_error *err);

/* What `usage` has of @slot at this moment; false if the slot is out of range or cannot be read.
 * The fields of a direction count only if its generation is the policy's. */
bool sp_maps_usage(const struct sp_maps *maps, uint32_t slot, struct sp_usage *cell);

#endif
