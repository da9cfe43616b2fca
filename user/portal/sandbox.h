/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_PORTAL_SANDBOX_H
#define SP_PORTAL_SANDBOX_H

#include "ipc/sandbox.h"

/* What the portal asks of the kernel while it serves. */
extern const struct sp_sandbox sp_portal_sandbox;

#endif
