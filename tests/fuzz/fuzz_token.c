/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as the token of an external portal, which is never good; then as what is in a token that
 * is signed as it should be. There '@' stands for the nonce, which nobody finds by chance.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/base64.h>
#include <nettle/hmac.h>

#include "lib/text.h"
#include "verifier/token.h"

#define NOW  1700000000u
#define MOST 2048

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t secret[] = "a secret that nobody guesses";
static const uint8_t key[SP_IPC_KEY] = "another";
static const struct sp_client_key client = {.mac = {2, 0x85, 0, 0, 0, 2}};
static const struct sp_token_rules rules = {
	.secret = secret, .secret_length = sizeof(secret), .nonce_key = key, .now = NOW};
static char nonce[SP_HANDOVER_TEXT];

static void demand(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	sp_token_prepare();
	return sp_handover_nonce(nonce, key, &client, NOW);
}

static int read_token(const char *text, struct sp_token *token)
{
	const char *why = NULL;
	int code = sp_token_read(text, &rules, &client, token, &why);

	demand(code == 0 || code == -EACCES || code == -ESTALE || code == -EINVAL);
	demand(code != -EINVAL || why != NULL);
	return code;
}

/* @out has room for BASE64_ENCODE_RAW_LENGTH(@length) and NUL. */
static size_t encode(char *out, const uint8_t *data, size_t length)
{
	struct base64_encode_ctx context;
	size_t used;

	base64url_encode_init(&context);
	used = base64_encode_update(&context, out, length, data);
	used += base64_encode_final(&context, out + used);
	while (used > 0 && out[used - 1] == '=')
		used--;
	out[used] = '\0';
	return used;
}

static void sign(char *text, size_t used)
{
	struct hmac_sha256_ctx context;
	uint8_t digest[SHA256_DIGEST_SIZE];

	hmac_sha256_set_key(&context, sizeof(secret), secret);
	hmac_sha256_update(&context, used, (const uint8_t *)text);
	hmac_sha256_digest(&context, sizeof(digest), digest);
	text[used] = '.';
	encode(text + used + 1, digest, sizeof(digest));
}

/* @data with the nonce in it; its length. */
static size_t fill_in(uint8_t *out, const uint8_t *data, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < size && used < MOST - sizeof(nonce); i++) {
		if (data[i] == '@') {
			memcpy(out + used, nonce, sizeof(nonce) - 1);
			used += sizeof(nonce) - 1;
		} else {
			out[used++] = data[i];
		}
	}
	return used;
}

static void check_signed(const uint8_t *data, size_t size)
{
	static uint8_t payload[MOST];
	static char text[2 * MOST];
	struct sp_token token;

	sign(text, encode(text, payload, fill_in(payload, data, size)));
	if (read_token(text, &token))
		return;
	demand(token.expires >= NOW && token.expires <= NOW + SP_HANDOVER_LIFE);
	demand(memchr(token.user, '\0', sizeof(token.user)) != NULL);
	demand(sp_text_printable(token.user, strlen(token.user)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_token token;
	char *text = malloc(size + 1);

	demand(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	demand(read_token(text, &token) != 0);
	free(text);
	check_signed(data, size);
	return 0;
}
