/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generic netlink: families are known by name and have a number that is given out at run time. */
#include <errno.h>
#include <linux/genetlink.h>

#include "lib/netlink_request.h"

static int take_family(const struct nlattr *attribute, void *context)
{
	uint16_t *family = context;

	if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID)
		*family = mnl_attr_get_u16(attribute);
	return MNL_CB_OK;
}

static int on_family(const struct nlmsghdr *message, void *context)
{
	mnl_attr_parse(message, sizeof(struct genlmsghdr), take_family, context);
	return MNL_CB_OK;
}

struct nlmsghdr *sp_netlink_begin_generic(struct sp_netlink *netlink, uint16_t family,
                                          uint8_t command, uint16_t flags)
{
	struct nlmsghdr *message = sp_netlink_begin(netlink, family, flags);
	struct genlmsghdr *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->cmd = command;
	header->version = 1;
	return message;
}

int sp_netlink_family(struct sp_netlink *netlink, const char *name, uint16_t *family)
{
	int code;

	*family = 0;
	mnl_attr_put_strz(sp_netlink_begin_generic(netlink, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0),
	                  CTRL_ATTR_FAMILY_NAME, name);
	code = sp_netlink_send(netlink, on_family, family);
	return code || *family ? code : -ENOENT;
}
