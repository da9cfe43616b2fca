/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/programs.h"

#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/bpffs.h"
#include "lib/netlink.h"

static bool is_veth(const char *interface)
{
	struct sp_interface link;

	return !sp_netlink_link(interface, &link, NULL) && !strcmp(link.kind, "veth");
}

int sp_programs_for(const struct sp_programs *programs, const struct sp_hook *hook,
                    enum sp_hook_mode mode)
{
	switch (hook->kind) {
	case SP_HOOK_TC_IN:
		return programs->in;
	case SP_HOOK_TC_OUT:
		return programs->out;
	default:
		if (mode == SP_HOOK_GENERIC)
			return programs->xdp_skb;
		return is_veth(hook->interface) ? programs->xdp_veth : programs->xdp;
	}
}

static int open_one(int *fd, const struct sp_instance *instance, const char *name,
                    struct sp_error *err)
{
	char path[SP_PIN_PATH];

	snprintf(path, sizeof(path), "%s/programs/%s", instance->pins, name);
	*fd = bpf_obj_get(path);
	if (*fd >= 0)
		return 0;
	return sp_fail(err, *fd, SP_EXIT_FAILED, "cannot open %s: %s; run `sallyport up`", path,
	               strerror(-*fd));
}

int sp_programs_open(struct sp_programs *programs, const struct sp_instance *instance,
                     struct sp_error *err)
{
	int code;

	*programs =
		(struct sp_programs){.in = -1, .out = -1, .xdp = -1, .xdp_veth = -1, .xdp_skb = -1};
	code = open_one(&programs->in, instance, "sallyport_in", err);
	if (!code)
		code = open_one(&programs->out, instance, "sallyport_out", err);
	if (!code)
		code = open_one(&programs->xdp, instance, "sallyport_xdp", err);
	if (!code)
		code = open_one(&programs->xdp_veth, instance, "sallyport_xdp_veth", err);
	if (!code)
		code = open_one(&programs->xdp_skb, instance, "sallyport_xdp_skb", err);
	if (code)
		sp_programs_close(programs);
	return code;
}

void sp_programs_close(struct sp_programs *programs)
{
	const int files[] = {programs->in, programs->out, programs->xdp, programs->xdp_veth,
	                     programs->xdp_skb};

	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i] >= 0)
			close(files[i]);
}
