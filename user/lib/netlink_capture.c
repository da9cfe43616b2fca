/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rule and the route that deliver captured packets to the responder's sockets. Routing would
 * send them on to where they were addressed; bpf_sk_assign only chooses the socket.
 */
#include "lib/netlink.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/netlink_request.h"

struct capture {
	uint32_t mark, mask, table, priority;
	uint32_t loopback; /* ifindex of lo */
};

/* What a dump showed of one family. */
struct found {
	const struct capture *capture;
	bool ours;
	bool foreign; /* somebody else's at our priority or in our table */
};

static const char *family_name(uint8_t family)
{
	return family == AF_INET6 ? "IPv6" : "IPv4";
}

/* A kernel booted with ipv6.disable=1 has no IPv6 client to capture. */
static bool family_exists(uint8_t family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno != EAFNOSUPPORT;
	close(fd);
	return true;
}

struct rule {
	struct capture capture;
	uint8_t protocol;
};

static int take_rule(const struct nlattr *attribute, void *context)
{
	struct rule *rule = context;

	switch (mnl_attr_get_type(attribute)) {
	case FRA_PRIORITY:
		rule->capture.priority = mnl_attr_get_u32(attribute);
		break;
	case FRA_FWMARK:
		rule->capture.mark = mnl_attr_get_u32(attribute);
		break;
	case FRA_FWMASK:
		rule->capture.mask = mnl_attr_get_u32(attribute);
		break;
	case FRA_TABLE:
		rule->capture.table = mnl_attr_get_u32(attribute);
		break;
	case FRA_PROTOCOL:
		rule->protocol = mnl_attr_get_u8(attribute);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int on_rule(const struct nlmsghdr *message, void *context)
{
	const struct fib_rule_hdr *info = mnl_nlmsg_get_payload(message);
	struct rule rule = {.capture.table = info->table};
	struct found *found = context;
	const struct capture *wanted = found->capture;

	mnl_attr_parse(message, sizeof(*info), take_rule, &rule);
	if (rule.capture.priority != wanted->priority)
		return MNL_CB_OK;
	if (rule.protocol != SP_RTPROT)
		found->foreign = true;
	else if (rule.capture.mark == wanted->mark && rule.capture.mask == wanted->mask &&
	         rule.capture.table == wanted->table)
		found->ours = true;
	return MNL_CB_OK;
}

struct route {
	uint32_t table, device;
};

static int take_route(const struct nlattr *attribute, void *context)
{
	struct route *route = context;

	if (mnl_attr_get_type(attribute) == RTA_TABLE)
		route->table = mnl_attr_get_u32(attribute);
	else if (mnl_attr_get_type(attribute) == RTA_OIF)
		route->device = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

static int on_route(const struct nlmsghdr *message, void *context)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(message);
	struct route route = {.table = info->rtm_table};
	struct found *found = context;

	mnl_attr_parse(message, sizeof(*info), take_route, &route);
	if (route.table != found->capture->table || info->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	if (info->rtm_protocol == SP_RTPROT && info->rtm_type == RTN_LOCAL && !info->rtm_dst_len &&
	    route.device == found->capture->loopback)
		found->ours = true;
	else
		found->foreign = true;
	return MNL_CB_OK;
}

static int find_rule(struct sp_netlink *netlink, uint8_t family, struct found *found)
{
	struct nlmsghdr *message = sp_netlink_begin(netlink, RTM_GETRULE, NLM_F_DUMP);
	struct fib_rule_hdr *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->family = family;
	return sp_netlink_send(netlink, on_rule, found);
}

/* The kernel filters by table: a router may hold a million routes in others. */
static int find_route(struct sp_netlink *netlink, uint8_t family, struct found *found)
{
	struct nlmsghdr *message = sp_netlink_begin(netlink, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	int code;

	info->rtm_family = family;
	mnl_attr_put_u32(message, RTA_TABLE, found->capture->table);
	code = sp_netlink_send(netlink, on_route, found);
	return code == -ENOENT ? 0 : code; /* the table does not exist yet */
}

/* RTM_NEWRULE or RTM_DELRULE. */
static int change_rule(struct sp_netlink *netlink, uint16_t type, uint8_t family,
                       const struct capture *capture)
{
	uint16_t flags = type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0;
	struct nlmsghdr *message = sp_netlink_begin(netlink, type, flags);
	struct fib_rule_hdr *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->family = family;
	info->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(message, FRA_PRIORITY, capture->priority);
	mnl_attr_put_u32(message, FRA_FWMARK, capture->mark);
	mnl_attr_put_u32(message, FRA_FWMASK, capture->mask);
	mnl_attr_put_u32(message, FRA_TABLE, capture->table);
	mnl_attr_put_u8(message, FRA_PROTOCOL, SP_RTPROT);
	return sp_netlink_send(netlink, NULL, NULL);
}

/* RTM_NEWROUTE or RTM_DELROUTE. */
static int change_route(struct sp_netlink *netlink, uint16_t type, uint8_t family,
                        const struct capture *capture)
{
	uint16_t flags = type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_EXCL : 0;
	struct nlmsghdr *message = sp_netlink_begin(netlink, type, flags);
	struct rtmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->rtm_family = family;
	info->rtm_table = capture->table < 256 ? (uint8_t)capture->table : RT_TABLE_UNSPEC;
	info->rtm_protocol = SP_RTPROT;
	info->rtm_scope = RT_SCOPE_HOST;
	info->rtm_type = RTN_LOCAL;
	mnl_attr_put_u32(message, RTA_TABLE, capture->table);
	mnl_attr_put_u32(message, RTA_OIF, capture->loopback);
	return sp_netlink_send(netlink, NULL, NULL);
}

static int fail_change(struct sp_netlink *netlink, int code, uint8_t family, const char *what,
                       struct sp_error *err)
{
	if (code == -ENETDOWN)
		return sp_fail(err, code, SP_EXIT_FAILED,
		               "cannot set the %s %s for captured packets: the loopback interface "
		               "is down; run: ip link set lo up",
		               family_name(family), what);
	if (code == -EPERM)
		return sp_fail(err, code, SP_EXIT_PERMISSION,
		               "no permission to set the %s %s for captured packets: run as root",
		               family_name(family), what);
	return sp_fail(err, code, SP_EXIT_FAILED, "cannot set the %s %s for captured packets: %s",
	               family_name(family), what, sp_netlink_reason(netlink, code));
}

static int add_route(struct sp_netlink *netlink, uint8_t family, const struct capture *capture,
                     bool *added, struct sp_error *err)
{
	struct found found = {.capture = capture};
	int code = find_route(netlink, family, &found);

	if (code)
		return fail_change(netlink, code, family, "route", err);
	if (found.foreign)
		return sp_fail(err, -EEXIST, SP_EXIT_FAILED,
		               "%s routing table %u holds routes of somebody else: set `table` in "
		               "[gateway] to a number that is not used",
		               family_name(family), capture->table);
	if (found.ours)
		return 0;
	code = change_route(netlink, RTM_NEWROUTE, family, capture);
	if (code)
		return fail_change(netlink, code, family, "route", err);
	*added = true;
	return 0;
}

static int add_rule(struct sp_netlink *netlink, uint8_t family, const struct capture *capture,
                    bool *added, struct sp_error *err)
{
	struct found found = {.capture = capture};
	int code = find_rule(netlink, family, &found);

	if (code)
		return fail_change(netlink, code, family, "rule", err);
	if (found.foreign)
		return sp_fail(err, -EEXIST, SP_EXIT_FAILED,
		               "an %s routing rule of somebody else has priority %u: set "
		               "`rule_priority` in [gateway] to a number that is not used",
		               family_name(family), capture->priority);
	if (found.ours)
		return 0;
	code = change_rule(netlink, RTM_NEWRULE, family, capture);
	if (code)
		return fail_change(netlink, code, family, "rule", err);
	*added = true;
	return 0;
}

static int open_capture(struct sp_netlink *netlink, struct capture *capture, struct sp_error *err)
{
	int code = sp_netlink_open(netlink, err);

	if (code)
		return code;
	capture->loopback = if_nametoindex("lo");
	if (!capture->loopback) {
		sp_netlink_close(netlink);
		return sp_fail(err, -ENODEV, SP_EXIT_FAILED,
		               "this network namespace has no interface lo");
	}
	return 0;
}

static const uint8_t families[] = {AF_INET, AF_INET6};
#define FAMILIES (sizeof(families) / sizeof(families[0]))

int sp_netlink_capture_add(uint32_t mark, uint32_t mask, uint32_t table, uint32_t priority,
                           struct sp_error *err)
{
	struct capture capture = {mark, mask, table, priority, 0};
	bool route[FAMILIES] = {false}, rule[FAMILIES] = {false};
	struct sp_netlink netlink;
	int code;

	code = open_capture(&netlink, &capture, err);
	if (code)
		return code;
	for (unsigned i = 0; i < FAMILIES && !code; i++) {
		if (!family_exists(families[i]))
			continue;
		code = add_route(&netlink, families[i], &capture, &route[i], err);
		if (!code)
			code = add_rule(&netlink, families[i], &capture, &rule[i], err);
	}
	for (unsigned i = 0; i < FAMILIES && code; i++) {
		if (rule[i])
			change_rule(&netlink, RTM_DELRULE, families[i], &capture);
		if (route[i])
			change_route(&netlink, RTM_DELROUTE, families[i], &capture);
	}
	sp_netlink_close(&netlink);
	return code;
}

/* Deletion names everything, the protocol included, so that nobody else's can be meant. */
static int remove_family(struct sp_netlink *netlink, uint8_t family, const struct capture *capture)
{
	int rule = change_rule(netlink, RTM_DELRULE, family, capture);
	int route;

	if (rule && rule != -ENOENT && rule != -ESRCH)
		return rule;
	route = change_route(netlink, RTM_DELROUTE, family, capture);
	return route == -ENOENT || route == -ESRCH ? 0 : route;
}

int sp_netlink_capture_remove(uint32_t mark, uint32_t mask, uint32_t table, uint32_t priority,
                              struct sp_error *err)
{
	struct capture capture = {mark, mask, table, priority, 0};
	struct sp_netlink netlink;
	int code, result;

	result = open_capture(&netlink, &capture, err);
	if (result)
		return result;
	for (unsigned i = 0; i < FAMILIES; i++) {
		if (!family_exists(families[i]))
			continue;
		code = remove_family(&netlink, families[i], &capture);
		if (code)
			result = sp_fail(err, code, SP_EXIT_FAILED,
			                 "cannot remove the %s rule and route for captured "
			                 "packets: %s",
			                 family_name(families[i]),
			                 sp_netlink_reason(&netlink, code));
	}
	sp_netlink_close(&netlink);
	return result;
}

static int family_present(struct sp_netlink *netlink, uint8_t family, const struct capture *capture)
{
	struct found rule = {.capture = capture}, route = {.capture = capture};
	int code = find_rule(netlink, family, &rule);

	if (!code)
		code = find_route(netlink, family, &route);
	return code ? code : rule.ours && route.ours;
}

int sp_netlink_capture_present(uint32_t mark, uint32_t mask, uint32_t table, uint32_t priority,
                               struct sp_error *err)
{
	struct capture capture = {mark, mask, table, priority, 0};
	struct sp_netlink netlink;
	int present = 1;

	if (open_capture(&netlink, &capture, err))
		return -EIO;
	for (unsigned i = 0; i < FAMILIES && present == 1; i++)
		if (family_exists(families[i]))
			present = family_present(&netlink, families[i], &capture);
	if (present < 0)
		sp_fail(err, present, SP_EXIT_FAILED, "cannot read routing rules and routes: %s",
		        sp_netlink_reason(&netlink, present));
	sp_netlink_close(&netlink);
	return present;
}
