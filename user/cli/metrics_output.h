/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The metrics in the forms that `sallyport metrics` has. */
#ifndef SP_CLI_METRICS_OUTPUT_H
#define SP_CLI_METRICS_OUTPUT_H

#include "lib/error.h"

/* Write @text, which is OpenMetrics as lib/openmetrics.h writes it, as objects, one a sample. 0 or
 * negative errno. */
int sp_put_metrics_json(const char *text, struct sp_error *err);

#endif
