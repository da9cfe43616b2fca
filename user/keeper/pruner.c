/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/pruner.h"

#include <errno.h>
#include <stdbool.h>
#include <time.h>

#include "lib/ledger_care.h"
#include "lib/monotonic.h"
#include "lib/session.h"

#define PERIOD_MS 3600000
#define PAUSE_MS  100 /* between two pieces */
#define PIECE     500 /* rows of one transaction: 5 to 10 ms */
#define STEP      60  /* s: more than clocks drift in an hour */

static int64_t lead(void)
{
	return (int64_t)time(NULL) - (int64_t)(sp_monotonic_ms() / 1000);
}

void sp_pruner_init(struct sp_pruner *pruner, struct sp_maps *maps)
{
	*pruner = (struct sp_pruner){
		.maps = maps,
		.due = sp_monotonic_ms() + PERIOD_MS,
		.clock = lead(),
		.log = {.burst = 5},
	};
}

static bool was_set(struct sp_pruner *pruner)
{
	int64_t now = lead(), step = now - pruner->clock;

	pruner->clock = now;
	return step > STEP || step < -STEP;
}

/* 1: there may be more. Also without a retention: refused logins have a bound of their own. */
static int prune(struct sp_pruner *pruner, const struct sp_config *config, struct sp_error *err)
{
	struct sp_ledger *ledger = sp_session_ledger(pruner->maps, err);
	uint64_t now = (uint64_t)time(NULL), retention = config->retention;
	unsigned removed = 0;
	int ret;

	if (!ledger)
		return -EIO;
	ret = sp_ledger_prune(ledger, retention && retention < now ? now - retention : 0, PIECE,
	                      &removed, err);
	return ret ? ret : removed > 0;
}

uint64_t sp_pruner_attend(struct sp_pruner *pruner, const struct sp_config *config)
{
	uint64_t now = sp_monotonic_ms();
	struct sp_error err;
	int ret;

	if (now < pruner->due)
		return pruner->due;
	pruner->due = now + PERIOD_MS;
	if (was_set(pruner))
		return pruner->due;
	ret = prune(pruner, config, &err);
	if (ret < 0)
		sp_log_limited(&pruner->log, SP_LOG_ERROR, "cannot delete what is old: %s",
		               err.text);
	if (ret > 0)
		pruner->due = now + PAUSE_MS;
	return pruner->due;
}
