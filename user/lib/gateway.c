/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/gateway.h"

#include <errno.h>
#include <string.h>

#include "lib/address.h"
#include "lib/netlink.h"

struct own {
	struct sp_address *list;
	unsigned count;
};

static int too_many(struct sp_error *err)
{
	return sp_fail(err, -ENOSPC, SP_EXIT_FAILED,
	               "the client interfaces and the VLAN interfaces on them have more than %u "
	               "addresses, the most that the datapath knows as the gateway's own: remove "
	               "some",
	               SP_MAX_ADDRESSES);
}

static int add(struct own *own, uint32_t ifindex, struct sp_error *err)
{
	struct sp_address found[SP_MAX_ADDRESSES];
	int count = sp_netlink_addresses(ifindex, found, SP_MAX_ADDRESSES, err);

	if (count == -ENOSPC)
		return too_many(err);
	for (int i = 0; i < count; i++) {
		if (sp_address_listed(own->list, own->count, &found[i]))
			continue;
		if (own->count == SP_MAX_ADDRESSES)
			return too_many(err);
		own->list[own->count++] = found[i];
	}
	return count < 0 ? count : 0;
}

/* Those of the VLAN interfaces on @ifindex, and of those on them: their frames come by there. */
static int add_vlans(struct own *own, uint32_t ifindex, struct sp_error *err)
{
	static struct sp_vlan_device all[SP_VLAN_DEVICES];
	static uint32_t lower[SP_VLAN_DEVICES + 1];
	int code, count = sp_netlink_vlans(all, SP_VLAN_DEVICES, err);
	unsigned found = 1;

	lower[0] = ifindex;
	for (unsigned next = 0; next < found; next++) {
		for (int i = 0; i < count; i++) {
			if (all[i].lower != lower[next])
				continue;
			lower[found++] = all[i].ifindex;
			code = add(own, all[i].ifindex, err);
			if (code)
				return code;
		}
	}
	return count < 0 ? count : 0;
}

static int add_all(struct own *own, uint32_t ifindex, struct sp_error *err)
{
	int code = add(own, ifindex, err);

	return code ? code : add_vlans(own, ifindex, err);
}

int sp_gateway_addresses_at(uint32_t ifindex, struct sp_address list[SP_MAX_ADDRESSES],
                            struct sp_error *err)
{
	struct own own = {.list = list};
	int code = add_all(&own, ifindex, err);

	return code ? code : (int)own.count;
}

int sp_gateway_addresses(const struct sp_config *config, struct sp_address list[SP_MAX_ADDRESSES],
                         struct sp_error *err)
{
	struct own own = {.list = list};
	struct sp_interface interface;

	for (unsigned i = 0; i < config->client_count; i++) {
		int code = sp_netlink_link(config->client[i], &interface, err);

		if (code == -ENODEV)
			continue;
		if (!code)
			code = add_all(&own, interface.ifindex, err);
		if (code)
			return code;
	}
	return (int)own.count;
}
