/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tokens of an external portal. The first byte says whether the rest is a token, or the payload of
 * one that is signed well: nobody gets past a signature by trying. */
#include <nettle/hmac.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "verifier/token.h"
#include "web/base64url.h"

#define NOW 1790000000ull

static const uint8_t secret[32] = {1};
static const uint8_t key[SP_IPC_KEY] = {2};
static const struct sp_client_key client = {{0x02, 0x85, 0, 0, 0, 2}, 0};

static void sign(char *token)
{
	struct hmac_sha256_ctx context;
	uint8_t digest[SHA256_DIGEST_SIZE];
	size_t length = strlen(token);

	hmac_sha256_set_key(&context, sizeof(secret), secret);
	hmac_sha256_update(&context, length, (const uint8_t *)token);
	hmac_sha256_digest(&context, sizeof(digest), digest);
	token[length] = '.';
	sp_base64url_write(token + length + 1, digest, sizeof(digest));
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	sp_token_prepare();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sp_token_rules rules = {
		.secret = secret, .secret_length = sizeof(secret), .nonce_key = key, .now = NOW};
	char text[2 * SP_IPC_SECRET] = "";
	struct sp_token token;
	const char *why;

	if (size < 1 || size > SP_IPC_SECRET)
		return 0;
	if (data[0] & 1) {
		sp_base64url_write(text, data + 1, size - 1);
		sign(text);
	} else {
		memcpy(text, data + 1, size - 1);
	}
	/* A nonce cannot be guessed either. */
	if (!sp_token_read(text, &rules, &client, &token, &why))
		abort();
	return 0;
}
