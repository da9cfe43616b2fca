/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What RADIUS servers want of the sessions that they gave. */
#ifndef SP_KEEPER_AUTHORITY_H
#define SP_KEEPER_AUTHORITY_H

#include "ipc/radius.h"
#include "lib/maps.h"

/* What became of what they wanted. */
struct sp_authority_counts {
	uint64_t done, refused;
};

/* End the sessions that @change names, or give them the limits that it says; those of RADIUS users
 * only. Fill @changed, all of it. */
void sp_authority_apply(struct sp_maps *maps, const struct sp_ipc_change *change,
                        struct sp_ipc_changed *changed);

#endif
