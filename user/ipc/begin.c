/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a child begins, in the order of ipc.h. */
#include "ipc/ipc.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "ipc/tally.h"

int sp_ipc_begin(enum sp_ipc_kind kind, void *setup, uint32_t size, struct sp_error *err)
{
	int ret = sp_ipc_receive(SP_IPC_KEEPER_FD, kind, setup, size);

	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED,
		               "no setup on file descriptor %d: %s; this program is started by "
		               "sallyportd",
		               SP_IPC_KEEPER_FD, strerror(-ret));
	sp_tally_open();
	return 0;
}

int sp_ipc_confine(const char *root, uint32_t room, uint32_t uid, uint32_t gid,
                   const struct sp_sandbox *sandbox, struct sp_error *err)
{
	int ret;

	if (strnlen(root, room) == room)
		return sp_fail(err, -EINVAL, SP_EXIT_FAILED, "the setup names no empty directory");
	/* libc reads /etc/localtime at the first conversion of a time, of one to UTC too. */
	tzset();
	ret = sp_sandbox_limit(sandbox);
	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED,
		               "cannot limit itself to %u open files and %llu bytes: %s",
		               sandbox->files, (unsigned long long)sandbox->memory, strerror(-ret));
	ret = sp_drop_privileges(root, uid, gid);
	if (!ret)
		ret = sp_sandbox_close(sandbox);
	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED, "cannot give up privileges: %s",
		               strerror(-ret));
	return 0;
}

int sp_ipc_tell_ready(struct sp_error *err)
{
	struct sp_ipc_ready ready = {.header.kind = SP_IPC_READY};
	int ret = sp_ipc_send(SP_IPC_KEEPER_FD, &ready, sizeof(ready));

	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED, "keeper: %s", strerror(-ret));
	return 0;
}
