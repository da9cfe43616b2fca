/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs of others where ours are, or are to be. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "doctor/doctor.h"
#include "lib/hook.h"
#include "lib/netlink_request.h"

#define PROGRAMS 64 /* of one tcx hook that are looked at; the kernel has room for as many */

static const char *const sides[] = {[SP_HOOK_TC_IN] = "ingress", [SP_HOOK_TC_OUT] = "egress"};

/* What the loaded instance runs at @kind of @link; mode SP_HOOK_NONE: nothing. */
static struct sp_hook own_hook(const struct sp_doctor *doctor, const struct sp_interface *link,
                               enum sp_hook_kind kind)
{
	bool own_qdisc = false;
	struct sp_hook hook;

	sp_hook_find(&hook, doctor->instance, kind, link->name, link->ifindex, &own_qdisc);
	hook.own_qdisc = NULL;
	return hook;
}

/* How the program is taken off, by whoever knows that nobody needs it. */
static void put_removal(struct sp_finding *finding, const struct sp_interface *link,
                        const struct sp_foreign *foreign)
{
	if (foreign->link)
		sp_finding_command(finding, "bpftool link detach id %u", foreign->link);
	else
		sp_finding_command(finding, "ip link set dev %s %s off", link->name,
		                   !strcmp(foreign->mode, "generic") ? "xdpgeneric" : "xdp");
}

static void look_at_xdp(struct sp_doctor *doctor, const struct sp_interface *link, bool uplink)
{
	bool wanted = uplink || doctor->config->attach != SP_ATTACH_TC;
	struct sp_hook hook = own_hook(doctor, link, SP_HOOK_XDP);
	struct sp_finding *finding;
	struct sp_foreign foreign;

	if (!sp_hook_foreign(&hook, hook.program_id, &foreign))
		return;
	finding = sp_report_add(doctor->report, wanted ? SP_LEVEL_ERROR : SP_LEVEL_NOTE,
	                        "foreign_xdp", link->name,
	                        "somebody else's XDP program is on it: id %u %s (%s)", foreign.id,
	                        foreign.name, foreign.mode);
	sp_finding_why(finding,
	               "it sees each frame first and may forward or drop it%s; remove it "
	               "only if you know that nobody needs it",
	               !wanted  ? ""
	               : uplink ? "; `sallyport up` replaces none: take the interface out of "
	                          "`uplink`, or remove the program"
	                        : "; `sallyport up` replaces none: set `attach = tc`, or remove "
	                          "the program");
	put_removal(finding, link, &foreign);
}

/* --- TC --- */

static void add_name(char *names, size_t size, uint32_t id)
{
	char name[48];
	size_t used = strlen(names);

	sp_hook_name_program(id, name, sizeof(name));
	snprintf(names + used, size - used, "%sid %u %s", used ? ", " : "", id, name);
}

/* From Linux 6.6; before, the kernel knows of no such thing, and there is none. */
static void look_at_tcx(struct sp_doctor *doctor, const struct sp_interface *link,
                        enum sp_hook_kind kind)
{
	struct sp_hook hook = own_hook(doctor, link, kind);
	struct sp_finding *finding;
	char names[256] = "";
	uint32_t ids[PROGRAMS];
	int count = sp_hook_tcx_programs(&hook, ids, PROGRAMS);

	for (int i = 0; i < count; i++)
		if (ids[i] != hook.program_id)
			add_name(names, sizeof(names), ids[i]);
	if (!names[0])
		return;
	finding = sp_report_add(doctor->report, SP_LEVEL_NOTE, "foreign_tc", link->name,
	                        "somebody else's programs are on its TC %s (tcx): %s", sides[kind],
	                        names);
	sp_finding_why(finding, "what they redirect or drop is not Sallyport's doing");
}

struct filters {
	uint32_t own; /* the program of ours */
	unsigned others;
	char kind[16]; /* of the last */
};

static int take_kind(const struct nlattr *attribute, void *context)
{
	struct filters *filters = context;

	if (mnl_attr_get_type(attribute) == TCA_KIND)
		snprintf(filters->kind, sizeof(filters->kind), "%s", mnl_attr_get_str(attribute));
	return MNL_CB_OK;
}

/* Each filter comes with a header of its kind, whose handle is 0. */
static int on_filter(const struct nlmsghdr *message, void *context)
{
	const struct tcmsg *info = mnl_nlmsg_get_payload(message);
	struct filters *filters = context;

	if (!info->tcm_handle ||
	    (filters->own && sp_clsact_is_handle(info->tcm_handle, info->tcm_info)))
		return MNL_CB_OK;
	filters->others++;
	mnl_attr_parse(message, sizeof(*info), take_kind, filters);
	return MNL_CB_OK;
}

static void look_at_filters(struct sp_doctor *doctor, const struct sp_interface *link,
                            enum sp_hook_kind kind)
{
	struct sp_hook hook = own_hook(doctor, link, kind);
	struct filters filters = {.own = sp_clsact_program(&hook, doctor->instance)};
	struct sp_netlink netlink;
	struct sp_finding *finding;
	struct tcmsg *info;

	if (sp_netlink_open(&netlink, NULL))
		return;
	info = mnl_nlmsg_put_extra_header(sp_netlink_begin(&netlink, RTM_GETTFILTER, NLM_F_DUMP),
	                                  sizeof(*info));
	info->tcm_family = AF_UNSPEC;
	info->tcm_ifindex = (int)link->ifindex;
	info->tcm_parent =
		TC_H_MAKE(TC_H_CLSACT, kind == SP_HOOK_TC_IN ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
	if (sp_netlink_send(&netlink, on_filter, &filters))
		filters.others = 0;
	sp_netlink_close(&netlink);
	if (!filters.others)
		return;
	finding = sp_report_add(doctor->report, SP_LEVEL_NOTE, "foreign_tc", link->name,
	                        "it has %u TC %s filter%s of somebody else (%s)", filters.others,
	                        sides[kind], filters.others == 1 ? "" : "s", filters.kind);
	sp_finding_why(finding,
	               "what they redirect or drop is not Sallyport's doing; "
	               "`tc filter show dev %s %s` shows them",
	               link->name, sides[kind]);
}

void sp_doctor_strangers(struct sp_doctor *doctor, const struct sp_interface *link, bool uplink)
{
	look_at_xdp(doctor, link, uplink);
	for (enum sp_hook_kind kind = SP_HOOK_TC_IN; kind <= SP_HOOK_TC_OUT && !uplink; kind++) {
		look_at_tcx(doctor, link, kind);
		look_at_filters(doctor, link, kind);
	}
}
