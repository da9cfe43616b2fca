/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that the daemon and its children count, as metrics (lib/openmetrics.h). */
#ifndef SP_KEEPER_METRICS_H
#define SP_KEEPER_METRICS_H

#include "keeper/state.h"
#include "lib/openmetrics.h"

/* Write what the daemon knows besides what lib/metrics.h writes. The children's books
 * (keeper/tally.h) have been looked at. */
void sp_metrics_daemon(struct sp_openmetrics *metrics, const struct sp_keeper *keeper);

#endif
