/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/check.h"

#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "lib/method.h"
#include "verifier/password.h"
#include "verifier/radius.h"
#include "verifier/token.h"

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

static enum sp_ipc_result check_token(const struct sp_ipc_verifier_setup *setup, uint64_t now,
                                      const struct sp_ipc_check *check,
                                      struct sp_ipc_verdict *verdict)
{
	static struct sp_log_limit limit = {.burst = 5};
	const struct sp_token_rules rules = {
		.secret = (const uint8_t *)setup->shared,
		.secret_length = strnlen(setup->shared, sizeof(setup->shared)),
		.nonce_key = setup->key,
		.now = now,
	};
	struct sp_token token;
	const char *why;
	int ret;

	if (!rules.secret_length)
		return SP_IPC_FAILED;
	ret = sp_token_read(check->secret, &rules, &check->client, &token, &why);
	if (ret == -EINVAL)
		sp_log_limited(&limit, SP_LOG_ERROR,
		               "a token that the external portal signed cannot be used: %s", why);
	if (ret)
		return ret == -ESTALE ? SP_IPC_OVER : SP_IPC_WRONG;
	verdict->limited = 1;
	verdict->limits = token.limits;
	verdict->nonce_until = token.expires;
	memcpy(verdict->nonce, token.nonce, sizeof(verdict->nonce));
	memcpy(verdict->name, token.user, sizeof(verdict->name));
	return SP_IPC_DONE;
}

void sp_check(const struct sp_ipc_verifier_setup *setup, uint64_t now,
              const struct sp_ipc_check *check, struct sp_ipc_verdict *verdict)
{
	*verdict = (struct sp_ipc_verdict){.header.kind = SP_IPC_VERDICT, .id = check->id};
	switch (check->method) {
	case SP_METHOD_USER:
		verdict->result = check_user(check);
		break;
	case SP_METHOD_RADIUS:
		sp_verifier_radius_check(check, verdict);
		break;
	case SP_METHOD_EXTERNAL:
		verdict->result = check_token(setup, now, check, verdict);
		break;
	default:
		verdict->result = SP_IPC_FAILED;
	}
}
