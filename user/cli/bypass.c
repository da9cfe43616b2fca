/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/output.h"

int sp_bypass_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	bool on = !strcmp(invocation->operand, "on");
	struct sp_clock clock;
	struct sp_maps maps;
	int code;

	if (!on && strcmp(invocation->operand, "off") != 0)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "bypass: expected on or off, got \"%s\"", invocation->operand);
	code = sp_open_maps(invocation, &maps, &clock, err);
	if (code)
		return code;
	code = sp_maps_set(&maps, offsetof(struct sp_settings, bypass), on, err);
	sp_maps_close(&maps);
	if (code)
		return code;
	if (invocation->json)
		return sp_put_json(json_pack("{s:b}", "bypass", (int)on), err);
	if (on)
		printf("%sThe gate is open%s: every client gets through without a login, except "
		       "the blocked ones. Close it with `sallyport bypass off`.\n",
		       sp_colour(SP_BAD), sp_colour(SP_PLAIN));
	else
		printf("The gate is closed: clients without a session are captive.\n");
	return 0;
}
