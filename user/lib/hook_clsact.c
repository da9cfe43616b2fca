/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TC programs as filters of a clsact qdisc, for kernels before tcx (6.6). A filter of ours is known
 * by its handle and priority; nothing else of the qdisc is touched.
 */
#include "lib/hook.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/netlink_request.h"
#include "lib/programs.h"

#define HANDLE   0x5350
#define PRIORITY 0x5350
#define MAPS     64 /* more than a program of ours uses */

static void fill(const struct sp_hook *hook, struct bpf_tc_hook *where, struct bpf_tc_opts *which)
{
	*where = (struct bpf_tc_hook){
		.sz = sizeof(*where),
		.ifindex = (int)hook->ifindex,
		.attach_point = hook->kind == SP_HOOK_TC_IN ? BPF_TC_INGRESS : BPF_TC_EGRESS,
	};
	*which = (struct bpf_tc_opts){
		.sz = sizeof(*which),
		.handle = HANDLE,
		.priority = PRIORITY,
	};
}

/* The id of @instance's pinned map `clients`; 0: not pinned. */
static uint32_t clients_id(const struct sp_instance *instance)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info), id = 0;
	char path[SP_PIN_PATH];
	int fd;

	snprintf(path, sizeof(path), "%s/clients", instance->pins);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size))
		id = info.id;
	close(fd);
	return id;
}

/* Whether one of the @count maps is `clients` of @instance. */
static bool has_clients(const struct sp_instance *instance, const uint32_t *maps, uint32_t count)
{
	uint32_t clients = clients_id(instance);

	for (uint32_t i = 0; clients && i < count && i < MAPS; i++)
		if (maps[i] == clients)
			return true;
	return false;
}

/*
 * Whether program @id is @instance's: it has the name of ours and uses the instance's map, for
 * another instance's filter has the same name, handle and priority. While `up` replaces the maps it
 * may use those that are going. Without pins the name decides.
 */
static bool is_ours(uint32_t id, enum sp_hook_kind kind, const struct sp_instance *instance)
{
	const char *name = kind == SP_HOOK_TC_IN ? "sallyport_in" : "sallyport_out";
	uint32_t maps[MAPS];
	struct bpf_prog_info info = {.nr_map_ids = MAPS, .map_ids = (uintptr_t)maps};
	uint32_t size = sizeof(info);
	struct sp_instance beside;
	int fd = sp_programs_by_id(instance, id), code;

	if (fd < 0)
		return false;
	code = bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);
	if (code || strcmp(info.name, name) != 0)
		return false;
	sp_pins_beside(&beside, instance);
	return has_clients(instance, maps, info.nr_map_ids) ||
	       has_clients(&beside, maps, info.nr_map_ids) || !clients_id(instance);
}

uint32_t sp_clsact_program(const struct sp_hook *hook, const struct sp_instance *instance)
{
	struct bpf_tc_hook where;
	struct bpf_tc_opts which;

	fill(hook, &where, &which);
	if (bpf_tc_query(&where, &which) || !is_ours(which.prog_id, hook->kind, instance))
		return 0;
	return which.prog_id;
}

bool sp_clsact_is_handle(uint32_t handle, uint32_t info)
{
	return handle == HANDLE && TC_H_MAJ(info) >> 16 == PRIORITY;
}

bool sp_clsact_is_missing(uint32_t ifindex)
{
	const struct sp_hook hook = {.kind = SP_HOOK_TC_IN, .ifindex = ifindex};
	struct bpf_tc_hook where;
	struct bpf_tc_opts which;

	fill(&hook, &where, &which);
	/* -EINVAL: no such parent (net/sched/cls_api.c, __tcf_qdisc_find); -ENOENT: no filter. */
	return bpf_tc_query(&where, &which) == -EINVAL;
}

static int count_filter(const struct nlmsghdr *message, void *context)
{
	unsigned *count = context;

	(void)message;
	(*count)++;
	return MNL_CB_OK;
}

