/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of `client allow` that limit a session. */
#ifndef SP_CLI_CLIENT_LIMITS_H
#define SP_CLI_CLIENT_LIMITS_H

#include "cli/command.h"
#include "lib/error.h"
#include "lib/session.h"

/* 0, or a negative errno (SP_EXIT_USAGE) with a sentence that names the option. */
int sp_client_limits_read(const struct sp_invocation *invocation, struct sp_limits *limits,
                          struct sp_error *err);

#endif
