/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_PROBER_SANDBOX_H
#define SP_PROBER_SANDBOX_H

#include "ipc/sandbox.h"

/* What the doctor's prober asks of the kernel: nothing but to speak on its sockets. */
extern const struct sp_sandbox sp_prober_sandbox;

#endif
