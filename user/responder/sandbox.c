/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "responder/sandbox.h"

#include <sys/socket.h>

#include "ipc/ipc.h"
#include "responder/server.h"

static const struct sp_sandbox_rule rules[] = {
	SP_SANDBOX_CALL(accept4),
	SP_SANDBOX_CALL(recvmmsg),
	SP_SANDBOX_CALL(sendmmsg),
	SP_SANDBOX_CALL(epoll_ctl),
	SP_SANDBOX_CALL(epoll_wait),
	SP_SANDBOX_CALL(epoll_pwait),
	SP_SANDBOX_CALL(shutdown),
	SP_SANDBOX_CALL_IF(setsockopt, SP_SANDBOX_INT(1, SOL_SOCKET), SP_SANDBOX_INT(2, SO_LINGER)),
};

const struct sp_sandbox sp_responder_sandbox = {
	.rules = rules,
	.rule_count = sizeof(rules) / sizeof(*rules),
	.files = SP_SERVER_CONNECTIONS + SP_SERVER_OWN_FILES + SP_IPC_FIRST_FD + 4 * SP_ZONES,
	.memory = 128u << 20,
};
