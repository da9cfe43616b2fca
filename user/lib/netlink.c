/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/netlink_request.h"

/* What a visitor of a dump fills. */
struct listing {
	void *list;
	unsigned count, room;
	uint32_t ifindex;
};

/* The interfaces of this namespace, as many as fit, for an error sentence. */
static void name_interfaces(char *text, size_t size)
{
	struct if_nameindex *all = if_nameindex();
	size_t used = 0;

	text[0] = '\0';
	if (!all)
		return;
	for (struct if_nameindex *one = all; one->if_name; one++) {
		int length =
			snprintf(text + used, size - used, "%s%s", used ? " " : "", one->if_name);

		if (length < 0 || (size_t)length >= size - used) {
			text[used] = '\0';
			break;
		}
		used += (size_t)length;
	}
	if_freenameindex(all);
}

static const char *xdp_mode(uint8_t attached)
{
	switch (attached) {
	case XDP_ATTACHED_DRV:
	case XDP_ATTACHED_MULTI: /* in the driver, and somewhere else besides */
		return "native";
	case XDP_ATTACHED_SKB:
		return "generic";
	case XDP_ATTACHED_HW:
		return "offload";
	default:
		return NULL;
	}
}

static int take_xdp(const struct nlattr *attribute, void *context)
{
	struct sp_interface *interface = context;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_XDP_ATTACHED:
		interface->xdp_mode = xdp_mode(mnl_attr_get_u8(attribute));
		break;
	case IFLA_XDP_PROG_ID:
		interface->xdp_program_id = mnl_attr_get_u32(attribute);
		break;
	case IFLA_XDP_DRV_PROG_ID: /* comes instead of PROG_ID when there are several */
		if (!interface->xdp_program_id)
			interface->xdp_program_id = mnl_attr_get_u32(attribute);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int take_vlan(const struct nlattr *attribute, void *context)
{
	struct sp_interface *interface = context;

	if (mnl_attr_get_type(attribute) == IFLA_VLAN_ID)
		interface->vlan = mnl_attr_get_u16(attribute);
	else if (mnl_attr_get_type(attribute) == IFLA_VLAN_PROTOCOL)
		interface->vlan_protocol = mnl_attr_get_u16(attribute);
	return MNL_CB_OK;
}

/* The kind comes before what only that kind has (rtnl_link_info_fill in the kernel). */
static int take_kind(const struct nlattr *attribute, void *context)
{
	struct sp_interface *interface = context;

	if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
		snprintf(interface->kind, sizeof(interface->kind), "%s",
		         mnl_attr_get_str(attribute));
	else if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA && !strcmp(interface->kind, "vlan"))
		mnl_attr_parse_nested(attribute, take_vlan, interface);
	return MNL_CB_OK;
}

/* Links to another namespace name a number of there. */
struct lower {
	uint32_t ifindex;
	bool elsewhere;
};

static int take_lower(const struct nlattr *attribute, void *context)
{
	struct lower *lower = context;

	if (mnl_attr_get_type(attribute) == IFLA_LINK)
		lower->ifindex = mnl_attr_get_u32(attribute);
	else if (mnl_attr_get_type(attribute) == IFLA_LINK_NETNSID)
		lower->elsewhere = true;
	return MNL_CB_OK;
}

static int take_link(const struct nlattr *attribute, void *context)
{
	struct sp_interface *interface = context;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		snprintf(interface->name, sizeof(interface->name), "%s",
		         mnl_attr_get_str(attribute));
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(attribute) == sizeof(interface->mac))
			memcpy(interface->mac, mnl_attr_get_payload(attribute),
			       sizeof(interface->mac));
		break;
	case IFLA_MTU:
		interface->mtu = mnl_attr_get_u32(attribute);
		break;
	case IFLA_MASTER:
		interface->master = mnl_attr_get_u32(attribute);
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(attribute, take_kind, interface);
		break;
	case IFLA_XDP:
		mnl_attr_parse_nested(attribute, take_xdp, interface);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *message, void *context)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct sp_interface *interface = context;

	interface->ifindex = (uint32_t)info->ifi_index;
	interface->up = info->ifi_flags & IFF_UP;
	interface->carrier = info->ifi_flags & IFF_LOWER_UP;
	mnl_attr_parse(message, sizeof(*info), take_link, interface);
	if (!strcmp(interface->kind, "vlan")) {
		struct lower lower = {.ifindex = 0};

		mnl_attr_parse(message, sizeof(*info), take_lower, &lower);
		interface->lower = lower.elsewhere ? 0 : lower.ifindex;
	}
	return MNL_CB_OK;
}

