/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The work of a verifier that lets RADIUS servers end and change sessions. */
#ifndef SP_VERIFIER_AUTHORITY_H
#define SP_VERIFIER_AUTHORITY_H

#include "ipc/ipc.h"

/* Before privileges are given up. */
void sp_verifier_authority_open(const struct sp_ipc_verifier_setup *setup);

/* Hear what servers want and have the keeper do it until it goes away: -EPIPE, or another negative
 * errno. */
int sp_verifier_authority(void);

#endif
