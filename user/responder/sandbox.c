/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "responder/sandbox.h"

#include <sys/socket.h>

#include "ipc/ipc.h"
#include "responder/server.h"

/* Of the file numbers from @first on @count, a power of 2 that divides @first. */
#define FILES(call, first, count) \
	SP_SANDBOX_CALL_IF(call, SP_SANDBOX_BITS(0, UINT32_MAX - ((count)-1u), first))

_Static_assert(SP_IPC_KEEPER_FD < 4 && SP_IPC_FIRST_FD >= 4, "what is given begins there");
_Static_assert(SP_IPC_FIRST_FD + SP_IPC_RESPONDER_FILES(SP_ZONES) <= 72, "and ends there");

static const struct sp_sandbox_rule rules[] = {
	SP_SANDBOX_CALL(accept4),
	/* Of the sockets that a responder is given, not of the keeper's. */
	FILES(recvmmsg, 4, 4),
	FILES(recvmmsg, 8, 8),
	FILES(recvmmsg, 16, 16),
	FILES(recvmmsg, 32, 32),
	FILES(recvmmsg, 64, 8),
	/* Only from those that send from an address of this machine. */
	SP_SANDBOX_CALL_IF(sendmmsg, SP_SANDBOX_INT(0, SP_IPC_FIRST_FD)),
	SP_SANDBOX_CALL_IF(sendmmsg, SP_SANDBOX_INT(0, SP_IPC_FIRST_FD + 1)),
	SP_SANDBOX_CALL(epoll_ctl),
	SP_SANDBOX_CALL(epoll_wait),
	SP_SANDBOX_CALL(epoll_pwait),
	SP_SANDBOX_CALL(shutdown),
	SP_SANDBOX_CALL_IF(setsockopt, SP_SANDBOX_INT(1, SOL_SOCKET), SP_SANDBOX_INT(2, SO_LINGER)),
};

const struct sp_sandbox sp_responder_sandbox = {
	.rules = rules,
	.rule_count = sizeof(rules) / sizeof(*rules),
	.files = SP_SERVER_CONNECTIONS + SP_SERVER_OWN_FILES + SP_IPC_FIRST_FD +
                 SP_IPC_RESPONDER_FILES(SP_ZONES),
	.memory = 128u << 20,
};
