/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_RESPONDER_SANDBOX_H
#define SP_RESPONDER_SANDBOX_H

#include "ipc/sandbox.h"

/* What a responder asks of the kernel while it serves. */
extern const struct sp_sandbox sp_responder_sandbox;

#endif
