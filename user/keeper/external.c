/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/external.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/method.h"
#include "lib/secrets.h"
#include "web/handover.h"

#define LEAST 32u /* bytes of the secret: as many as the hash has (RFC 2104, section 3) */

_Static_assert(SP_IPC_SHARED == SP_SECRET && SP_IPC_EXTERNAL == SP_CONFIG_URL,
               "what the configuration holds has room in a message");

int sp_external_read(char secret[SP_IPC_SHARED], const struct sp_config *config,
                     struct sp_error *err)
{
	int count;

	memset(secret, 0, SP_IPC_SHARED);
	if (!(sp_config_methods(config) & SP_METHOD_BIT(SP_METHOD_EXTERNAL)))
		return 0;
	count = sp_secrets_read("secret_file", config->external_secret, (char(*)[SP_SECRET])secret,
	                        1, err);
	if (count < 0)
		return count;
	if (strlen(secret) < LEAST)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "secret_file = %s: expected a secret of at least %u bytes; openssl "
		               "rand -hex 32 makes a good one",
		               config->external_secret, LEAST);
	return 0;
}

int sp_external_plan(struct sp_ipc_verifier_setup *verifier, struct sp_ipc_portal_setup *portal,
                     const struct sp_config *config, struct sp_error *err)
{
	int ret = sp_external_read(verifier->shared, config, err);

	if (ret || !verifier->shared[0])
		return ret;
	/* The portal can sign links with its key, but no token. */
	sp_handover_key(portal->handover_key, (const uint8_t *)verifier->shared,
	                strlen(verifier->shared));
	memcpy(portal->external, config->external_url, sizeof(portal->external));
	return 0;
}
