/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Responder: answers captured HTTP (see ipc/ipc.h for how it is started). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/ipc.h"
#include "lib/error.h"
#include "lib/log.h"
#include "responder/respond.h"
#include "responder/server.h"

static struct sp_ipc_responder_setup setup;
static struct sp_knowledge knowledge;
static struct sp_server server;

static int receive_setup(struct sp_error *err)
{
	int ret = sp_ipc_receive(SP_IPC_KEEPER_FD, SP_IPC_RESPONDER_SETUP, &setup, sizeof(setup));

	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED,
		               "no setup on file descriptor %d: %s; this program is started by "
		               "sallyportd",
		               SP_IPC_KEEPER_FD, strerror(-ret));
	return 0;
}

static int become_unprivileged(struct sp_error *err)
{
	int ret = strnlen(setup.root, sizeof(setup.root)) < sizeof(setup.root) ? 0 : -EINVAL;

	if (!ret)
		ret = sp_drop_privileges(setup.root, setup.uid, setup.gid,
		                         SP_SERVER_FILES(&sp_server_defaults) + SP_IPC_FIRST_FD +
		                                 2);
	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED, "cannot give up privileges: %s",
		               strerror(-ret));
	return 0;
}

static int tell_ready(struct sp_error *err)
{
	struct sp_ipc_ready ready = {.header.kind = SP_IPC_READY};
	int ret = sp_ipc_send(SP_IPC_KEEPER_FD, &ready, sizeof(ready));

	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED, "keeper: %s", strerror(-ret));
	return 0;
}

static int start(struct sp_error *err)
{
	static const int listener[2] = {SP_IPC_FIRST_FD, SP_IPC_FIRST_FD + 1};
	int ret = receive_setup(err);

	if (!ret)
		ret = sp_knowledge_load(&knowledge, &setup, err);
	if (!ret)
		ret = become_unprivileged(err);
	if (!ret)
		ret = sp_server_init(&server, &sp_server_defaults, &knowledge, listener,
		                     SP_IPC_KEEPER_FD, err);
	return ret ? ret : tell_ready(err);
}

int main(void)
{
	struct sp_error err;
	int ret;

	sp_log_name("sallyport-responder");
	if (start(&err)) {
		sp_log(SP_LOG_ERROR, "%s", err.text);
		return EXIT_FAILURE;
	}
	do
		ret = sp_server_turn(&server, -1);
	while (ret == 0);
	if (ret < 0)
		sp_log(SP_LOG_ERROR, "epoll: %s", strerror(-ret));
	/* Otherwise the keeper is gone, and so are we. */
	return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
