/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_VERIFIER_SANDBOX_H
#define SP_VERIFIER_SANDBOX_H

#include "ipc/sandbox.h"

/* What a verifier asks of the kernel that speaks to nobody but the keeper. */
extern const struct sp_sandbox sp_verifier_sandbox;

/* Of the one that hears what RADIUS servers want: no other socket than its own. */
extern const struct sp_sandbox sp_authority_sandbox;

#endif
