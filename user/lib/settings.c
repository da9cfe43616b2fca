/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/settings.h"

#include "lib/budgets.h"

void sp_settings_fill(struct sp_settings *settings, const struct sp_config *config)
{
	for (enum sp_budget_kind kind = 0; kind < SP_BUDGETS; kind++) {
		settings->client[kind] =
			sp_allowance_budget(kind, &config->budget[kind], settings->hz);
		settings->total[kind] =
			sp_allowance_budget(kind, &config->budget_all[kind], settings->hz);
	}
	settings->forward = config->zone[0].forward;
	settings->refuse_tcp = config->refuse_tcp;
	settings->refuse_udp = config->refuse_udp;
}
