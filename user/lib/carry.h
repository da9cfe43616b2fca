/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From maps of one layout to those of another, while packets flow: for an `up` of another version,
 * or with another max_clients. Under the lock of the instance:
 *
 *   begin   the new maps get what the old ones hold; they are pinned, with the new programs, in a
 *           second directory, and the two directories change places
 *   (the hooks are switched to the new programs, each in one step)
 *   finish  what the old programs counted since the copy is added; the old maps go
 *
 * A process killed in between leaves one directory that is complete: before the exchange the old
 * one, with the second one to be thrown away; after it the new one, in which the pin `base` says
 * that counters are still to be carried over, which the next `up` does.
 *
 * What becomes of each map whose layout has changed:
 *
 *   clients settings garden4 garden6 garden_names egress vlans ports zones  carried over
 *   usage                                  carried over, to the last packet
 *   slots                                  made anew from `clients`
 *   reasons                                begins at zero, and gets all of the old one at the end
 *   origins captures guests queries        carried over, and again what came meanwhile
 *   budgets garden_seen                    carried over; what they learn meanwhile is forgotten
 *   answers events flooders flows flow_tags
 *   scratch guests_seen
 *   locks listeners                        begun anew
 *
 * Members of the same name keep their values (lib/layout.h).
 */
#ifndef SP_LIB_CARRY_H
#define SP_LIB_CARRY_H

#include <stdbool.h>
#include <stdint.h>

#include <sallyport/carry.h>

#include "lib/config.h"
#include "lib/error.h"
#include "lib/instance.h"
#include "lib/objects.h"

/* Of one `up`. */
struct sp_carry {
	struct sp_instance instance, beside;
	const struct sp_objects *objects;
	int lock;       /* of the directory that was beside; -1: none */
	bool exchanged; /* the directories have changed places */
};

/*
 * Fill the new maps of @objects, loaded for @config, from those that @instance has pinned, and
 * exchange the directories. 0 or negative errno: then nothing has changed. sp_carry_finish or
 * sp_carry_undo has to follow, then sp_carry_end; the latter in any case.
 */
int sp_carry_begin(struct sp_carry *carry, const struct sp_instance *instance,
                   const struct sp_objects *objects, const struct sp_config *config,
                   struct sp_error *err);

/*
 * All hooks run the new programs: add what was counted in old maps, and remove them. Also for an
 * earlier `up` that did not come so far; nothing to do is fine. 0 or negative errno.
 */
int sp_carry_finish(const struct sp_instance *instance, struct sp_error *err);

/* All hooks run the old programs again: the way back, as far as there is one. */
void sp_carry_undo(struct sp_carry *carry);

/* Give up the lock. A zeroed struct is fine. */
void sp_carry_end(struct sp_carry *carry);

#endif
