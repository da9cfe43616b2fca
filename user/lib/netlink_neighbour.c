/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "lib/netlink.h"
#include "lib/netlink_request.h"

struct table {
	struct sp_neighbour *list;
	unsigned room, count;
};

struct neighbour {
	const struct nlattr *address, *mac;
};

static int take(const struct nlattr *attribute, void *context)
{
	struct neighbour *neighbour = context;

	if (mnl_attr_get_type(attribute) == NDA_DST)
		neighbour->address = attribute;
	else if (mnl_attr_get_type(attribute) == NDA_LLADDR)
		neighbour->mac = attribute;
	return MNL_CB_OK;
}

static int add(struct table *table, const struct neighbour *neighbour)
{
	struct sp_neighbour *added;

	if (table->count == table->room) {
		unsigned room = table->room ? 2 * table->room : 64;
		struct sp_neighbour *more = reallocarray(table->list, room, sizeof(*more));

		if (!more) {
			errno = ENOMEM;
			return MNL_CB_ERROR;
		}
		table->list = more;
		table->room = room;
	}
	added = &table->list[table->count++];
	memcpy(added->mac, mnl_attr_get_payload(neighbour->mac), sizeof(added->mac));
	sp_netlink_address(&added->address, neighbour->address);
	return MNL_CB_OK;
}

static int on_neighbour(const struct nlmsghdr *message, void *context)
{
	struct neighbour neighbour = {.address = NULL};

	mnl_attr_parse(message, sizeof(struct ndmsg), take, &neighbour);
	if (!neighbour.address || !neighbour.mac || mnl_attr_get_payload_len(neighbour.mac) != 6)
		return MNL_CB_OK;
	return add(context, &neighbour);
}

int sp_netlink_neighbours(struct sp_neighbour **list, struct sp_error *err)
{
	struct table table = {.list = NULL};
	struct sp_netlink netlink;
	struct nlmsghdr *message;
	int code = sp_netlink_open(&netlink, err);

	*list = NULL;
	if (code)
		return code;
	message = sp_netlink_begin(&netlink, RTM_GETNEIGH, NLM_F_DUMP);
	mnl_nlmsg_put_extra_header(message, sizeof(struct ndmsg));
	code = sp_netlink_send(&netlink, on_neighbour, &table);
	if (code) {
		sp_fail(err, code, SP_EXIT_FAILED, "cannot list the neighbours: %s",
		        sp_netlink_reason(&netlink, code));
		free(table.list);
	} else {
		*list = table.list;
	}
	sp_netlink_close(&netlink);
	return code ? code : (int)table.count;
}
