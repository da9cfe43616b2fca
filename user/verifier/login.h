/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The work of a verifier that judges logins. */
#ifndef SP_VERIFIER_LOGIN_H
#define SP_VERIFIER_LOGIN_H

#include "ipc/ipc.h"

/* Answer one CHECK after the other until the keeper goes away: -EPIPE, or another negative errno.
 */
int sp_verifier_judge(const struct sp_ipc_verifier_setup *setup);

#endif
