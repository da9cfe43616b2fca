/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "cli/apply.h"
#include "cli/command.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/status_output.h"
#include "lib/dataplane.h"

int sp_up_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	static struct sp_dataplane_status status;
	static struct sp_config config;
	int code = sp_open_config(invocation, &config, false, err);

	if (!code)
		code = sp_apply(&invocation->instance, &config, err);
	if (!code)
		code = sp_dataplane_status(&invocation->instance, &status, err);
	if (code)
		return code;
	if (invocation->json)
		return sp_put_json(sp_status_json(&invocation->instance, &status), err);
	sp_put_attachments(&status);
	sp_put_forward(&status);
	if (status.daemon)
		printf("sallyportd (process %d) has this configuration too.\n", status.daemon);
	return 0;
}
