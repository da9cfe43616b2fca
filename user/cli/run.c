/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/command.h"
#include "cli/open.h"
#include "keeper/keeper.h"
#include "lib/bpffs.h"

int sp_run_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	static struct sp_config config;
	int code = sp_open_config(invocation, &config, true, err);

	if (!code)
		code = sp_bpffs_check(err);
	return code ? code : sp_keeper_run(&invocation->instance, &config, err);
}
