/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and passwords that a RADIUS server judges. */
#ifndef SP_VERIFIER_RADIUS_H
#define SP_VERIFIER_RADIUS_H

#include "ipc/ipc.h"
#include "lib/error.h"

/* Open the sockets towards the servers of @setup, which must stay; before privileges are given up.
 * 0 or negative errno. */
int sp_verifier_radius_open(const struct sp_ipc_radius *setup, struct sp_error *err);

/* Ask them; fills @verdict but its header and id. Without servers: SP_IPC_DISABLED. */
void sp_verifier_radius_check(const struct sp_ipc_check *check, struct sp_ipc_verdict *verdict);

#endif
