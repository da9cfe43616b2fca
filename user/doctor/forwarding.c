/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel's routing makes of packets that Sallyport lets on. */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "doctor/doctor.h"
#include "doctor/sysctl.h"
#include "lib/address.h"
#include "lib/gateway.h"
#include "lib/netlink_request.h"

#define STRICT    1 /* rp_filter, Documentation/networking/ip-sysctl.rst in the kernel */
#define ACCEPT_RA 1 /* accept_ra: only while this host does not forward */

static bool has_ipv6(const struct sp_doctor *doctor)
{
	struct sp_address list[SP_MAX_ADDRESSES];
	int count = sp_gateway_addresses(doctor->config, list, NULL);

	for (int i = 0; i < count; i++)
		if (!sp_address_is_ipv4(&list[i]) && !sp_address_is_link_local(&list[i]))
			return true;
	return false;
}

static void look_at_switch(struct sp_report *report, const char *name, const char *family)
{
	int value = sp_sysctl_read("%s", name);
	struct sp_finding *finding;

	if (value > 0) {
		sp_report_add(report, SP_LEVEL_OK, "forwarding", "", "%s is forwarded", family);
	} else if (value == 0) {
		finding = sp_report_add(report, SP_LEVEL_WARNING, "forwarding", "",
		                        "%s is not forwarded", family);
		sp_finding_why(finding, "authorized clients get no further than this gateway, "
		                        "unless it is a bridge");
		sp_finding_sysctl(finding, name, "1");
	}
}

/* The kernel goes by the larger of the two numbers. */
static void look_at_rp_filter(struct sp_doctor *doctor, const char *interface)
{
	int all = sp_sysctl_read("net/ipv4/conf/all/rp_filter");
	int own = sp_sysctl_read("net/ipv4/conf/%s/rp_filter", interface);
	struct sp_finding *finding;
	char name[96];

	if (all < 0 || own < 0)
		return;
	if ((all > own ? all : own) != STRICT) {
		sp_report_add(doctor->report, SP_LEVEL_OK, "rp_filter", interface,
		              "sources are not checked strictly");
		return;
	}
	finding = sp_report_add(doctor->report, SP_LEVEL_WARNING, "rp_filter", interface,
	                        "rp_filter is strict");
	sp_finding_why(finding,
	               "the kernel drops packets that Sallyport let on and counted, without a "
	               "word, when it would not answer them by the very interface they came by: "
	               "with a second uplink, or clients of another subnet; 2 (loose) drops only "
	               "what cannot be answered at all");
	snprintf(name, sizeof(name), "net/ipv4/conf/%s/rp_filter", interface);
	sp_finding_sysctl(finding, name, "2");
}

/* A router does not believe other routers unless it is told to. */
static void look_at_accept_ra(struct sp_doctor *doctor, const char *interface)
{
	struct sp_finding *finding;

	if (sp_sysctl_read("net/ipv6/conf/%s/forwarding", interface) != 1 ||
	    sp_sysctl_read("net/ipv6/conf/%s/accept_ra", interface) != ACCEPT_RA)
		return;
	finding = sp_report_add(doctor->report, SP_LEVEL_NOTE, "accept_ra", interface,
	                        "router advertisements are ignored there, since it forwards");
	sp_finding_why(finding, "an IPv6 route that was learnt from one goes when its time is "
	                        "over; routes that are configured stay");
	sp_finding_command(finding, "sysctl -w net/ipv6/conf/%s/accept_ra=2", interface);
}

/* --- policy rules --- */

struct rule {
	uint32_t table, priority;
};

static int take_rule(const struct nlattr *attribute, void *context)
{
	struct rule *rule = context;

	if (mnl_attr_get_type(attribute) == FRA_TABLE)
		rule->table = mnl_attr_get_u32(attribute);
	else if (mnl_attr_get_type(attribute) == FRA_PRIORITY)
		rule->priority = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

/* The kernel's own: fib_default_rules_init, fib6_rules_net_init. */
static bool is_default(const struct rule *rule)
{
	return (rule->priority == 0 && rule->table == RT_TABLE_LOCAL) ||
	       (rule->priority == 32766 && rule->table == RT_TABLE_MAIN) ||
	       (rule->priority == 32767 && rule->table == RT_TABLE_DEFAULT);
}

static int on_rule(const struct nlmsghdr *message, void *context)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
	struct rule rule = {.table = header->table};
	unsigned *count = context;

	mnl_attr_parse(message, sizeof(*header), take_rule, &rule);
	if (!is_default(&rule))
		(*count)++;
	return MNL_CB_OK;
}

