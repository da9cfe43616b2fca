/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/hook.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/netlink.h"
#include "lib/netlink_request.h"

/* Linux 6.6; the headers of libbpf 1.1 are older. */
#define TCX_INGRESS ((enum bpf_attach_type)46)
#define TCX_EGRESS  ((enum bpf_attach_type)47)

const char *sp_hook_mode_name(enum sp_hook_mode mode)
{
	static const char *const names[] = {
		[SP_HOOK_NONE] = "none", [SP_HOOK_NATIVE] = "native", [SP_HOOK_GENERIC] = "generic",
		[SP_HOOK_TCX] = "tcx",   [SP_HOOK_CLSACT] = "clsact",
	};

	return names[mode];
}

const char *sp_hook_kind_name(enum sp_hook_kind kind)
{
	static const char *const names[] = {
		[SP_HOOK_TC_IN] = "tc-in",
		[SP_HOOK_TC_OUT] = "tc-out",
		[SP_HOOK_XDP] = "xdp",
	};

	return names[kind];
}

static enum sp_hook_mode link_mode(const struct sp_hook *hook)
{
	struct sp_interface interface;

	if (hook->kind != SP_HOOK_XDP)
		return SP_HOOK_TCX;
	if (!sp_netlink_link_at(hook->ifindex, &interface, NULL) && interface.xdp_mode &&
	    !strcmp(interface.xdp_mode, "generic"))
		return SP_HOOK_GENERIC;
	return SP_HOOK_NATIVE;
}

/* Of struct bpf_link_info.tcx, which libbpf 1.1 does not know: it begins where .xdp does. */
static uint32_t link_ifindex(const struct bpf_link_info *info)
{
	return info->xdp.ifindex;
}

void sp_hook_find(struct sp_hook *hook, const struct sp_instance *instance, enum sp_hook_kind kind,
                  const char *interface, uint32_t ifindex, bool *own_qdisc)
{
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);
	int fd;

	*hook = (struct sp_hook){.kind = kind, .ifindex = ifindex, .own_qdisc = own_qdisc};
	snprintf(hook->interface, sizeof(hook->interface), "%s", interface);
	sp_pin_of_link(hook->pin, sizeof(hook->pin), instance, sp_hook_kind_name(kind), interface);
	fd = bpf_obj_get(hook->pin);
	/* The link of an interface that was removed, or removed and made again, holds nothing. */
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && ifindex &&
	    link_ifindex(&info) == ifindex) {
		hook->mode = link_mode(hook);
		hook->program_id = info.prog_id;
	} else if (ifindex && kind != SP_HOOK_XDP) {
		hook->program_id = sp_clsact_program(hook, instance);
		hook->mode = hook->program_id ? SP_HOOK_CLSACT : SP_HOOK_NONE;
	}
	hook->lost = fd >= 0 && hook->mode == SP_HOOK_NONE;
	if (fd >= 0)
		close(fd);
}

static uint32_t mode_flag(enum sp_hook_mode mode)
{
	return mode == SP_HOOK_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
}

static enum bpf_attach_type tcx_side(const struct sp_hook *hook)
{
	return hook->kind == SP_HOOK_TC_IN ? TCX_INGRESS : TCX_EGRESS;
}

int sp_hook_tcx_programs(const struct sp_hook *hook, uint32_t *ids, unsigned room)
{
	LIBBPF_OPTS(bpf_prog_query_opts, opts, .prog_ids = ids, .prog_cnt = room);
	int code = bpf_prog_query_opts((int)hook->ifindex, tcx_side(hook), &opts);

	return code ? code : (int)opts.prog_cnt;
}

static int create_link(const struct sp_hook *hook, enum sp_hook_mode mode, int program_fd)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, opts);

	if (mode == SP_HOOK_TCX)
		return bpf_link_create(program_fd, (int)hook->ifindex, tcx_side(hook), &opts);
	opts.flags = mode_flag(mode);
	return bpf_link_create(program_fd, (int)hook->ifindex, BPF_XDP, &opts);
}

/* What a refusal means. @code is what bpf_link_create returned. */
static int refused(const struct sp_hook *hook, enum sp_hook_mode mode, int program_fd, int code,
                   struct sp_error *err)
{
	char reason[SP_NETLINK_REASON];

