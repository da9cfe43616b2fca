/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/status_output.h"
#include "lib/dataplane.h"
#include "lib/ledger.h"
#include "lib/log.h"
#include "lib/maps.h"
#include "lib/session.h"

/* After a reboot the ledger still knows sessions that the maps do not. */
static void end_lost_sessions(const struct sp_instance *instance)
{
	struct sp_maps maps;
	struct sp_error err;
	int code;

	if (!sp_ledger_exists(instance))
		return;
	code = sp_maps_open(&maps, instance, &err);
	if (!code)
		code = sp_session_reconcile(&maps, &err);
	if (code)
		sp_log(SP_LOG_WARNING, "nobody can log in: %s", err.text);
	sp_maps_close(&maps);
}

int sp_up_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	static struct sp_dataplane_status status;
	static struct sp_config config;
	int code = sp_open_config(invocation, &config, false, err);

	if (!code)
		code = sp_dataplane_up(&invocation->instance, &config, err);
	if (!code)
		code = sp_dataplane_status(&invocation->instance, &status, err);
	if (code)
		return code;
	end_lost_sessions(&invocation->instance);
	if (invocation->json)
		return sp_put_json(sp_status_json(&invocation->instance, &status), err);
	sp_put_attachments(&status);
	sp_put_forward(&status);
	if (status.daemon)
		printf("sallyportd (process %d) goes on with the configuration it was started "
		       "with; restart it to apply a changed one.\n",
		       status.daemon);
	return 0;
}
