/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Refused logins in the ledger's log: at most ten a second, and a hundred at once, lest strangers
 * fill the disk. Names are written of accounts that there are: people type passwords there.
 */
#ifndef SP_KEEPER_REFUSALS_H
#define SP_KEEPER_REFUSALS_H

#include <stdint.h>

#include "lib/log.h"
#include "lib/maps.h"
#include "lib/method.h"

struct sp_refusals {
	uint64_t paid; /* ms: until when those that were written are paid for */
	struct sp_log_limit log;
};

/* A login of @client by @method as @name ("": without one) is refused: @why is a few words. What
 * fails is logged. */
void sp_refusals_note(struct sp_refusals *refusals, struct sp_maps *maps,
                      const struct sp_client_key *client, enum sp_method method, const char *name,
                      const char *why);

#endif
