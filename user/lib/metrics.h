/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the maps, the interfaces and the files of an instance say, as metrics: the same for the
 * daemon and for a command that finds no daemon. Without the daemon's own (keeper/metrics.h).
 */
#ifndef SP_LIB_METRICS_H
#define SP_LIB_METRICS_H

#include <stdbool.h>

#include "lib/census.h"
#include "lib/dataplane.h"
#include "lib/maps.h"
#include "lib/openmetrics.h"

/* Nothing here is owned. */
struct sp_metrics_source {
	const struct sp_maps *maps;
	const struct sp_dataplane_status *status;
	const struct sp_census *census; /* NULL: nobody has counted */
	bool daemon;                    /* it runs */
};

/* Write all of it. What cannot be read fails before anything is written. 0 or negative errno. */
int sp_metrics_write(struct sp_openmetrics *metrics, const struct sp_metrics_source *source,
                     struct sp_error *err);

#endif
