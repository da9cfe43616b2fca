/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a driver can do with XDP, as the generic netlink family "netdev" tells from Linux 6.3 on.
 * Numbers of include/uapi/linux/netdev.h, which is newer than the headers of Debian 12.
 */
#include <linux/genetlink.h>

#include "lib/netlink.h"
#include "lib/netlink_request.h"

#define DEV_GET          1  /* NETDEV_CMD_DEV_GET */
#define DEV_IFINDEX      1  /* NETDEV_A_DEV_IFINDEX */
#define DEV_XDP_FEATURES 3  /* NETDEV_A_DEV_XDP_FEATURES */
#define BASIC            1  /* NETDEV_XDP_ACT_BASIC */
#define NDO_XMIT         4  /* NETDEV_XDP_ACT_NDO_XMIT */
#define RX_SG            32 /* NETDEV_XDP_ACT_RX_SG */

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

/* NETDEV_XDP_ACT_* of interface @ifindex. */
static int read_features(uint32_t ifindex, uint64_t *features)
{
	struct sp_netlink netlink;
	uint16_t family;
	int code = sp_netlink_open_generic(&netlink, NULL);

	if (code)
		return code;
	*features = 0;
	code = sp_netlink_family(&netlink, "netdev", &family);
	if (!code) {
		mnl_attr_put_u32(sp_netlink_begin_generic(&netlink, family, DEV_GET, 0),
		                 DEV_IFINDEX, ifindex);
		code = sp_netlink_send(&netlink, on_features, features);
	}
	sp_netlink_close(&netlink);
	return code;
}

static int has_feature(uint32_t ifindex, uint64_t feature)
{
	uint64_t features;
	int code = read_features(ifindex, &features);

	return code ? code : (features & feature) != 0;
}

int sp_netlink_redirects(uint32_t ifindex)
{
	return has_feature(ifindex, NDO_XMIT);
}

int sp_netlink_native(uint32_t ifindex)
{
	return has_feature(ifindex, BASIC);
}

int sp_netlink_fragments(uint32_t ifindex)
{
	return has_feature(ifindex, RX_SG);
}
