/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <time.h>

#include "cli/command.h"
#include "cli/output.h"
#include "lib/dataplane.h"
#include "lib/ledger.h"
#include "lib/log.h"
#include "lib/maps.h"
#include "lib/session.h"

/* What sessions used is known as long as the maps are there. That they are not must not keep `down`
 * from what it is for, nor may the ledger. */
static void write_sessions(const struct sp_instance *instance)
{
	struct sp_maps maps;
	struct sp_error err;

	if (!sp_ledger_exists(instance) || sp_maps_open(&maps, instance, &err))
		return;
	if (sp_maps_map_usage(&maps, &err) || sp_session_write_all(&maps, &err))
		sp_log(SP_LOG_WARNING, "what sessions used is not written down: %s", err.text);
	sp_maps_close(&maps);
}

static void end_sessions(const struct sp_instance *instance)
{
	struct sp_ledger *ledger;
	struct sp_error err;
	int code;

	if (!sp_ledger_exists(instance))
		return;
	code = sp_ledger_open(&ledger, instance, &err);
	if (!code)
		code = sp_ledger_session_end_all(ledger, (uint64_t)time(NULL), &err);
	if (code)
		sp_log(SP_LOG_WARNING, "that sessions ended is not written down: %s", err.text);
	sp_ledger_close(ledger);
}

int sp_down_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	int code;

	write_sessions(&invocation->instance);
	code = sp_dataplane_down(&invocation->instance, err);
	if (!code)
		end_sessions(&invocation->instance);
	if (code || !invocation->json)
		return code;
	return sp_put_json(
		json_pack("{s:s, s:b}", "instance", invocation->instance.name, "loaded", 0), err);
}
