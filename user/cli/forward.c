/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/status_output.h"
#include "lib/dataplane.h"

static int read_mode(const char *text, enum sp_forward *forward, struct sp_error *err)
{
	*forward = strcmp(text, "route") != 0 ? SP_FORWARD_STACK : SP_FORWARD_ROUTE;
	if (*forward == SP_FORWARD_ROUTE || !strcmp(text, "stack"))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "forward: expected stack or route, got \"%s\"",
	               text);
}

/* Downloads need it, and nobody wants one direction alone. */
static int check_uplink(const struct sp_dataplane_status *status, struct sp_error *err)
{
	for (unsigned i = 0; i < status->attachment_count; i++)
		if (status->attachment[i].uplink && strcmp(status->attachment[i].mode, "none") != 0)
			return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_FAILED,
	               "forward: no uplink is attached: set `uplink` in [gateway], then run "
	               "`sallyport up`");
}

static int set(const struct sp_invocation *invocation, enum sp_forward forward,
               struct sp_error *err)
{
	struct sp_clock clock;
	struct sp_maps maps;
	int code = sp_open_maps(invocation, &maps, &clock, err);

	if (code)
		return code;
	code = sp_maps_set(&maps, offsetof(struct sp_settings, route_zones),
	                   forward == SP_FORWARD_ROUTE, err);
	sp_maps_close(&maps);
	return code;
}

int sp_forward_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	static struct sp_dataplane_status status;
	enum sp_forward forward = SP_FORWARD_STACK;
	int code = 0;

	if (invocation->operand)
		code = read_mode(invocation->operand, &forward, err);
	if (!code)
		code = sp_dataplane_status(&invocation->instance, &status, err);
	if (!code && forward == SP_FORWARD_ROUTE)
		code = check_uplink(&status, err);
	if (!code && invocation->operand)
		code = set(invocation, forward, err);
	if (!code && invocation->operand)
		code = sp_dataplane_status(&invocation->instance, &status, err);
	if (code)
		return code;
	if (invocation->json)
		return sp_put_json(sp_status_json(&invocation->instance, &status), err);
	printf("Authorized clients' packets are forwarded by: %s\n",
	       sp_forward_name(status.forward));
	sp_put_attachments(&status);
	sp_put_forward(&status);
	return 0;
}
