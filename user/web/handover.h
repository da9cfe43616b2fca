/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logins by another portal, an "external" one: the browser is handed over to it with a signed link,
 * and comes back with a token that it signed (verifier/token.h).
 *
 * The link is the operator's URL with these parameters behind it:
 *
 *   client=02:85:00:00:00:02   MAC address
 *   vlan=0                     VLAN id, 0: untagged
 *   address=10.85.0.2          the address that the browser came from
 *   nonce=5F2A...              32 hexadecimal digits, to be put into the token
 *   expires=1790000000         the last second of the nonce, seconds since 1970
 *   return=https%3A%2F%2F...   where to send the browser, the token put behind it
 *   sig=...                    base64url of HMAC-SHA-256, under the key of sp_handover_key, of what
 *                              stands between '?' and '&sig='
 *
 * The nonce is bound to the client, so that nobody can be made to use what another one was given,
 * and good for one login.
 */
#ifndef SP_WEB_HANDOVER_H
#define SP_WEB_HANDOVER_H

#include <stddef.h>
#include <stdint.h>

#include <sallyport/abi.h>

#define SP_HANDOVER_NONCE 16   /* bytes, two hexadecimal digits each */
#define SP_HANDOVER_TEXT  33   /* those digits and NUL */
#define SP_HANDOVER_LIFE  1800 /* seconds that a nonce is good for: to sign up, to pay */
#define SP_HANDOVER_KEY   32
#define SP_HANDOVER_LINK  3072 /* room for any link */

/*
 * The key that links are signed with, made of the secret that is shared with the external portal:
 * HMAC-SHA-256 of "sallyport hand-over" under it. Who holds this key cannot sign tokens.
 */
void sp_handover_key(uint8_t key[SP_HANDOVER_KEY], const uint8_t *secret, size_t length);

/* A fresh nonce for @client at @now (seconds since 1970); @key: the link key of the instance,
 * SP_IPC_KEY bytes. 0 or negative errno. */
int sp_handover_nonce(char nonce[SP_HANDOVER_TEXT], const uint8_t *key,
                      const struct sp_client_key *client, uint64_t now);

/*
 * Whether the nonce @text was made so for @client and is still good at @now: 0, with its bytes in
 * @nonce and its last second in @expires; -EACCES if it was not, -ESTALE if it is too late. Takes
 * the same time whatever differs.
 */
int sp_handover_nonce_read(const char *text, const uint8_t *key, const struct sp_client_key *client,
                           uint64_t now, uint8_t nonce[SP_HANDOVER_NONCE], uint64_t *expires);

struct sp_handover {
	const char *url;  /* of the external portal, with or without a query of its own */
	const char *back; /* where the browser is to come back, such that the token can be put
	                     behind it: "https://portal.test/external?token=" */
	struct sp_client_key client;
	struct sp_address address;
	const uint8_t *nonce_key; /* the link key of the instance */
	const uint8_t *key;       /* that of sp_handover_key */
	uint64_t now;             /* seconds since 1970 */
};

/* Write the link. 0; -ENOSPC if it does not fit, or another negative errno. */
int sp_handover_link(char *out, size_t room, const struct sp_handover *handover);

#endif
