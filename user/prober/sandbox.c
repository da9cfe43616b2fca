/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prober/sandbox.h"

#include "ipc/prober.h"

const struct sp_sandbox sp_prober_sandbox = {
	.files = SP_IPC_FIRST_FD + SP_PROBE_FILES + 1,
	.memory = 32u << 20,
};
