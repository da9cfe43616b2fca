/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/programs.h"

#include <bpf/bpf.h>
#include <stddef.h>
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
		if (hook->uplink)
			return mode == SP_HOOK_GENERIC ? programs->uplink_skb : programs->uplink;
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

/* What is pinned under which name. */
static const struct {
	const char *name;
	size_t fd;
} pinned[] = {
	{"sallyport_in", offsetof(struct sp_programs, in)},
	{"sallyport_out", offsetof(struct sp_programs, out)},
	{"sallyport_xdp", offsetof(struct sp_programs, xdp)},
	{"sallyport_xdp_veth", offsetof(struct sp_programs, xdp_veth)},
	{"sallyport_xdp_skb", offsetof(struct sp_programs, xdp_skb)},
	{"sallyport_uplink", offsetof(struct sp_programs, uplink)},
	{"sallyport_uplink_skb", offsetof(struct sp_programs, uplink_skb)},
};

#define PINNED (sizeof(pinned) / sizeof(pinned[0]))

static int *descriptor(struct sp_programs *programs, size_t offset)
{
	return (int *)(void *)((char *)programs + offset);
}

int sp_programs_open(struct sp_programs *programs, const struct sp_instance *instance,
                     struct sp_error *err)
{
	int code = 0;

	for (size_t i = 0; i < PINNED; i++)
		*descriptor(programs, pinned[i].fd) = -1;
	for (size_t i = 0; i < PINNED && !code; i++)
		code = open_one(descriptor(programs, pinned[i].fd), instance, pinned[i].name, err);
	if (code)
		sp_programs_close(programs);
	return code;
}

static bool has_id(int fd, uint32_t id)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &size) && info.id == id;
}

int sp_programs_by_id(const struct sp_instance *instance, uint32_t id)
{
	for (size_t i = 0; i < PINNED; i++) {
		int fd;

		if (open_one(&fd, instance, pinned[i].name, NULL))
			continue;
		if (has_id(fd, id))
			return fd;
		close(fd);
	}
	return bpf_prog_get_fd_by_id(id);
}

void sp_programs_close(struct sp_programs *programs)
{
	for (size_t i = 0; i < PINNED; i++) {
		int fd = *descriptor(programs, pinned[i].fd);

		if (fd >= 0)
			close(fd);
	}
}
