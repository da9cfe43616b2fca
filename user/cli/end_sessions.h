/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Putting out whom a user or a voucher has let in. */
#ifndef SP_CLI_END_SESSIONS_H
#define SP_CLI_END_SESSIONS_H

#include <stdbool.h>

#include "lib/instance.h"
#include "lib/ledger.h"

/*
 * End every session that goes on for which @wanted says so; without a loaded instance those that
 * would come back with the next `up`. 0 or a negative errno; @count is how many were ended in
 * either case.
 */
int sp_end_sessions(const struct sp_instance *instance,
                    bool (*wanted)(const struct sp_record *record, const void *context),
                    const void *context, unsigned *count, struct sp_error *err);

#endif
