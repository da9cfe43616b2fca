/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_GARDEN_SANDBOX_H
#define SP_GARDEN_SANDBOX_H

#include "ipc/sandbox.h"

/* What the reader of DNS answers asks of the kernel while it reads. */
extern const struct sp_sandbox sp_garden_sandbox;

#endif