/* The filters at one side of the qdisc, or a negative errno. */
static int count_filters(struct sp_netlink *netlink, uint32_t ifindex, uint32_t side)
{
	struct nlmsghdr *message = sp_netlink_begin(netlink, RTM_GETTFILTER, NLM_F_DUMP);
	struct tcmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	unsigned count = 0;
	int code;

	info->tcm_family = AF_UNSPEC;
	info->tcm_ifindex = (int)ifindex;
	info->tcm_parent = TC_H_MAKE(TC_H_CLSACT, side);
	code = sp_netlink_send(netlink, count_filter, &count);
	return code ? code : (int)count;
}

/* Whether nobody's filter is left; when in doubt there is one. */
static bool qdisc_is_empty(uint32_t ifindex)
{
	struct sp_netlink netlink;
	bool result;

	if (sp_netlink_open(&netlink, NULL))
		return false;
	result = !count_filters(&netlink, ifindex, TC_H_MIN_INGRESS) &&
	         !count_filters(&netlink, ifindex, TC_H_MIN_EGRESS);
	sp_netlink_close(&netlink);
	return result;
}

int sp_clsact_drop_qdisc(struct sp_hook *hook, struct sp_error *err)
{
	struct bpf_tc_hook where;
	struct bpf_tc_opts which;
	int code;

	if (!*hook->own_qdisc || !qdisc_is_empty(hook->ifindex))
		return 0;
	fill(hook, &where, &which);
	where.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	code = bpf_tc_hook_destroy(&where);
	if (code && code != -ENOENT && code != -EINVAL && code != -ENODEV)
		return sp_fail(err, code, SP_EXIT_FAILED,
		               "cannot remove the clsact qdisc of %s: %s", hook->interface,
		               strerror(-code));
	*hook->own_qdisc = false;
	return 0;
}

int sp_clsact_attach(struct sp_hook *hook, int program_fd, struct sp_error *err)
{
	struct bpf_tc_hook where;
	struct bpf_tc_opts which;
	int code;

	fill(hook, &where, &which);
	code = bpf_tc_hook_create(&where);
	if (code && code != -EEXIST)
		return sp_fail(err, code, code == -EPERM ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
		               "cannot make a clsact qdisc on %s: %s", hook->interface,
		               strerror(-code));
	if (!code)
		*hook->own_qdisc = true;
	which.prog_fd = program_fd;
	code = bpf_tc_attach(&where, &which);
	if (!code)
		return 0;
	sp_clsact_drop_qdisc(hook, NULL);
	if (code == -EEXIST)
		return sp_fail(err, code, SP_EXIT_FAILED,
		               "interface %s already has a tc filter of priority %u (tc filter "
		               "show dev %s): it was left alone; remove it",
		               hook->interface, PRIORITY, hook->interface);
	return sp_fail(err, code, SP_EXIT_FAILED,
	               "cannot add a tc filter on %s: %s; an ingress qdisc there has to be "
	               "replaced by clsact",
	               hook->interface, strerror(-code));
}

int sp_clsact_update(struct sp_hook *hook, int program_fd, struct sp_error *err)
{
	struct bpf_tc_hook where;
	struct bpf_tc_opts which;
	int code;

	fill(hook, &where, &which);
	which.prog_fd = program_fd;
	which.flags = BPF_TC_F_REPLACE;
	code = bpf_tc_attach(&where, &which);
	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED, "cannot update the tc filter on %s: %s",
		               hook->interface, strerror(-code));
	return 0;
}

int sp_clsact_detach(struct sp_hook *hook, struct sp_error *err)
{
	struct bpf_tc_hook where;
	struct bpf_tc_opts which;
	int code;

	fill(hook, &where, &which);
	code = bpf_tc_detach(&where, &which);
	if (code && code != -ENOENT && code != -EINVAL && code != -ENODEV)
		return sp_fail(err, code, SP_EXIT_FAILED, "cannot remove the tc filter on %s: %s",
		               hook->interface, strerror(-code));
	return sp_clsact_drop_qdisc(hook, err);
}
