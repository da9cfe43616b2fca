/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How responders and portal are to meet the clients of each zone. */
#ifndef SP_KEEPER_SETUP_ZONE_H
#define SP_KEEPER_SETUP_ZONE_H

#include "keeper/setup.h"

/*
 * Fill the zones of the portal's setup, and those of the responders' that differ; @list has the
 * @count addresses that the portal listens at (at least 1). 0 or negative errno.
 */
int sp_setup_zones(struct sp_setup *setup, const struct sp_config *config,
                   const struct sp_address *list, unsigned count, struct sp_error *err);

#endif
