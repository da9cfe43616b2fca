/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verifier: a process without privileges, where slow and foreign things are done that decide on
 * logins. See ipc/ipc.h for how it is started. There are several, each for one thing at a time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/ipc.h"
#include "lib/error.h"
#include "lib/log.h"
#include "verifier/login.h"
#include "verifier/radius.h"
#include "verifier/sandbox.h"
#include "verifier/token.h"

static struct sp_ipc_verifier_setup setup;

static int start(struct sp_error *err)
{
	int ret = sp_ipc_begin(SP_IPC_VERIFIER_SETUP, &setup, sizeof(setup), err);

	if (ret)
		return ret;
	sp_token_prepare();
	ret = sp_verifier_radius_open(&setup.radius, err);
	if (!ret)
		ret = sp_ipc_confine(setup.root, sizeof(setup.root), setup.uid, setup.gid,
		                     &sp_verifier_sandbox, err);
	return ret ? ret : sp_ipc_tell_ready(err);
}

static int serve(void)
{
	switch (setup.role) {
	case SP_IPC_VERIFIER_LOGIN:
		return sp_verifier_judge(&setup);
	default:
		return -EINVAL;
	}
}

int main(void)
{
	struct sp_error err;
	int ret;

	sp_log_name("sallyport-verifier");
	if (start(&err)) {
		sp_log(SP_LOG_ERROR, "%s", err.text);
		return EXIT_FAILURE;
	}
	ret = serve();
	explicit_bzero(&setup, sizeof(setup));
	if (ret == -EPIPE)
		return EXIT_SUCCESS;
	sp_log(SP_LOG_ERROR, "cannot go on: %s", strerror(-ret));
	return EXIT_FAILURE;
}
