/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "cli/applied.h"
#include "cli/apply.h"
#include "cli/command.h"
#include "cli/config_check.h"
#include "cli/open.h"
#include "cli/output.h"
#include "lib/daemon.h"
#include "lib/settings.h"

static void put_changes(const json_t *changes)
{
	const json_t *one;
	size_t i;

	if (!json_array_size(changes))
		printf(changes ? "The file says what it said before.\n"
		               : "It is not known what the file said before.\n");
	json_array_foreach(changes, i, one)
	{
		const char *from = json_string_value(json_object_get(one, "from"));
		const char *to = json_string_value(json_object_get(one, "to"));

		printf("[%s] %s: %s -> %s\n", json_string_value(json_object_get(one, "section")),
		       json_string_value(json_object_get(one, "key")), from ? from : "(not said)",
		       to ? to : "(not said)");
	}
}

static int put(json_t *changes, const struct sp_config *config, int daemon, bool json,
               struct sp_error *err)
{
	if (json)
		return sp_put_json(json_pack("{s:s, s:o, s:o}", "config", config->path, "changes",
		                             changes ? changes : json_null(), "daemon",
		                             sp_json_number((uint64_t)daemon, daemon != 0)),
		                   err);
	put_changes(changes);
	json_decref(changes);
	if (daemon)
		printf("The datapath and sallyportd (process %d) have it.\n", daemon);
	else
		printf("The datapath has it; sallyportd does not run.\n");
	return 0;
}

int sp_reload_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	const struct sp_instance *instance = &invocation->instance;
	static struct sp_config config;
	json_t *changes;
	int code = sp_open_config(invocation, &config, true, err);

	if (!code && !sp_settings_loaded(instance))
		code = sp_fail(err, -ENOENT, SP_EXIT_NOT_LOADED,
		               "instance %s is not loaded; `sallyport up` loads it",
		               instance->name);
	/* What the daemon would refuse is not done by half. */
	if (!code)
		code = sp_config_check_files(&config, err);
	if (code)
		return code;
	changes = sp_applied_changes(instance, config.path);
	code = sp_apply(instance, &config, err);
	if (code) {
		json_decref(changes);
		return code;
	}
	return put(changes, &config, sp_daemon_pid(instance), invocation->json, err);
}
