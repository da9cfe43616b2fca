/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/token.h"

#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <string.h>

#include "ipc/ipc.h"

static void make(char token[SP_TOKEN], const uint8_t *key, const struct sp_client_key *client,
                 uint64_t slice)
{
	/* The key also makes the tags of login links, whose texts begin with "http:". */
	static const char purpose[] = "form";
	struct hmac_sha256_ctx context;
	uint8_t bytes[SP_TOKEN_BYTES];

	hmac_sha256_set_key(&context, SP_IPC_KEY, key);
	hmac_sha256_update(&context, sizeof(purpose), (const uint8_t *)purpose);
	hmac_sha256_update(&context, sizeof(*client), (const uint8_t *)client);
	hmac_sha256_update(&context, sizeof(slice), (const uint8_t *)&slice);
	hmac_sha256_digest(&context, sizeof(bytes), bytes);
	sp_base64url_write(token, bytes, sizeof(bytes));
}

void sp_token_make(char token[SP_TOKEN], const uint8_t *key, const struct sp_client_key *client,
                   uint64_t now)
{
	make(token, key, client, now / SP_TOKEN_SLICE);
}

bool sp_token_verify(const char *token, const uint8_t *key, const struct sp_client_key *client,
                     uint64_t now)
{
	char current[SP_TOKEN], previous[SP_TOKEN];
	bool is_current, is_previous;

	if (strlen(token) != SP_TOKEN - 1) /* the length is no secret */
		return false;
	make(current, key, client, now / SP_TOKEN_SLICE);
	make(previous, key, client, now / SP_TOKEN_SLICE - 1);
	is_current = memeql_sec(token, current, SP_TOKEN - 1);
	is_previous = memeql_sec(token, previous, SP_TOKEN - 1);
	return is_current || is_previous;
}
