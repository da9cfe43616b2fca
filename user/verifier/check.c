/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/check.h"

#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "lib/method.h"
#include "verifier/password.h"
#include "verifier/radius.h"

static enum sp_ipc_result check_user(const struct sp_ipc_check *check)
{
	static struct sp_log_limit limit = {.burst = 5};
	int ret = sp_password_check(check->secret, check->hash);

	if (!ret)
		return SP_IPC_DONE;
	if (ret == -EACCES)
		return SP_IPC_WRONG;
	sp_log_limited(&limit, SP_LOG_ERROR, "cannot check a password: %s",
	               ret == -EINVAL ? "its hash is none of yescrypt, bcrypt or SHA-512"
	                              : strerror(-ret));
	return SP_IPC_FAILED;
}

void sp_check(const struct sp_ipc_check *check, struct sp_ipc_verdict *verdict)
{
	*verdict = (struct sp_ipc_verdict){.header.kind = SP_IPC_VERDICT, .id = check->id};
	switch (check->method) {
	case SP_METHOD_USER:
		verdict->result = check_user(check);
		break;
	case SP_METHOD_RADIUS:
		sp_verifier_radius_check(check, verdict);
		break;
	default:
		verdict->result = SP_IPC_FAILED;
	}
}
