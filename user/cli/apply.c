/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/apply.h"

#include <errno.h>
#include <stdbool.h>

#include "cli/applied.h"
#include "lib/daemon.h"
#include "lib/dataplane.h"
#include "lib/ledger.h"
#include "lib/log.h"
#include "lib/maps.h"
#include "lib/session.h"
#include "lib/settings.h"

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

/* A daemon that refuses goes on as it was; so does the datapath, where it is known what it was. */
static int refused(const struct sp_instance *instance, const struct sp_config *former,
                   const struct sp_error *why, struct sp_error *err)
{
	if (former && !sp_dataplane_up(instance, former, NULL))
		return sp_fail(err, -EINVAL, why->exit_code, "%s; nothing was changed", why->text);
	return sp_fail(err, -EINVAL, why->exit_code,
	               "%s; the datapath has the new configuration, sallyportd goes on with the "
	               "former one",
	               why->text);
}

int sp_apply(const struct sp_instance *instance, const struct sp_config *config,
             struct sp_error *err)
{
	const uint32_t version = sp_settings_version(instance);
	struct sp_error why = {.exit_code = SP_EXIT_FAILED};
	static struct sp_config former;
	bool known = !sp_applied_read(instance, &former);
	int code = sp_dataplane_up(instance, config, err);

	if (code)
		return code;
	end_lost_sessions(instance);
	code = sp_daemon_reload(instance, &why);
	/* That of another version may not understand, and ends when it sees that its maps are gone.
	 */
	if (code && version && version != SP_ABI_VERSION)
		sp_log(SP_LOG_WARNING, "%s; start it again", why.text);
	else if (code)
		return refused(instance, known ? &former : NULL, &why, err);
	sp_applied_keep(instance, config->path);
	return 0;
}
