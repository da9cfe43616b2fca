/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/output.h"

int sp_config_check_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	static struct sp_config config;
	int code = sp_open_config(invocation, &config, false, err);

	if (code)
		return code;
	if (invocation->json)
		return sp_put_json(json_pack("{s:s, s:b}", "config", config.path, "ok", 1), err);
	printf("%s: ok\n", config.path);
	return 0;
}
