/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose connection the portal speaks of: the datapath is asked, the portal is not believed. */
#ifndef SP_KEEPER_ORIGIN_H
#define SP_KEEPER_ORIGIN_H

#include "ipc/ipc.h"
#include "lib/config.h"
#include "lib/maps.h"

/*
 * Whether the connection that @request names is its client's. Returns the number of the zone that
 * it came from, as @config has it; -EPERM: it is not, or there is none (any more).
 */
int sp_origin_zone(const struct sp_maps *maps, const struct sp_config *config,
                   const struct sp_ipc_request *request);

#endif
