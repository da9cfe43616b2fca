/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cli/command.h"
#include "cli/open.h"
#include "keeper/keeper.h"
#include "keeper/logbook.h"
#include "lib/bpffs.h"
#include "lib/log.h"

/* What the command line says goes before the configuration. */
static int read_level(const struct sp_invocation *invocation, struct sp_config *config,
                      struct sp_error *err)
{
	const char *level = invocation->option[SP_OPTION_LOG_LEVEL];

	if (invocation->option[SP_OPTION_VERBOSE])
		config->log_level = SP_LOG_DEBUG;
	if (!level)
		return 0;
	if (invocation->option[SP_OPTION_VERBOSE])
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "--log-level and --verbose: expected one of them");
	for (enum sp_log_level one = SP_LOG_ERROR; one <= SP_LOG_DEBUG; one++)
		if (!strcmp(level, sp_log_word(one))) {
			config->log_level = one;
			return 0;
		}
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "--log-level: expected error, warning, notice, info or debug, got \"%s\"",
	               level);
}

int sp_run_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	static struct sp_config config;
	int code = sp_open_config(invocation, &config, true, err);

	if (!code)
		code = read_level(invocation, &config, err);
	if (!code)
		code = sp_bpffs_check(err);
	if (!code)
		code = sp_logbook_open(&config, &invocation->instance, err);
	if (code)
		return code;
	code = sp_keeper_run(&invocation->instance, &config, err);
	/* stderr is told by whoever called this. */
	if (code && sp_logbook_elsewhere())
		sp_log(SP_LOG_ERROR, "%s", err->text);
	return code;
}