int sp_netlink_link(const char *name, struct sp_interface *interface, struct sp_error *err)
{
	struct sp_netlink netlink;
	struct nlmsghdr *message;
	char known[256];
	int code;

	memset(interface, 0, sizeof(*interface));
	code = sp_netlink_open(&netlink, err);
	if (code)
		return code;
	message = sp_netlink_begin(&netlink, RTM_GETLINK, 0);
	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	code = sp_netlink_send(&netlink, on_link, interface);
	if (code == -ENODEV) {
		name_interfaces(known, sizeof(known));
		sp_fail(err, code, SP_EXIT_NOT_FOUND,
		        "there is no interface %s in this network namespace; there are: %s", name,
		        known);
	} else if (code) {
		sp_fail(err, code, SP_EXIT_FAILED, "cannot look up interface %s: %s", name,
		        sp_netlink_reason(&netlink, code));
	}
	sp_netlink_close(&netlink);
	return code;
}

struct visit {
	void (*visit)(const struct sp_interface *interface, void *context);
	void *context;
};

static int on_each(const struct nlmsghdr *message, void *context)
{
	struct sp_interface interface = {.ifindex = 0};
	const struct visit *visit = context;

	on_link(message, &interface);
	visit->visit(&interface, visit->context);
	return MNL_CB_OK;
}

int sp_netlink_each(void (*visit)(const struct sp_interface *interface, void *context),
                    void *context, struct sp_error *err)
{
	struct visit each = {.visit = visit, .context = context};
	struct sp_netlink netlink;
	int code = sp_netlink_open(&netlink, err);

	if (code)
		return code;
	mnl_nlmsg_put_extra_header(sp_netlink_begin(&netlink, RTM_GETLINK, NLM_F_DUMP),
	                           sizeof(struct ifinfomsg));
	code = sp_netlink_send(&netlink, on_each, &each);
	if (code)
		sp_fail(err, code, SP_EXIT_FAILED, "cannot read the interfaces: %s",
		        sp_netlink_reason(&netlink, code));
	sp_netlink_close(&netlink);
	return code;
}

void sp_netlink_address(struct sp_address *out, const struct nlattr *attribute)
{
	uint16_t length = mnl_attr_get_payload_len(attribute);

	memset(out, 0, sizeof(*out));
	if (length == 4) {
		out->word[2] = htonl(0xffff);
		memcpy(&out->word[3], mnl_attr_get_payload(attribute), 4);
	} else if (length == sizeof(*out)) {
		memcpy(out, mnl_attr_get_payload(attribute), sizeof(*out));
	}
}

/* The two addresses an interface address may have. */
struct ends {
	const struct nlattr *local, *address;
};

static int take_end(const struct nlattr *attribute, void *context)
{
	struct ends *ends = context;

	if (mnl_attr_get_type(attribute) == IFA_LOCAL)
		ends->local = attribute;
	else if (mnl_attr_get_type(attribute) == IFA_ADDRESS)
		ends->address = attribute;
	return MNL_CB_OK;
}

static int on_address(const struct nlmsghdr *message, void *context)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	struct ends ends = {.local = NULL};
	struct listing *listing = context;
	struct sp_address *list = listing->list;
	struct sp_address found;

	if (info->ifa_index != listing->ifindex)
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof(*info), take_end, &ends);
	if (!ends.local && !ends.address)
		return MNL_CB_OK;
	/* On a point-to-point interface IFA_ADDRESS is the other end's. */
	sp_netlink_address(&found, ends.local ? ends.local : ends.address);
	for (unsigned i = 0; i < listing->count; i++)
		if (!memcmp(&found, &list[i], sizeof(found)))
			return MNL_CB_OK;
	if (listing->count == listing->room) {
		errno = ENOSPC;
		return MNL_CB_ERROR;
	}
	list[listing->count++] = found;
	return MNL_CB_OK;
}

