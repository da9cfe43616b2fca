/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NAT and firewall rules that `forward = route` would go past: asked of the kernel, no nft is run.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "doctor/doctor.h"
#include "lib/netlink_request.h"

struct chain {
	const char *table, *name, *type; /* type: NULL if packets only come by jumps */
	uint32_t hook, rules;
};

/* The first of each kind that has rules. */
struct found {
	char nat[112], forward[112];
};

static int take_hook(const struct nlattr *attribute, void *context)
{
	struct chain *chain = context;

	if (mnl_attr_get_type(attribute) == NFTA_HOOK_HOOKNUM)
		chain->hook = ntohl(mnl_attr_get_u32(attribute));
	return MNL_CB_OK;
}

static int take_chain(const struct nlattr *attribute, void *context)
{
	struct chain *chain = context;

	switch (mnl_attr_get_type(attribute)) {
	case NFTA_CHAIN_TABLE:
		chain->table = mnl_attr_get_str(attribute);
		break;
	case NFTA_CHAIN_NAME:
		chain->name = mnl_attr_get_str(attribute);
		break;
	case NFTA_CHAIN_TYPE:
		chain->type = mnl_attr_get_str(attribute);
		break;
	case NFTA_CHAIN_USE:
		chain->rules = ntohl(mnl_attr_get_u32(attribute));
		break;
	case NFTA_CHAIN_HOOK:
		mnl_attr_parse_nested(attribute, take_hook, chain);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int on_chain(const struct nlmsghdr *message, void *context)
{
	const struct nfgenmsg *info = mnl_nlmsg_get_payload(message);
	struct chain chain = {.table = "", .name = ""};
	struct found *found = context;
	char *text = NULL;

	mnl_attr_parse(message, sizeof(*info), take_chain, &chain);
	if (!chain.type || !chain.rules || info->nfgen_family == NFPROTO_ARP ||
	    info->nfgen_family == NFPROTO_BRIDGE)
		return MNL_CB_OK;
	if (!strcmp(chain.type, "nat") && chain.hook == NF_INET_POST_ROUTING)
		text = found->nat;
	else if (!strcmp(chain.type, "filter") && chain.hook == NF_INET_FORWARD)
		text = found->forward;
	if (text && !*text)
		snprintf(text, sizeof(found->nat), "chain %.40s of table %.40s", chain.name,
		         chain.table);
	return MNL_CB_OK;
}

/* 0 or a negative errno: a kernel without nf_tables has no chains. */
static int read_chains(struct found *found)
{
	struct sp_netlink netlink;
	struct nfgenmsg *info;
	int code = sp_netlink_open_netfilter(&netlink, NULL);

	if (code)
		return code;
	info = mnl_nlmsg_put_extra_header(
		sp_netlink_begin(&netlink, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN,
	                         NLM_F_DUMP),
		sizeof(*info));
	info->nfgen_family = NFPROTO_UNSPEC;
	info->version = NFNETLINK_V0;
	code = sp_netlink_send(&netlink, on_chain, found);
	sp_netlink_close(&netlink);
	return code;
}

/* The older iptables has tables of its own; which rules are in them only it can tell. */
static void read_legacy(struct found *found)
{
	static const char *const files[] = {"/proc/net/ip_tables_names",
	                                    "/proc/net/ip6_tables_names"};
	char line[32];

	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		FILE *file = fopen(files[i], "re");

		while (file && fgets(line, sizeof(line), file))
			if (!strcmp(line, "nat\n") && !found->nat[0])
				snprintf(found->nat, sizeof(found->nat), "table nat of iptables");
			else if (!strcmp(line, "filter\n") && !found->forward[0])
				snprintf(found->forward, sizeof(found->forward),
				         "table filter of iptables");
		if (file)
			fclose(file);
	}
}

void sp_doctor_netfilter(struct sp_doctor *doctor)
{
	struct found found = {.nat = ""};
	struct sp_finding *finding;

	if (!doctor->config || !sp_doctor_routes(doctor))
		return;
	if (read_chains(&found) == -EPERM) {
		sp_report_add(doctor->report, SP_LEVEL_NOTE, "nat", "",
		              "the kernel does not tell whether there is NAT");
		return;
	}
	read_legacy(&found);
	if (found.nat[0]) {
		finding = sp_report_add(doctor->report, SP_LEVEL_ERROR, "nat", "",
		                        "packets are forwarded past NAT (%s)", found.nat);
		sp_finding_why(finding, "with `forward = route` they leave with the addresses of "
		                        "the clients, which nobody answers; set `forward = stack` "
		                        "in [gateway]");
		sp_finding_command(finding, "sallyport -I %s forward stack",
		                   doctor->instance->name);
	}
	if (found.forward[0]) {
		finding = sp_report_add(doctor->report, SP_LEVEL_WARNING, "firewall", "",
		                        "packets are forwarded past firewall rules (%s)",
		                        found.forward);
		sp_finding_why(finding, "with `forward = route` they hold for what is not plain "
		                        "only, so they protect nothing");
		sp_finding_command(finding, "sallyport -I %s forward stack",
		                   doctor->instance->name);
	}
	if (!found.nat[0] && !found.forward[0])
		sp_report_add(doctor->report, SP_LEVEL_OK, "nat", "",
		              "there is no NAT and no rule that forwarding would go past");
}
