/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Somebody else's XDP program on an interface: said by name, never replaced.
 */
#include "lib/hook.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/netlink.h"

/* The id of the link that holds a program on XDP of @ifindex; 0: none, it was set by netlink. */
static uint32_t find_link(uint32_t ifindex, uint32_t program)
{
	struct bpf_link_info info;
	uint32_t id = 0, size;
	int fd, code;

	while (!bpf_link_get_next_id(id, &id)) {
		fd = bpf_link_get_fd_by_id(id);
		if (fd < 0)
			continue;
		info = (struct bpf_link_info){0};
		size = sizeof(info);
		code = bpf_obj_get_info_by_fd(fd, &info, &size);
		close(fd);
		if (!code && info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == ifindex &&
		    info.prog_id == program)
			return id;
	}
	return 0;
}

void sp_hook_name_program(uint32_t id, char *name, size_t room)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd == -EPERM) {
		/* The daemon may not look at what is not its own. */
		snprintf(name, room, "(bpftool prog show id %u)", id);
		return;
	}
	snprintf(name, room, "without a name");
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.name[0])
		snprintf(name, room, "\"%s\"", info.name);
	close(fd);
}

bool sp_hook_foreign(const struct sp_hook *hook, uint32_t own_id, struct sp_foreign *foreign)
{
	struct sp_interface found;

	if (sp_netlink_link(hook->interface, &found, NULL) || !found.xdp_program_id ||
	    found.xdp_program_id == own_id)
		return false;
	*foreign = (struct sp_foreign){
		.id = found.xdp_program_id,
		.link = find_link(found.ifindex, found.xdp_program_id),
		.mode = found.xdp_mode ? found.xdp_mode : "mode unknown",
	};
	sp_hook_name_program(foreign->id, foreign->name, sizeof(foreign->name));
	return true;
}

int sp_hook_check_foreign(const struct sp_hook *hook, uint32_t own_id, struct sp_error *err)
{
	struct sp_interface found;
	struct sp_foreign foreign;
	char holder[64] = "set by netlink";
	int code = sp_netlink_link(hook->interface, &found, err);

	if (code)
		return code;
	if (!sp_hook_foreign(hook, own_id, &foreign))
		return 0;
	if (foreign.link)
		snprintf(holder, sizeof(holder), "held by bpf_link %u", foreign.link);
	return sp_fail(err, -EBUSY, SP_EXIT_FAILED,
	               "interface %s already has an XDP program, id %u %s (%s, %s): it was left "
	               "alone; remove it, or %s in [gateway]",
	               hook->interface, foreign.id, foreign.name, foreign.mode, holder,
	               hook->uplink ? "take the interface out of `uplink`" : "set `attach = tc`");
}
