/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/sandbox.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "portal/server.h"

static const struct sp_sandbox_rule rules[] = {
	/* `origins`, by its read-only descriptor. */
	SP_SANDBOX_CALL_IF(bpf, SP_SANDBOX_INT(0, BPF_MAP_LOOKUP_ELEM)),
	SP_SANDBOX_CALL(accept4),
	SP_SANDBOX_CALL(getpeername),
	SP_SANDBOX_CALL(getsockname),
	/* libmicrohttpd: its events, of which one is an eventfd that wakes it up, ... */
	SP_SANDBOX_CALL(epoll_ctl),
	SP_SANDBOX_CALL(epoll_wait),
	SP_SANDBOX_CALL(epoll_pwait),
	SP_SANDBOX_CALL(read),
	SP_SANDBOX_CALL(write),
	/* ... and its connections. */
	SP_SANDBOX_CALL(sendmsg),
	SP_SANDBOX_CALL(shutdown),
	SP_SANDBOX_CALL_IF(getsockopt, SP_SANDBOX_INT(1, SOL_SOCKET)),
	SP_SANDBOX_CALL_IF(setsockopt, SP_SANDBOX_INT(1, IPPROTO_TCP),
                           SP_SANDBOX_INT(2, TCP_NODELAY)),
	SP_SANDBOX_CALL_IF(setsockopt, SP_SANDBOX_INT(1, IPPROTO_TCP), SP_SANDBOX_INT(2, TCP_CORK)),
	SP_SANDBOX_CALL_IF(fcntl, SP_SANDBOX_INT(1, F_GETFL)),
	SP_SANDBOX_CALL_IF(fcntl, SP_SANDBOX_INT(1, F_SETFL)),
	SP_SANDBOX_CALL_IF(fcntl, SP_SANDBOX_INT(1, F_GETFD)),
	SP_SANDBOX_CALL_IF(fcntl, SP_SANDBOX_INT(1, F_SETFD)),
};

const struct sp_sandbox sp_portal_sandbox = {
	.rules = rules,
	.rule_count = sizeof(rules) / sizeof(*rules),
	.files = SP_PORTAL_CONNECTIONS + 64,
	.memory = 256u << 20,
};
