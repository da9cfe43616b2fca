/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_CLI_OPEN_LEDGER_H
#define SP_CLI_OPEN_LEDGER_H

#include "cli/command.h"
#include "lib/ledger.h"

/* The ledger of the instance, loaded or not: one that is there (else -ENOENT, SP_EXIT_NOT_FOUND),
 * since who only wants to look makes none. */
int sp_open_ledger(const struct sp_invocation *invocation, struct sp_ledger **ledger,
                   struct sp_error *err);

#endif
