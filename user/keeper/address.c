/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/address.h"

#include <errno.h>
#include <string.h>

#include "lib/netlink.h"

/* Append the addresses of @interface to @list. */
static int append(const char *interface, struct sp_address list[SP_MAX_ADDRESSES], unsigned *count,
                  struct sp_error *err)
{
	struct sp_address found[2 * SP_MAX_ADDRESSES];
	struct sp_interface link;
	int ret = sp_netlink_link(interface, &link, err);

	/* Those of one that is missing are served by the next daemon. */
	if (ret)
		return ret == -ENODEV ? 0 : ret;
	ret = sp_netlink_addresses(link.ifindex, found, 2 * SP_MAX_ADDRESSES, err);
	for (int i = 0; i < ret; i++) {
		if (sp_address_is_link_local(&found[i]) ||
		    sp_address_listed(list, *count, &found[i]))
			continue;
		if (*count == SP_MAX_ADDRESSES)
			return sp_fail(err, -ENOSPC, SP_EXIT_FAILED,
			               "the client interfaces have more than %u addresses; choose "
			               "some with `listen` in [portal]",
			               SP_MAX_ADDRESSES);
		list[(*count)++] = found[i];
	}
	return ret < 0 ? ret : 0;
}

int sp_address_portal(const struct sp_config *config, struct sp_address list[SP_MAX_ADDRESSES],
                      struct sp_error *err)
{
	unsigned count = 0;

	if (config->portal_count) {
		memcpy(list, config->portal, config->portal_count * sizeof(*list));
		return (int)config->portal_count;
	}
	for (unsigned i = 0; i < config->client_count; i++) {
		int ret = append(config->client[i], list, &count, err);

		if (ret)
			return ret;
	}
	if (!count)
		return sp_fail(err, -EADDRNOTAVAIL, SP_EXIT_FAILED,
		               "the client interfaces have no address for the portal; give them "
		               "one, or set `listen` in [portal]");
	return (int)count;
}