	if (code == -EPERM)
		return sp_fail(err, code, SP_EXIT_PERMISSION,
		               "no permission to attach a program to %s: run as root",
		               hook->interface);
	if (mode == SP_HOOK_TCX && (code == -EINVAL || code == -EOPNOTSUPP))
		return sp_fail(err, -EOPNOTSUPP, SP_EXIT_FAILED, "this kernel has no tcx");
	if (mode == SP_HOOK_TCX)
		return sp_fail(err, code, SP_EXIT_FAILED, "cannot attach tcx to %s: %s",
		               hook->interface, strerror(-code));
	if ((code == -EBUSY || code == -EEXIST) && sp_hook_check_foreign(hook, 0, err))
		return -EBUSY;
	if (code == -ENODEV)
		return sp_fail(err, code, SP_EXIT_NOT_FOUND, "interface %s has just vanished",
		               hook->interface);
	if (code == -EOPNOTSUPP)
		return sp_fail(err, code, SP_EXIT_FAILED, "its driver has no %s XDP",
		               sp_hook_mode_name(mode));
	sp_hook_reason(hook->ifindex, mode_flag(mode), program_fd, code, reason, sizeof(reason));
	return sp_fail(err, -EOPNOTSUPP, SP_EXIT_FAILED, "%s XDP refused: %s",
	               sp_hook_mode_name(mode), reason);
}

static uint32_t program_id(int program_fd)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(program_fd, &info, &size) ? 0 : info.id;
}

int sp_hook_attach(struct sp_hook *hook, enum sp_hook_mode mode, int program_fd,
                   struct sp_error *err)
{
	int fd, code;

	if (mode == SP_HOOK_CLSACT) {
		code = sp_clsact_attach(hook, program_fd, err);
	} else {
		fd = create_link(hook, mode, program_fd);
		if (fd < 0)
			return refused(hook, mode, program_fd, fd, err);
		code = sp_pin(fd, hook->pin, err);
		close(fd);
	}
	if (code)
		return code;
	hook->mode = mode;
	hook->program_id = program_id(program_fd);
	return 0;
}

static int update_link(const struct sp_hook *hook, int program_fd, struct sp_error *err)
{
	int fd = bpf_obj_get(hook->pin), code;

	if (fd < 0)
		return sp_fail(err, fd, SP_EXIT_FAILED, "cannot open %s: %s", hook->pin,
		               strerror(-fd));
	code = bpf_link_update(fd, program_fd, NULL);
	close(fd);
	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED, "cannot update %s: %s", hook->pin,
		               strerror(-code));
	return 0;
}

int sp_hook_update(struct sp_hook *hook, int program_fd, struct sp_error *err)
{
	int code = hook->mode == SP_HOOK_CLSACT ? sp_clsact_update(hook, program_fd, err)
	                                        : update_link(hook, program_fd, err);

	if (!code)
		hook->program_id = program_id(program_fd);
	return code;
}

/* Not only unpinned: somebody's open descriptor must not keep the program on the interface. */
static int detach_link(const struct sp_hook *hook, struct sp_error *err)
{
	int fd = bpf_obj_get(hook->pin), code;

	if (fd == -ENOENT)
		return 0;
	/* Nothing to detach when the interface is gone. */
	code = fd < 0 || hook->mode == SP_HOOK_NONE ? fd : bpf_link_detach(fd);
	if (code > 0)
		code = 0;
	if (fd >= 0)
		close(fd);
	if (unlink(hook->pin) && errno != ENOENT && !code)
		code = -errno;
	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED, "cannot detach %s: %s", hook->pin,
		               strerror(-code));
	return 0;
}

int sp_hook_detach(struct sp_hook *hook, struct sp_error *err)
{
	int code = 0;

	if (hook->mode == SP_HOOK_CLSACT)
		code = sp_clsact_detach(hook, err);
	else
		code = detach_link(hook, err);
	/* Of an `up` that was killed between the qdisc and its filter. */
	if (!code && hook->mode == SP_HOOK_NONE && hook->ifindex)
		code = sp_clsact_drop_qdisc(hook, err);
	if (!code)
		hook->mode = SP_HOOK_NONE;
	return code;
}
