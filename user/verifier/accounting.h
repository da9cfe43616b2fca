/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The work of a verifier that tells RADIUS servers of sessions. */
#ifndef SP_VERIFIER_ACCOUNTING_H
#define SP_VERIFIER_ACCOUNTING_H

#include "ipc/ipc.h"
#include "lib/error.h"

/* Before privileges are given up. @setup must stay. 0 or negative errno. */
int sp_verifier_accounting_open(const struct sp_ipc_radius *setup, struct sp_error *err);

/* Tell the servers what the keeper says until it goes away: -EPIPE, or another negative errno. */
int sp_verifier_account(void);

#endif
