/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metrics/sandbox.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "ipc/ipc.h"
#include "metrics/server.h"

static const struct sp_sandbox_rule rules[] = {
	/* The text, a file that comes from the keeper. */
	SP_SANDBOX_CALL_IF(recvmsg, SP_SANDBOX_INT(0, SP_IPC_KEEPER_FD)),
	SP_SANDBOX_CALL(pread64),
	/* libmicrohttpd: its events and its connections. */
	SP_SANDBOX_CALL(accept4),
	SP_SANDBOX_CALL(epoll_ctl),
	SP_SANDBOX_CALL(epoll_wait),
	SP_SANDBOX_CALL(epoll_pwait),
	SP_SANDBOX_CALL(sendmsg),
	SP_SANDBOX_CALL(shutdown),
	SP_SANDBOX_CALL_IF(setsockopt, SP_SANDBOX_INT(1, IPPROTO_TCP),
                           SP_SANDBOX_INT(2, TCP_NODELAY)),
	SP_SANDBOX_CALL_IF(setsockopt, SP_SANDBOX_INT(1, IPPROTO_TCP), SP_SANDBOX_INT(2, TCP_CORK)),
};

const struct sp_sandbox sp_metrics_sandbox = {
	.rules = rules,
	.rule_count = sizeof(rules) / sizeof(*rules),
	.files = SP_METRICS_CONNECTIONS + 32,
	.memory = 64u << 20,
};
