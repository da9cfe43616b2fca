/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a driver can do with XDP, as the generic netlink family "netdev" tells from Linux 6.3 on.
 * Numbers of include/uapi/linux/netdev.h, which is newer than the headers of Debian 12.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>

#include "lib/netlink.h"
#include "lib/netlink_request.h"

#define DEV_GET          1 /* NETDEV_CMD_DEV_GET */
#define DEV_IFINDEX      1 /* NETDEV_A_DEV_IFINDEX */
#define DEV_XDP_FEATURES 3 /* NETDEV_A_DEV_XDP_FEATURES */
#define NDO_XMIT         4 /* NETDEV_XDP_ACT_NDO_XMIT */

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

static int take_features(const struct nlattr *attribute, void *context)
{
	uint64_t *features = context;

	if (mnl_attr_get_type(attribute) == DEV_XDP_FEATURES)
		*features = mnl_attr_get_u64(attribute);
	return MNL_CB_OK;
}

static int on_features(const struct nlmsghdr *message, void *context)
{
	mnl_attr_parse(message, sizeof(struct genlmsghdr), take_features, context);
	return MNL_CB_OK;
}

static struct nlmsghdr *begin(struct sp_netlink *netlink, uint16_t family, uint8_t command)
{
	struct nlmsghdr *message = sp_netlink_begin(netlink, family, 0);
	struct genlmsghdr *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->cmd = command;
	header->version = 1;
	return message;
}

int sp_netlink_redirects(uint32_t ifindex)
{
	struct sp_netlink netlink;
	uint64_t features = 0;
	uint16_t family = 0;
	int code = sp_netlink_open_generic(&netlink, NULL);

	if (code)
		return code;
	mnl_attr_put_strz(begin(&netlink, GENL_ID_CTRL, CTRL_CMD_GETFAMILY), CTRL_ATTR_FAMILY_NAME,
	                  "netdev");
	code = sp_netlink_send(&netlink, on_family, &family);
	if (!code && !family)
		code = -ENOENT;
	if (!code) {
		mnl_attr_put_u32(begin(&netlink, family, DEV_GET), DEV_IFINDEX, ifindex);
		code = sp_netlink_send(&netlink, on_features, &features);
	}
	sp_netlink_close(&netlink);
	return code ? code : (features & NDO_XMIT) != 0;
}
