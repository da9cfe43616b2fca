/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_CLI_APPLY_H
#define SP_CLI_APPLY_H

#include "lib/config.h"
#include "lib/error.h"
#include "lib/instance.h"

/*
 * What `up` and `reload` do: load the datapath for @config, or bring it to it, have the ledger and
 * the maps say the same, and let a running daemon take it too. 0 or negative errno: then
 * nothing has changed.
 */
int sp_apply(const struct sp_instance *instance, const struct sp_config *config,
             struct sp_error *err);

#endif
