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
#include "verifier/accounting.h"
#include "verifier/authority.h"
#include "verifier/login.h"
#include "verifier/radius.h"
#include "verifier/sandbox.h"
#include "verifier/token.h"

static struct sp_ipc_verifier_setup setup;

/* What needs files or the network's leave, before there is neither. */
static int open_all(struct sp_error *err)
{
	switch (setup.role) {
	case SP_IPC_VERIFIER_LOGIN:
		sp_token_prepare();
		return sp_verifier_radius_open(&setup.radius, err);
	case SP_IPC_VERIFIER_ACCOUNTING:
		return sp_verifier_accounting_open(&setup.radius, err);
	case SP_IPC_VERIFIER_AUTHORITY:
		sp_verifier_authority_open(&setup);
		return 0;
	default:
		return sp_fail(err, -EINVAL, SP_EXIT_FAILED, "unknown role %u", setup.role);
	}
}

static int start(struct sp_error *err)
{
	int ret = sp_ipc_begin(SP_IPC_VERIFIER_SETUP, &setup, sizeof(setup), err);

	if (!ret)
		ret = open_all(err);
	if (!ret)
		ret = sp_ipc_confine(setup.root, sizeof(setup.root), setup.uid, setup.gid,
		                     setup.role == SP_IPC_VERIFIER_AUTHORITY ? &sp_authority_sandbox
		                                                             : &sp_verifier_sandbox,
		                     err);
	return ret ? ret : sp_ipc_tell_ready(err);
}

static int serve(void)
{
	switch (setup.role) {
	case SP_IPC_VERIFIER_ACCOUNTING:
		return sp_verifier_account();
	case SP_IPC_VERIFIER_AUTHORITY:
		return sp_verifier_authority();
	default:
		return sp_verifier_judge(&setup);
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
