/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/origin.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

int sp_origin_zone(const struct sp_maps *maps, const struct sp_config *config,
                   const struct sp_ipc_request *request)
{
	struct sp_origin origin;

	if (bpf_map_lookup_elem(maps->origins, &request->origin, &origin) ||
	    memcmp(&origin.client, &request->client, sizeof(origin.client)) != 0)
		return -EPERM;
	/* One that the configuration of this daemon does not know yet. */
	return origin.zone < config->zone_count ? (int)origin.zone : 0;
}
