/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/sandbox.h"

#include "ipc/ipc.h"

const struct sp_sandbox sp_verifier_sandbox = {
	.files = SP_IPC_FIRST_FD,
	/* What yescrypt takes at the highest cost that crypt(5) offers is 1 GiB. */
	.memory = (1u << 30) + (64u << 20),
};
