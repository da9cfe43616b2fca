/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/radius.h"

#include <time.h>

#include "radius/login.h"

static struct sp_radius_client client;

int sp_verifier_radius_open(const struct sp_ipc_radius *setup, struct sp_error *err)
{
	/* The time zone is read from a file, which will be out of reach. */
	tzset();
	return sp_radius_client_open(&client, setup, err);
}

void sp_verifier_radius_check(const struct sp_ipc_check *check, struct sp_ipc_verdict *verdict)
{
	if (client.setup && client.setup->server_count)
		sp_radius_login(&client, check, verdict);
	else
		verdict->result = SP_IPC_DISABLED;
}
