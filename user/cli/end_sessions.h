/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Putting out whom a user or a voucher has let in. */
#ifndef SP_CLI_END_SESSIONS_H
#define SP_CLI_END_SESSIONS_H

#include "lib/instance.h"
#include "lib/who.h"

/*
 * End every session that goes on of @name by @method. Without a loaded instance there are none.
 * 0 or a negative errno; @count is how many were ended in either case.
 */
int sp_end_sessions(const struct sp_instance *instance, enum sp_method method, const char *name,
                    unsigned *count, struct sp_error *err);

#endif