static unsigned count_rules(uint8_t family)
{
	struct sp_netlink netlink;
	struct fib_rule_hdr *header;
	unsigned count = 0;

	if (sp_netlink_open(&netlink, NULL))
		return 0;
	header = mnl_nlmsg_put_extra_header(sp_netlink_begin(&netlink, RTM_GETRULE, NLM_F_DUMP),
	                                    sizeof(*header));
	header->family = family;
	if (sp_netlink_send(&netlink, on_rule, &count))
		count = 0;
	sp_netlink_close(&netlink);
	return count;
}

static void look_at_rules(struct sp_report *report, uint8_t family, const char *option)
{
	unsigned count = count_rules(family);
	struct sp_finding *finding;

	if (!count)
		return;
	finding =
		sp_report_add(report, SP_LEVEL_NOTE, "rules", "", "policy routing rules of %s: %u",
	                      family == AF_INET ? "IPv4" : "IPv6", count);
	sp_finding_why(finding,
	               "the first one makes the kernel look up each packet's route twice, "
	               "about 500 ns a packet; Sallyport needs none. See "
	               "`ip %srule show`",
	               option);
}

/* --- queueing, which the fast path goes past --- */

struct qdiscs {
	uint32_t ifindex;
	char kind[16]; /* of the root that shapes, or "" */
};

static int take_qdisc(const struct nlattr *attribute, void *context)
{
	char *kind = context;

	if (mnl_attr_get_type(attribute) == TCA_KIND)
		snprintf(kind, sizeof(((struct qdiscs *)0)->kind), "%s",
		         mnl_attr_get_str(attribute));
	return MNL_CB_OK;
}

/* Whether it is one that limits or orders, not one that only hands on. */
static bool shapes(const char *kind)
{
	static const char *const plain[] = {"noqueue", "pfifo_fast", "fq_codel", "fq",
	                                    "mq",      "pfifo",      "clsact",   "ingress"};

	for (unsigned i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!strcmp(kind, plain[i]))
			return false;
	return true;
}

static int on_qdisc(const struct nlmsghdr *message, void *context)
{
	const struct tcmsg *info = mnl_nlmsg_get_payload(message);
	struct qdiscs *qdiscs = context;
	char kind[sizeof(qdiscs->kind)] = "";

	if ((uint32_t)info->tcm_ifindex != qdiscs->ifindex || info->tcm_parent != TC_H_ROOT)
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof(*info), take_qdisc, kind);
	if (shapes(kind))
		memcpy(qdiscs->kind, kind, sizeof(kind));
	return MNL_CB_OK;
}

static void look_at_qdisc(struct sp_doctor *doctor, const char *interface)
{
	struct qdiscs qdiscs = {.kind = ""};
	struct sp_interface link;
	struct sp_netlink netlink;
	struct sp_finding *finding;
	struct tcmsg *info;

	if (sp_netlink_link(interface, &link, NULL) || sp_netlink_open(&netlink, NULL))
		return;
	qdiscs.ifindex = link.ifindex;
	info = mnl_nlmsg_put_extra_header(sp_netlink_begin(&netlink, RTM_GETQDISC, NLM_F_DUMP),
	                                  sizeof(*info));
	info->tcm_family = AF_UNSPEC;
	info->tcm_ifindex = (int)link.ifindex;
	(void)sp_netlink_send(&netlink, on_qdisc, &qdiscs);
	sp_netlink_close(&netlink);
	if (!qdiscs.kind[0])
		return;
	finding = sp_report_add(doctor->report, SP_LEVEL_WARNING, "qdisc", interface,
	                        "the queueing discipline %s is on it", qdiscs.kind);
	sp_finding_why(finding, "with `forward = route` packets go past it: it shapes almost "
	                        "nothing. Rates of sessions hold in either mode");
	sp_finding_command(finding, "sallyport -I %s forward stack", doctor->instance->name);
}

/* --- all of it --- */

static void look_at_interface(struct sp_doctor *doctor, const char *name, bool uplink)
{
	look_at_rp_filter(doctor, name);
	if (uplink)
		look_at_accept_ra(doctor, name);
	if (sp_doctor_routes(doctor))
		look_at_qdisc(doctor, name);
}

void sp_doctor_forwarding(struct sp_doctor *doctor)
{
	if (!doctor->config)
		return;
	doctor->report->group = "Forwarding";
	look_at_switch(doctor->report, "net/ipv4/ip_forward", "IPv4");
	if (has_ipv6(doctor))
		look_at_switch(doctor->report, "net/ipv6/conf/all/forwarding", "IPv6");
	for (unsigned i = 0; i < doctor->config->client_count; i++)
		look_at_interface(doctor, doctor->config->client[i], false);
	for (unsigned i = 0; i < doctor->config->uplink_count; i++)
		look_at_interface(doctor, doctor->config->uplink[i], true);
	look_at_rules(doctor->report, AF_INET, "");
	look_at_rules(doctor->report, AF_INET6, "-6 ");
}
