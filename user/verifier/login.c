/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/login.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "ipc/ipc.h"
#include "verifier/check.h"

static int wait_for_keeper(void)
{
	struct pollfd keeper = {.fd = SP_IPC_KEEPER_FD, .events = POLLIN};

	return poll(&keeper, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

/* The keeper asks again only after the answer, so there is always room for it. */
static int judge(const struct sp_ipc_verifier_setup *setup)
{
	static struct sp_ipc_check check;
	static struct sp_ipc_verdict verdict;
	int ret = sp_ipc_receive_check(SP_IPC_KEEPER_FD, &check);

	if (ret)
		return ret;
	sp_check(setup, (uint64_t)time(NULL), &check, &verdict);
	explicit_bzero(&check, sizeof(check));
	return sp_ipc_send(SP_IPC_KEEPER_FD, &verdict, sizeof(verdict));
}

int sp_verifier_judge(const struct sp_ipc_verifier_setup *setup)
{
	int ret;

	do
		ret = judge(setup);
	while (!ret || (ret == -EAGAIN && !(ret = wait_for_keeper())));
	return ret;
}
