/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics over HTTP (see ipc/ipc.h for how it is started). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/ipc.h"
#include "lib/error.h"
#include "lib/log.h"
#include "metrics/sandbox.h"
#include "metrics/server.h"

static struct sp_ipc_metrics_setup setup;
static struct sp_metrics_server server;

static int start(struct sp_error *err)
{
	int ret = sp_ipc_begin(SP_IPC_METRICS_SETUP, &setup, sizeof(setup), err);

	if (ret)
		return ret;
	if (fcntl(SP_IPC_KEEPER_FD, F_SETFL, O_NONBLOCK))
		return sp_fail(err, -errno, SP_EXIT_FAILED, "keeper: %s", strerror(errno));
	if (sp_metrics_start(&server, SP_IPC_FIRST_FD, SP_IPC_KEEPER_FD))
		return sp_fail(err, -EIO, SP_EXIT_FAILED, "HTTP does not start");
	ret = sp_ipc_confine(setup.root, sizeof(setup.root), setup.uid, setup.gid,
	                     &sp_metrics_sandbox, err);
	return ret ? ret : sp_ipc_tell_ready(err);
}

int main(void)
{
	struct sp_error err;
	int ret;

	sp_log_name("sallyport-metrics");
	signal(SIGPIPE, SIG_IGN);
	if (start(&err)) {
		sp_log(SP_LOG_ERROR, "%s", err.text);
		return EXIT_FAILURE;
	}
	do
		ret = sp_metrics_turn(&server);
	while (!ret);
	sp_metrics_stop(&server);
	if (ret == -EPIPE)
		return EXIT_SUCCESS;
	sp_log(SP_LOG_ERROR, "cannot go on: %s", strerror(-ret));
	return EXIT_FAILURE;
}
