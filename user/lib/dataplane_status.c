/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dataplane.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/bpffs.h"
#include "lib/daemon.h"
#include "lib/hook.h"
#include "lib/maps.h"
#include "lib/netlink.h"
#include "lib/netns.h"
#include "lib/record.h"
#include "lib/rundir.h"

/* The reasons of XDP and of TC ingress; TC egress has the latter's. */
static void join_why(char *out, size_t size, const struct sp_record_interface *one)
{
	const char *xdp = one->why[SP_HOOK_XDP], *tc = one->why[SP_HOOK_TC_IN];

	snprintf(out, size, "%s%s%s", xdp, xdp[0] && tc[0] ? "; " : "", tc);
}

static const char *tc_name(const struct sp_hook *in, const struct sp_hook *out)
{
	return in->mode == out->mode ? sp_hook_mode_name(in->mode) : "none";
}

static void describe(struct sp_attachment *attachment, const struct sp_instance *instance,
                     struct sp_record_interface *one)
{
	struct sp_hook xdp, in, out;
	struct sp_interface now;

	snprintf(attachment->interface, sizeof(attachment->interface), "%s", one->name);
	if (!sp_netlink_link(one->name, &now, NULL) && now.ifindex == one->ifindex)
		attachment->ifindex = one->ifindex;
	sp_hook_find(&xdp, instance, SP_HOOK_XDP, one->name, attachment->ifindex, &one->own_qdisc);
	sp_hook_find(&in, instance, SP_HOOK_TC_IN, one->name, attachment->ifindex, &one->own_qdisc);
	sp_hook_find(&out, instance, SP_HOOK_TC_OUT, one->name, attachment->ifindex,
	             &one->own_qdisc);
	attachment->tc_hook = tc_name(&in, &out);
	attachment->mode = sp_hook_mode_name(xdp.mode);
	if (xdp.mode == SP_HOOK_NONE && in.mode != SP_HOOK_NONE)
		attachment->mode = "tc";
	if (!attachment->ifindex)
		snprintf(attachment->why, sizeof(attachment->why),
		         "the interface was removed; run `sallyport up` when it is back");
	else if (in.mode == SP_HOOK_NONE || out.mode == SP_HOOK_NONE)
		snprintf(attachment->why, sizeof(attachment->why),
		         "a program was taken away; run `sallyport up`");
	else
		join_why(attachment->why, sizeof(attachment->why), one);
}

static void fill(struct sp_dataplane_status *status, const struct sp_instance *instance,
                 struct sp_record *record)
{
	for (unsigned i = 0; i < record->count && i < SP_MAX_INTERFACES; i++)
		describe(&status->attachment[status->attachment_count++], instance,
		         &record->interface[i]);
	status->daemon = sp_daemon_pid(instance);
	sp_run_config(instance, status->config_path, sizeof(status->config_path));
}

int sp_dataplane_status(const struct sp_instance *instance, struct sp_dataplane_status *status,
                        struct sp_error *err)
{
	struct sp_record record;
	struct sp_maps maps;
	int code;

	*status = (struct sp_dataplane_status){.attachment_count = 0};
	code = sp_bpffs_check(err);
	if (!code)
		code = sp_maps_open(&maps, instance, err);
	if (code)
		return code;
	status->abi_version = maps.loaded.abi_version;
	status->loaded_unix = maps.loaded.loaded_unix;
	status->max_clients = maps.max_clients;
	status->bypass = maps.loaded.bypass;
	sp_maps_close(&maps);
	code = sp_record_read(instance, &record, err);
	if (code == -ENOENT)
		return sp_fail(
			err, code, SP_EXIT_FAILED,
			"%s/dataplane is missing, which says how instance %s is attached: run "
			"`sallyport down`, then `sallyport up`",
			instance->run, instance->name);
	/* Interface numbers mean something else elsewhere. */
	if (!code)
		code = sp_netns_check(instance, record.netns, err);
	if (code)
		return code;
	fill(status, instance, &record);
	return 0;
}