int sp_netlink_link_at(uint32_t ifindex, struct sp_interface *interface, struct sp_error *err)
{
	struct sp_netlink netlink;
	struct ifinfomsg *info;
	int code;

	memset(interface, 0, sizeof(*interface));
	code = sp_netlink_open(&netlink, err);
	if (code)
		return code;
	info = mnl_nlmsg_put_extra_header(sp_netlink_begin(&netlink, RTM_GETLINK, 0),
	                                  sizeof(*info));
	info->ifi_index = (int)ifindex;
	code = sp_netlink_send(&netlink, on_link, interface);
	if (code)
		sp_fail(err, code, code == -ENODEV ? SP_EXIT_NOT_FOUND : SP_EXIT_FAILED,
		        "cannot look up interface number %u: %s", ifindex,
		        sp_netlink_reason(&netlink, code));
	sp_netlink_close(&netlink);
	return code;
}

int sp_netlink_addresses(uint32_t ifindex, struct sp_address *list, unsigned room,
                         struct sp_error *err)
{
	struct listing listing = {.list = list, .room = room, .ifindex = ifindex};
	struct sp_netlink netlink;
	struct nlmsghdr *message;
	struct ifaddrmsg *info;
	int code;

	code = sp_netlink_open(&netlink, err);
	if (code)
		return code;
	message = sp_netlink_begin(&netlink, RTM_GETADDR, NLM_F_DUMP);
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ifa_family = AF_UNSPEC;
	info->ifa_index = ifindex;
	code = sp_netlink_send(&netlink, on_address, &listing);
	if (code == -ENOSPC)
		sp_fail(err, code, SP_EXIT_FAILED,
		        "interface number %u has more than %u addresses, the most that is "
		        "supported",
		        ifindex, room);
	else if (code)
		sp_fail(err, code, SP_EXIT_FAILED,
		        "cannot read the addresses of interface number %u: %s", ifindex,
		        sp_netlink_reason(&netlink, code));
	sp_netlink_close(&netlink);
	return code ? code : (int)listing.count;
}

static int on_mac(const struct nlmsghdr *message, void *context)
{
	static const struct sp_mac zero;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct sp_interface interface = {.ifindex = 0};
	struct listing *listing = context;
	struct sp_mac *list = listing->list;

	if (info->ifi_type != ARPHRD_ETHER)
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof(*info), take_link, &interface);
	if (!memcmp(interface.mac, zero.byte, sizeof(zero.byte)))
		return MNL_CB_OK;
	for (unsigned i = 0; i < listing->count; i++)
		if (!memcmp(interface.mac, list[i].byte, sizeof(list[i].byte)))
			return MNL_CB_OK;
	if (listing->count == listing->room) {
		errno = ENOSPC;
		return MNL_CB_ERROR;
	}
	memcpy(list[listing->count++].byte, interface.mac, sizeof(interface.mac));
	return MNL_CB_OK;
}

int sp_netlink_macs(struct sp_mac *list, unsigned room, struct sp_error *err)
{
	struct listing listing = {.list = list, .room = room};
	struct sp_netlink netlink;
	int code;

	code = sp_netlink_open(&netlink, err);
	if (code)
		return code;
	mnl_nlmsg_put_extra_header(sp_netlink_begin(&netlink, RTM_GETLINK, NLM_F_DUMP),
	                           sizeof(struct ifinfomsg));
	code = sp_netlink_send(&netlink, on_mac, &listing);
	if (code == -ENOSPC)
		sp_fail(err, code, SP_EXIT_FAILED,
		        "this network namespace has more than %u MAC addresses of its own", room);
	else if (code)
		sp_fail(err, code, SP_EXIT_FAILED, "cannot read the interfaces: %s",
		        sp_netlink_reason(&netlink, code));
	sp_netlink_close(&netlink);
	return code ? code : (int)listing.count;
}
