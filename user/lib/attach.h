/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Choosing how the programs are attached to an interface: the best way that works, or the one that
 * the configuration demands.
 */
#ifndef SP_LIB_ATTACH_H
#define SP_LIB_ATTACH_H

#include <stdbool.h>

#include "lib/change.h"
#include "lib/programs.h"
#include "lib/record.h"

/*
 * Have @one say what a crash on the way to attaching it would leave. For the record that is written
 * before.
 */
void sp_attach_foresee(struct sp_record_interface *one);

/*
 * Remember in @change what @kind of the interface @one runs now. -EBUSY when a program of somebody
 * else is where ours is to go. 0 or negative errno.
 */
int sp_attach_begin(struct sp_change *change, const struct sp_instance *instance,
                    struct sp_record_interface *one, enum sp_hook_kind kind, struct sp_error *err);

/*
 * Bring the hook of @change to what was asked for @one, with the program of @programs for it, and
 * say in its `why` why it is not the best mode. @same_wish: the same was asked for when the present
 * mode was chosen, which then stays, and the reason with it.
 */
int sp_attach(struct sp_change *change, struct sp_record_interface *one,
              const struct sp_programs *programs, bool same_wish, struct sp_error *err);

#endif
