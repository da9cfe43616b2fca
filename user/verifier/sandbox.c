/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/sandbox.h"

#include "ipc/ipc.h"

/* Towards the RADIUS servers, each by its own socket, opened before: no other can be had. */
#define CONNECT(n) SP_SANDBOX_CALL_IF(connect, SP_SANDBOX_INT(0, SP_IPC_FIRST_FD + (n)))

static const struct sp_sandbox_rule rules[] = {CONNECT(0), CONNECT(1), CONNECT(2), CONNECT(3)};

_Static_assert(sizeof(rules) / sizeof(*rules) == SP_IPC_RADIUS_SERVERS, "one for each");

const struct sp_sandbox sp_verifier_sandbox = {
	.rules = rules,
	.rule_count = sizeof(rules) / sizeof(*rules),
	.files = SP_IPC_FIRST_FD + SP_IPC_RADIUS_SERVERS,
	/* What yescrypt takes at the highest cost that crypt(5) offers is 1 GiB. */
	.memory = (1u << 30) + (64u << 20),
};

static const struct sp_sandbox_rule authority_rules[] = {
	SP_SANDBOX_CALL_IF(recvmsg, SP_SANDBOX_INT(0, SP_IPC_FIRST_FD)),
	SP_SANDBOX_CALL_IF(sendmsg, SP_SANDBOX_INT(0, SP_IPC_FIRST_FD)),
};

const struct sp_sandbox sp_authority_sandbox = {
	.rules = authority_rules,
	.rule_count = sizeof(authority_rules) / sizeof(*authority_rules),
	.files = SP_IPC_FIRST_FD + 1,
	.memory = 64u << 20,
};
