/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/metrics_output.h"
#include "cli/open.h"
#include "cli/output.h"
#include "lib/metrics.h"

/* What can be told without the daemon. */
static int write_own(FILE *out, const struct sp_maps *maps, const struct sp_clock *clock,
                     struct sp_error *err)
{
	static struct sp_dataplane_status status;
	struct sp_openmetrics metrics = {.out = out};
	struct sp_census census;
	int code = sp_dataplane_status(&maps->instance, &status, err);

	if (!code)
		code = sp_census_take(&census, maps, clock, err);
	if (!code)
		code = sp_metrics_write(&metrics,
		                        &(struct sp_metrics_source){
						.maps = maps,
						.status = &status,
						.census = &census,
						.daemon = status.daemon != 0,
					},
		                        err);
	sp_openmetrics_end(&metrics);
	return code;
}

/* @text is freed by the caller. */
static int make_own(char **text, const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_clock clock;
	struct sp_maps maps;
	size_t length;
	FILE *out;
	int code = sp_open_maps(invocation, &maps, &clock, err);

	if (code)
		return code;
	out = open_memstream(text, &length);
	code = out ? write_own(out, &maps, &clock, err) : -ENOMEM;
	if (out && fclose(out))
		code = -ENOMEM;
	if (code == -ENOMEM)
		sp_fail(err, code, SP_EXIT_FAILED, "out of memory");
	sp_maps_close(&maps);
	return code;
}

int sp_metrics_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	char *text = NULL;
	int code = make_own(&text, invocation, err);

	if (!code && invocation->json)
		code = sp_put_metrics_json(text, err);
	else if (!code && invocation->option[SP_OPTION_PROMETHEUS])
		sp_openmetrics_plain(text, stdout);
	else if (!code)
		fputs(text, stdout);
	free(text);
	return code;
}
