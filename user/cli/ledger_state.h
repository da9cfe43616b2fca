/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_CLI_LEDGER_STATE_H
#define SP_CLI_LEDGER_STATE_H

#include <stdbool.h>

#include "lib/error.h"
#include "lib/instance.h"

/* Whether the ledger of @instance can be written at this moment, tried by writing it; one that
 * there is not yet can be made. False with @err filled. */
bool sp_ledger_is_fine(const struct sp_instance *instance, struct sp_error *err);

#endif
