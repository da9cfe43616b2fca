/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walled garden in the maps, which are the truth: every change reads them, works it out in
 * memory (garden_set.h) and writes the difference, all under the lock of the instance.
 */
#ifndef SP_LIB_GARDEN_H
#define SP_LIB_GARDEN_H

#include <sallyport/abi.h>

#include "lib/error.h"
#include "lib/garden_entry.h"
#include "lib/garden_set.h"
#include "lib/maps.h"

/* Descriptors; nothing is owned. */
struct sp_garden_maps {
	int garden4, garden6, seen, names, settings;
};

struct sp_garden_maps sp_garden_maps_of(const struct sp_maps *maps);

/* Read everything into @set, which is empty or is emptied. Under the lock, or what is read may be
 * half changed. 0 or negative errno; sp_garden_set_free in either case. */
int sp_garden_read(struct sp_garden_set *set, const struct sp_garden_maps *maps,
                   struct sp_error *err);

/* Write what has changed in @set, under the lock. After an error the maps are as before as far as
 * the kernel let us. */
int sp_garden_write(struct sp_garden_set *set, const struct sp_garden_maps *maps,
                    struct sp_error *err);

/* When the prefix with @slot was last used, and how often. */
int sp_garden_use(const struct sp_garden_maps *maps, uint32_t slot, struct sp_garden_seen *seen,
                  struct sp_error *err);

/* The operator's changes, each under the lock. Nothing is changed after an error. */
int sp_garden_add(const struct sp_maps *maps, const struct sp_garden_entry *entry,
                  struct sp_error *err);

/* @all: whatever is open of the target; else the rules of @entry. */
int sp_garden_remove(const struct sp_maps *maps, const struct sp_garden_entry *entry, bool all,
                     struct sp_error *err);

/* Have the entries of the configuration that are in @list, and no others of it; those of the
 * command line stay. The caller holds the lock. */
int sp_garden_configure(const struct sp_garden_maps *maps, const struct sp_garden_entry *list,
                        unsigned count, struct sp_error *err);

#endif
