/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>

#include "lib/netlink.h"
#include "lib/netlink_request.h"

struct search {
	struct sp_vlan_device *list;
	unsigned room, count;
};

/* One interface of the dump. */
struct found {
	struct sp_vlan_device device;
	bool is_vlan, is_elsewhere;
};

static int take_tag(const struct nlattr *attribute, void *context)
{
	struct found *found = context;

	if (mnl_attr_get_type(attribute) == IFLA_VLAN_ID)
		found->device.vlan = mnl_attr_get_u16(attribute);
	else if (mnl_attr_get_type(attribute) == IFLA_VLAN_PROTOCOL)
		found->device.protocol = mnl_attr_get_u16(attribute);
	return MNL_CB_OK;
}

/* The kernel writes the kind before the data, which means something else for every kind. */
static int take_info(const struct nlattr *attribute, void *context)
{
	struct found *found = context;

	if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
		found->is_vlan = !strcmp(mnl_attr_get_str(attribute), "vlan");
	else if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA && found->is_vlan)
		mnl_attr_parse_nested(attribute, take_tag, found);
	return MNL_CB_OK;
}

static int take(const struct nlattr *attribute, void *context)
{
	struct found *found = context;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_LINK:
		found->device.lower = mnl_attr_get_u32(attribute);
		break;
	case IFLA_LINK_NETNSID: /* its lower interface is in another namespace */
		found->is_elsewhere = true;
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(attribute, take_info, found);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *message, void *context)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct found found = {.device = {.ifindex = (uint32_t)info->ifi_index}};
	struct search *search = context;

	mnl_attr_parse(message, sizeof(*info), take, &found);
	if (!found.is_vlan || found.is_elsewhere)
		return MNL_CB_OK;
	for (unsigned i = 0; i < search->count; i++)
		if (search->list[i].ifindex == found.device.ifindex)
			return MNL_CB_OK;
	if (search->count == search->room) {
		errno = ENOSPC;
		return MNL_CB_ERROR;
	}
	search->list[search->count++] = found.device;
	return MNL_CB_OK;
}

int sp_netlink_vlans(struct sp_vlan_device *list, unsigned room, struct sp_error *err)
{
	struct search search = {.list = list, .room = room};
	struct sp_netlink netlink;
	int code = sp_netlink_open(&netlink, err);

	if (code)
		return code;
	mnl_nlmsg_put_extra_header(sp_netlink_begin(&netlink, RTM_GETLINK, NLM_F_DUMP),
	                           sizeof(struct ifinfomsg));
	code = sp_netlink_send(&netlink, on_link, &search);
	if (code == -ENOSPC)
		sp_fail(err, code, SP_EXIT_FAILED,
		        "this network namespace has more than %u VLAN interfaces, the most that "
		        "is supported",
		        room);
	else if (code)
		sp_fail(err, code, SP_EXIT_FAILED, "cannot read the VLAN interfaces: %s",
		        sp_netlink_reason(&netlink, code));
	sp_netlink_close(&netlink);
	return code ? code : (int)search.count;
}
