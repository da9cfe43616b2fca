/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The token of an external portal (web/handover.h): PAYLOAD.SIGNATURE, PAYLOAD the base64url of a
 * JSON object, SIGNATURE the base64url of HMAC-SHA-256 of PAYLOAD, as it stands there, under the
 * shared secret; both without padding (RFC 4648 section 5). Members of the object:
 *
 *   "nonce"     string: that of the hand-over
 *   "client"    string: MAC address, that of the hand-over
 *   "vlan"      number: VLAN id, that of the hand-over; 0 may be left out
 *   "expires"   number: the last second of the token, since 1970; at most that of the hand-over
 *   "user"      string: who it is, as UTF-8; may be left out, as all that follows
 *   "seconds", "idle"                  numbers: of the session
 *   "quota", "quota_up", "quota_down"  numbers: bytes
 *   "up", "down"                       numbers: bit/s
 *
 * Limits are at least 1; what is left out is as the configuration says. Another member is an error,
 * lest a misspelt limit be none.
 */
#ifndef SP_VERIFIER_TOKEN_H
#define SP_VERIFIER_TOKEN_H

#include "ipc/ipc.h"
#include "web/handover.h"

struct sp_token {
	uint8_t nonce[SP_HANDOVER_NONCE];
	uint64_t expires;       /* last second of the nonce */
	char user[SP_IPC_NAME]; /* "": not named */
	struct sp_ipc_limits limits;
};

struct sp_token_rules {
	const uint8_t *secret; /* shared with the external portal */
	size_t secret_length;
	const uint8_t *nonce_key; /* the link key of the instance */
	uint64_t now;             /* seconds since 1970 */
};

/*
 * Whether @text is a good token for @client; then @token has what it says. 0; -EACCES: it is not
 * signed with the secret, or for another client or nonce; -ESTALE: it came too late; -EINVAL: it is
 * signed, and wrong in itself: @why says how, for the log.
 */
int sp_token_read(const char *text, const struct sp_token_rules *rules,
                  const struct sp_client_key *client, struct sp_token *token, const char **why);

/* What has to be done before the process gives up opening files. */
void sp_token_prepare(void);

#endif
