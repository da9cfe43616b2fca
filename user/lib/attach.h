/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Choosing how the programs are attached to an interface: the best way that works, or the one that
 * the configuration demands.
 */
#ifndef SP_LIB_ATTACH_H
#define SP_LIB_ATTACH_H

#include <stdbool.h>

#include "lib/change.h"
#include "lib/config.h"
#include "lib/objects.h"
#include "lib/record.h"

/*
 * Bring the hook of @change to what @config wants, with the program of @objects for it, and say in
 * @why why it is not the best mode. @same_wish: the configuration wanted the same when the present
 * mode was chosen, which then stays, and @why with it.
 */
int sp_attach(struct sp_change *change, const struct sp_config *config,
              const struct sp_objects *objects, bool same_wish, char why[SP_WHY],
              struct sp_error *err);

#endif
