/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "garden/sandbox.h"

#include <linux/bpf.h>

#include "ipc/ipc.h"

static const struct sp_sandbox_rule rules[] = {
	/* `garden_names`, by its read-only descriptor. The ring was mapped before. */
	SP_SANDBOX_CALL_IF(bpf, SP_SANDBOX_INT(0, BPF_MAP_LOOKUP_ELEM)),
};

const struct sp_sandbox sp_garden_sandbox = {
	.rules = rules,
	.rule_count = sizeof(rules) / sizeof(*rules),
	.files = SP_IPC_FIRST_FD + 4, /* `answers`, `garden_names`, libbpf's epoll, one to spare */
	.memory = 64u << 20,
};
