/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/netlink.h"

struct search {
	struct sp_vlan_device *list;
	unsigned room, count;
	bool full;
};

static void take(const struct sp_interface *interface, void *context)
{
	struct search *search = context;

	/* One whose lower interface is in another namespace has none. */
	if (strcmp(interface->kind, "vlan") != 0 || !interface->lower)
		return;
	for (unsigned i = 0; i < search->count; i++)
		if (search->list[i].ifindex == interface->ifindex)
			return;
	if (search->count == search->room) {
		search->full = true;
		return;
	}
	search->list[search->count++] = (struct sp_vlan_device){
		.ifindex = interface->ifindex,
		.lower = interface->lower,
		.vlan = interface->vlan,
		.protocol = interface->vlan_protocol,
	};
}

int sp_netlink_vlans(struct sp_vlan_device *list, unsigned room, struct sp_error *err)
{
	struct search search = {.list = list, .room = room};
	int code = sp_netlink_each(take, &search, err);

	if (code)
		return code;
	if (search.full)
		return sp_fail(err, -ENOSPC, SP_EXIT_FAILED,
		               "this network namespace has more than %u VLAN interfaces, the most "
		               "that is supported",
		               room);
	return (int)search.count;
}
