/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The token in each form: it shows that the form came from a page that this portal made for this
 * client, lately. Another site can have a visitor's browser send a form, but cannot know the token.
 */
#ifndef SP_PORTAL_TOKEN_H
#define SP_PORTAL_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "web/base64url.h"

#define SP_TOKEN_BYTES 16u /* the first 128 bits of HMAC-SHA-256 */
#define SP_TOKEN       SP_BASE64URL_ROOM(SP_TOKEN_BYTES)
#define SP_TOKEN_SLICE UINT64_C(3600000) /* ms; good for one to two of them */

/* Write the token of @client at @now (ms, CLOCK_MONOTONIC: it is the same for all processes, and
 * nobody sets it) under @key (SP_IPC_KEY bytes). */
void sp_token_make(char token[SP_TOKEN], const uint8_t *key, const struct sp_client_key *client,
                   uint64_t now);

/* Whether @token is that of @client in the slice of @now or the one before. Takes the same time
 * whatever differs. */
bool sp_token_verify(const char *token, const uint8_t *key, const struct sp_client_key *client,
                     uint64_t now);

#endif
