/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/address.h"

#include <errno.h>
#include <string.h>

#include "lib/gateway.h"

int sp_address_portal(const struct sp_config *config, struct sp_address list[SP_MAX_ADDRESSES],
                      struct sp_error *err)
{
	struct sp_address own[SP_MAX_ADDRESSES];
	int own_count, count = 0;

	if (config->portal_count) {
		memcpy(list, config->portal, config->portal_count * sizeof(*list));
		return (int)config->portal_count;
	}
	own_count = sp_gateway_addresses(config, own, err);
	if (own_count < 0)
		return own_count;
	for (int i = 0; i < own_count; i++)
		if (!sp_address_is_link_local(&own[i]))
			list[count++] = own[i];
	if (!count)
		return sp_fail(err, -EADDRNOTAVAIL, SP_EXIT_FAILED,
		               "the client interfaces have no address for the portal; give them "
		               "one, or set `listen` in [portal]");
	return count;
}
