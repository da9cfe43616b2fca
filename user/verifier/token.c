/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/token.h"

#include <errno.h>
#include <jansson.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <stdbool.h>
#include <string.h>

#include "lib/text.h"
#include "web/base64url.h"

#define PAYLOAD   SP_IPC_SECRET
#define SIGNATURE SP_BASE64URL_ROOM(SHA256_DIGEST_SIZE)

/* A clock of the external portal that is ahead or behind. */
#define SKEW 30 /* seconds */

void sp_token_prepare(void)
{
	/* By itself it would read /dev/urandom with the first object. */
	json_object_seed(0);
}

/* Whether @signature is that of the @length bytes at @payload. The text is compared, so that there
 * is one form of it only. */
static bool is_signed(const char *payload, size_t length, const char *signature,
                      const struct sp_token_rules *rules)
{
	struct hmac_sha256_ctx context;
	uint8_t digest[SHA256_DIGEST_SIZE];
	char expected[SIGNATURE];

	hmac_sha256_set_key(&context, rules->secret_length, rules->secret);
	hmac_sha256_update(&context, length, (const uint8_t *)payload);
	hmac_sha256_digest(&context, sizeof(digest), digest);
	explicit_bzero(&context, sizeof(context));
	sp_base64url_write(expected, digest, sizeof(digest));
	return strlen(signature) == SIGNATURE - 1 && memeql_sec(signature, expected, SIGNATURE - 1);
}

struct payload {
	const char *nonce, *client, *user;
	json_int_t vlan, expires;
	json_int_t seconds, idle, quota, quota_up, quota_down, up, down;
};

/* Strings live as long as @root. */
static int unpack(json_t *root, struct payload *payload)
{
	*payload = (struct payload){.user = ""};
	return json_unpack(root, "{s:s, s:s, s?I, s:I, s?s, s?I, s?I, s?I, s?I, s?I, s?I, s?I !}",
	                   "nonce", &payload->nonce, "client", &payload->client, "vlan",
	                   &payload->vlan, "expires", &payload->expires, "user", &payload->user,
	                   "seconds", &payload->seconds, "idle", &payload->idle, "quota",
	                   &payload->quota, "quota_up", &payload->quota_up, "quota_down",
	                   &payload->quota_down, "up", &payload->up, "down", &payload->down);
}

/* Those members that are there are at least 1: a 0 would be no limit at all. */
static bool read_limit(json_t *root, const char *name, json_int_t value, uint64_t most,
                       uint64_t *limit)
{
	*limit = (uint64_t)value;
	return !json_object_get(root, name) || (value >= 1 && (uint64_t)value <= most);
}

static bool read_limits(json_t *root, const struct payload *payload, struct sp_ipc_limits *limits)
{
	return read_limit(root, "seconds", payload->seconds, SP_TEXT_DURATION_MOST,
	                  &limits->seconds) &&
	       read_limit(root, "idle", payload->idle, SP_TEXT_DURATION_MOST, &limits->idle) &&
	       read_limit(root, "quota", payload->quota, INT64_MAX, &limits->quota) &&
	       read_limit(root, "quota_up", payload->quota_up, INT64_MAX, &limits->quota_up) &&
	       read_limit(root, "quota_down", payload->quota_down, INT64_MAX,
	                  &limits->quota_down) &&
	       read_limit(root, "up", payload->up, SP_TEXT_RATE_MOST, &limits->rate_up) &&
	       read_limit(root, "down", payload->down, SP_TEXT_RATE_MOST, &limits->rate_down);
}

static int check_client(const struct payload *payload, const struct sp_client_key *client,
                        const char **why)
{
	uint8_t mac[6];

	*why = "\"client\" is no MAC address";
	if (sp_text_mac(payload->client, mac))
		return -EINVAL;
	if (memcmp(mac, client->mac, sizeof(mac)) != 0 || payload->vlan != client->vlan)
		return -EACCES;
	return 0;
}

static int check_times(const struct payload *payload, const struct sp_token_rules *rules,
                       const struct sp_client_key *client, struct sp_token *token, const char **why)
{
	uint64_t now = rules->now;
	int ret = sp_handover_nonce_read(payload->nonce, rules->nonce_key, client, now,
	                                 token->nonce, &token->expires);

	if (ret)
		return ret;
	*why = "\"expires\" is later than that of the hand-over";
	if (payload->expires < 0 || (uint64_t)payload->expires > token->expires + SKEW)
		return -EINVAL;
	return (uint64_t)payload->expires + SKEW < now ? -ESTALE : 0;
}

static int check(json_t *root, const struct sp_token_rules *rules,
                 const struct sp_client_key *client, struct sp_token *token, const char **why)
{
	struct payload payload;
	int ret;

	*why = "a member is missing, is of the wrong type, or is not known";
	if (unpack(root, &payload))
		return -EINVAL;
	*why = "\"user\" is too long, or has control characters";
	if (strlen(payload.user) >= sizeof(token->user) ||
	    !sp_text_printable(payload.user, strlen(payload.user)))
		return -EINVAL;
	memcpy(token->user, payload.user, strlen(payload.user));
	*why = "a limit is out of range";
	if (!read_limits(root, &payload, &token->limits))
		return -EINVAL;
	ret = check_client(&payload, client, why);
	return ret ? ret : check_times(&payload, rules, client, token, why);
}

int sp_token_read(const char *text, const struct sp_token_rules *rules,
                  const struct sp_client_key *client, struct sp_token *token, const char **why)
{
	const char *point = strchr(text, '.');
	uint8_t bytes[PAYLOAD];
	json_t *root;
	ssize_t length;
	int ret;

	*token = (struct sp_token){0};
	*why = "it is no JSON object in base64url";
	if (!point || strlen(text) >= SP_IPC_SECRET ||
	    !is_signed(text, (size_t)(point - text), point + 1, rules))
		return -EACCES;
	length = sp_base64url_read(text, (size_t)(point - text), bytes, sizeof(bytes));
	if (length < 0)
		return -EINVAL;
	root = json_loadb((const char *)bytes, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
	if (!root)
		return -EINVAL;
	ret = check(root, rules, client, token, why);
	json_decref(root);
	return ret;
}
