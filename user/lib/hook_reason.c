/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a driver refuses an XDP program. bpf_link_create gives an error number only; the same request
 * by netlink comes back with the driver's own words.
 */
#include "lib/hook.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "lib/netlink_request.h"

/* @program_fd -1: detach. */
static int set_xdp(struct sp_netlink *netlink, uint32_t ifindex, int program_fd, uint32_t flags)
{
	struct nlmsghdr *message = sp_netlink_begin(netlink, RTM_SETLINK, 0);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	struct nlattr *xdp;

	info->ifi_index = (int)ifindex;
	xdp = mnl_attr_nest_start(message, IFLA_XDP);
	mnl_attr_put(message, IFLA_XDP_FD, sizeof(program_fd), &program_fd);
	mnl_attr_put_u32(message, IFLA_XDP_FLAGS, flags);
	mnl_attr_nest_end(message, xdp);
	return sp_netlink_send(netlink, NULL, NULL);
}

void sp_hook_reason(uint32_t ifindex, uint32_t mode_flag, int program_fd, int refused, char *reason,
                    size_t size)
{
	struct sp_netlink netlink;
	int code;

	snprintf(reason, size, "%s", strerror(-refused));
	if (sp_netlink_open(&netlink, NULL))
		return;
	code = set_xdp(&netlink, ifindex, program_fd, mode_flag | XDP_FLAGS_UPDATE_IF_NOEXIST);
	if (!code)
		set_xdp(&netlink, ifindex, -1, mode_flag);
	else
		snprintf(reason, size, "%s", sp_netlink_reason(&netlink, code));
	sp_netlink_close(&netlink);
}
