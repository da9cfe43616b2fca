/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>

#include "lib/netlink.h"
#include "lib/netlink_request.h"

struct search {
	const uint8_t *mac;
	struct sp_address *list;
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

static bool is_wanted(const struct search *search, const struct neighbour *neighbour)
{
	return neighbour->address && neighbour->mac &&
	       mnl_attr_get_payload_len(neighbour->mac) == 6 &&
	       !memcmp(mnl_attr_get_payload(neighbour->mac), search->mac, 6);
}

static int on_neighbour(const struct nlmsghdr *message, void *context)
{
	struct neighbour neighbour = {.address = NULL};
	struct search *search = context;

	mnl_attr_parse(message, sizeof(struct ndmsg), take, &neighbour);
	if (is_wanted(search, &neighbour) && search->count < search->room)
		sp_netlink_address(&search->list[search->count++], neighbour.address);
	return MNL_CB_OK;
}

int sp_netlink_neighbours(const uint8_t mac[6], struct sp_address *list, unsigned room,
                          struct sp_error *err)
{
	struct search search = {.mac = mac, .list = list, .room = room};
	struct sp_netlink netlink;
	struct nlmsghdr *message;
	int code = sp_netlink_open(&netlink, err);

	if (code)
		return code;
	message = sp_netlink_begin(&netlink, RTM_GETNEIGH, NLM_F_DUMP);
	mnl_nlmsg_put_extra_header(message, sizeof(struct ndmsg));
	code = sp_netlink_send(&netlink, on_neighbour, &search);
	if (code)
		sp_fail(err, code, SP_EXIT_FAILED, "cannot list the neighbours: %s",
		        sp_netlink_reason(&netlink, code));
	sp_netlink_close(&netlink);
	return code ? code : (int)search.count;
}
