/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the children say. */
#ifndef SP_KEEPER_HEAR_H
#define SP_KEEPER_HEAR_H

#include "keeper/child.h"
#include "keeper/state.h"

/* The socket of @child is readable: take what has come, not without end. A child that breaks the
 * protocol, or does not take its answers, is stopped. */
void sp_hear(struct sp_keeper *keeper, struct sp_child *child);

#endif
