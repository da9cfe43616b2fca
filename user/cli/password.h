/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new password, and what the ledger keeps of it. */
#ifndef SP_CLI_PASSWORD_H
#define SP_CLI_PASSWORD_H

#include "cli/command.h"
#include "lib/ledger.h"

/*
 * Ask for a password twice on the terminal, or read the first line of stdin with --password-stdin,
 * and hash it by yescrypt. The password itself is wiped. 0 or a negative errno; -EINVAL
 * (SP_EXIT_USAGE) for one that is empty, too long, holds control characters or is not typed the
 * same twice, and without a terminal.
 */
int sp_password_hash(const struct sp_invocation *invocation, char hash[SP_LEDGER_HASH],
                     struct sp_error *err);

#endif
