/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_METRICS_SANDBOX_H
#define SP_METRICS_SANDBOX_H

#include "ipc/sandbox.h"

extern const struct sp_sandbox sp_metrics_sandbox;

#endif
