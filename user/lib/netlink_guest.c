/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/netlink_guest.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "lib/netlink_request.h"

int sp_netlink_guest(uint32_t ifindex, uint32_t address, const uint8_t mac[6], bool there)
{
	struct sp_netlink netlink;
	struct nlmsghdr *message;
	struct ndmsg *info;
	int code = sp_netlink_open(&netlink, NULL);

	if (code)
		return code;
	message = sp_netlink_begin(&netlink, there ? RTM_NEWNEIGH : RTM_DELNEIGH,
	                           there ? NLM_F_CREATE | NLM_F_EXCL : 0);
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ndm_family = AF_INET;
	info->ndm_ifindex = (int)ifindex;
	/* Not permanent: should we be killed, the kernel forgets it by itself. */
	info->ndm_state = NUD_REACHABLE;
	mnl_attr_put(message, NDA_DST, sizeof(address), &address);
	if (there)
		mnl_attr_put(message, NDA_LLADDR, 6, mac);
	code = sp_netlink_send(&netlink, NULL, NULL);
	sp_netlink_close(&netlink);
	return code;
}
