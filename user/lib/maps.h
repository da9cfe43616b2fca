/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pinned maps of a loaded instance, as every command that is not `up` or `down` sees them.
 */
#ifndef SP_LIB_MAPS_H
#define SP_LIB_MAPS_H

#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/clock.h"
#include "lib/error.h"
#include "lib/instance.h"

struct sp_maps {
	struct sp_instance instance;
	int clients, usage, slots, origins, settings, reasons, listeners; /* file descriptors */
	int clock;            /* the pinned clock program */
	int directory;        /* the pin directory; flock() on it is the lock of every change */
	uint32_t max_clients; /* entries of clients, usage; bits of slots */
	const volatile struct sp_usage *usage_cells; /* read-only mapping of max_clients cells */
	struct sp_settings loaded;
};

/*
 * Open everything below /sys/fs/bpf/INSTANCE. Fails with SP_EXIT_NOT_LOADED when the instance is
 * not loaded, SP_EXIT_PERMISSION without root, SP_EXIT_FAILED when the maps are of another ABI
 * version (the sentence says which and what to do). On failure nothing stays open. 0 or negative
 * errno.
 */
int sp_maps_open(struct sp_maps *maps, const struct sp_instance *instance, struct sp_error *err);

/* Close and unmap. A zeroed or failed struct is fine. */
void sp_maps_close(struct sp_maps *maps);

/* The usage cell of @slot; NULL if the slot is out of range. Fields change under the reader: read
 * each once, and only if its generation is the policy's. */
const volatile struct sp_usage *sp_maps_usage(const struct sp_maps *maps, uint32_t slot);

#endif
