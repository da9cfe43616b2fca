/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/command.h"
#include "cli/output.h"
#include "lib/dataplane.h"

int sp_down_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	int code = sp_dataplane_down(&invocation->instance, err);

	if (code || !invocation->json)
		return code;
	return sp_put_json(
		json_pack("{s:s, s:b}", "instance", invocation->instance.name, "loaded", 0), err);
}
