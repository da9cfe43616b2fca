/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keeper goes on being allowed to do. */
#ifndef SP_KEEPER_CAPABILITIES_H
#define SP_KEEPER_CAPABILITIES_H

#include "lib/error.h"

/*
 * Give up every capability that the keeper does not need once everything is open, in all sets, and
 * every way to one (no_new_privs). Before that, the limit of open files becomes what the children
 * need. 0 or negative errno.
 */
int sp_capabilities_keep(struct sp_error *err);

#endif
