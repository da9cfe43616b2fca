/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A zone that gets another number, because the configuration has others in front of it, keeps what
 * the command line has put into its garden. In two steps, so that meanwhile no zone has the garden
 * of another: taken out before the numbers change, put back behind it.
 */
#ifndef SP_LIB_GARDEN_MOVE_H
#define SP_LIB_GARDEN_MOVE_H

#include "lib/garden.h"

/* What was taken out. */
struct sp_garden_moved {
	struct sp_garden_entry *entry; /* target.zone: the number it had */
	unsigned count, room;
	uint32_t to[SP_ZONES]; /* new numbers, by the old ones; SP_ZONES: there is no such zone now
	                        */
};

/*
 * Take out everything of the zones whose number @moved->to changes, which the caller has set; what
 * is learnt is forgotten, it is learnt again. The caller holds the lock. 0 or negative errno;
 * sp_garden_moved_free in either case.
 */
int sp_garden_take_out(const struct sp_garden_maps *maps, struct sp_garden_moved *moved,
                       struct sp_error *err);

/* Put it back under the new numbers, or with @undo under the old ones. */
int sp_garden_put_back(const struct sp_garden_maps *maps, const struct sp_garden_moved *moved,
                       bool undo, struct sp_error *err);

void sp_garden_moved_free(struct sp_garden_moved *moved);

#endif
