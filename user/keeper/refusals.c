/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/refusals.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "lib/ledger_log.h"
#include "lib/monotonic.h"
#include "lib/session.h"

#define COST_MS 100
#define ROOM_MS 10000 /* a hundred at once */

static bool take(struct sp_refusals *refusals)
{
	uint64_t now = sp_monotonic_ms();

	if (refusals->paid < now)
		refusals->paid = now;
	if (refusals->paid + COST_MS > now + ROOM_MS)
		return false;
	refusals->paid += COST_MS;
	return true;
}

static int note(struct sp_maps *maps, const struct sp_client_key *client, enum sp_method method,
                const char *name, const char *why, struct sp_error *err)
{
	struct sp_ledger *ledger = sp_session_ledger(maps, err);
	struct sp_who who = {.method = method};
	bool known = false;
	int ret = ledger ? 0 : -EIO;

	if (!ret && name[0] && method != SP_METHOD_VOUCHER)
		ret = sp_ledger_log_knows(ledger, name, &known, err);
	if (known)
		snprintf(who.name, sizeof(who.name), "%s", name);
	return ret ? ret
	           : sp_ledger_log_refused(ledger, client, &who, why, (uint64_t)time(NULL), err);
}

void sp_refusals_note(struct sp_refusals *refusals, struct sp_maps *maps,
                      const struct sp_client_key *client, enum sp_method method, const char *name,
                      const char *why)
{
	struct sp_error err;

	if (!take(refusals))
		return;
	if (note(maps, client, method, name, why, &err))
		sp_log_limited(&refusals->log, SP_LOG_ERROR,
		               "a refused login is not written down: %s", err.text);
}
