/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/handover.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "ipc/ipc.h"
#include "lib/address.h"
#include "lib/text.h"
#include "web/base64url.h"
#include "web/link.h"

#define PURPOSE   "sallyport hand-over"
#define SIGNATURE SP_BASE64URL_ROOM(SHA256_DIGEST_SIZE)

/* As it is in a nonce, bit for bit; times until the year 2106. */
struct nonce {
	uint32_t expires; /* network order */
	uint32_t random;
	uint8_t tag[8];
};

_Static_assert(sizeof(struct nonce) == SP_HANDOVER_NONCE, "no padding");

void sp_handover_key(uint8_t key[SP_HANDOVER_KEY], const uint8_t *secret, size_t length)
{
	struct hmac_sha256_ctx context;

	hmac_sha256_set_key(&context, length, secret);
	hmac_sha256_update(&context, sizeof(PURPOSE) - 1, (const uint8_t *)PURPOSE);
	hmac_sha256_digest(&context, SP_HANDOVER_KEY, key);
	explicit_bzero(&context, sizeof(context));
}

static void make_tag(uint8_t tag[8], const struct nonce *nonce, const uint8_t *key,
                     const struct sp_client_key *client)
{
	struct hmac_sha256_ctx context;
	const uint8_t vlan[] = {(uint8_t)(client->vlan >> 8), (uint8_t)client->vlan};

	hmac_sha256_set_key(&context, SP_IPC_KEY, key);
	hmac_sha256_update(&context, sizeof(PURPOSE), (const uint8_t *)PURPOSE);
	hmac_sha256_update(&context, sizeof(client->mac), client->mac);
	hmac_sha256_update(&context, sizeof(vlan), vlan);
	hmac_sha256_update(&context, offsetof(struct nonce, tag), (const uint8_t *)nonce);
	hmac_sha256_digest(&context, sizeof(nonce->tag), tag);
}

int sp_handover_nonce(char text[SP_HANDOVER_TEXT], const uint8_t *key,
                      const struct sp_client_key *client, uint64_t now)
{
	struct nonce nonce = {.expires = htobe32((uint32_t)(now + SP_HANDOVER_LIFE))};
	const uint8_t *bytes = (const uint8_t *)&nonce;

	if (getrandom(&nonce.random, sizeof(nonce.random), 0) != (ssize_t)sizeof(nonce.random))
		return -EIO;
	make_tag(nonce.tag, &nonce, key, client);
	for (size_t i = 0; i < sizeof(nonce); i++)
		snprintf(text + 2 * i, 3, "%02X", bytes[i]);
	return 0;
}

static bool read_nonce(const char *text, struct nonce *nonce)
{
	return strlen(text) == SP_HANDOVER_TEXT - 1 &&
	       !sp_text_hex(text, (uint8_t *)nonce, sizeof(*nonce));
}

int sp_handover_nonce_read(const char *text, const uint8_t *key, const struct sp_client_key *client,
                           uint64_t now, uint8_t bytes[SP_HANDOVER_NONCE], uint64_t *expires)
{
	struct nonce nonce;
	uint8_t tag[sizeof(nonce.tag)];

	if (!read_nonce(text, &nonce))
		return -EACCES;
	make_tag(tag, &nonce, key, client);
	if (!memeql_sec(tag, nonce.tag, sizeof(tag)))
		return -EACCES;
	memcpy(bytes, &nonce, sizeof(nonce));
	*expires = be32toh(nonce.expires);
	return now > *expires ? -ESTALE : 0;
}

static int sign(char *out, size_t room, const uint8_t *key, const char *query)
{
	struct hmac_sha256_ctx context;
	uint8_t digest[SHA256_DIGEST_SIZE];
	char signature[SIGNATURE];
	int length;

	hmac_sha256_set_key(&context, SP_HANDOVER_KEY, key);
	hmac_sha256_update(&context, strlen(query), (const uint8_t *)query);
	hmac_sha256_digest(&context, sizeof(digest), digest);
	sp_base64url_write(signature, digest, sizeof(digest));
	length = snprintf(out, room, "&sig=%s", signature);
	return length < 0 || (size_t)length >= room ? -ENOSPC : 0;
}

int sp_handover_link(char *out, size_t room, const struct sp_handover *handover)
{
	const struct sp_client_key *client = &handover->client;
	const char *query = strchr(handover->url, '?');
	char nonce[SP_HANDOVER_TEXT], back[SP_HANDOVER_LINK], address[INET6_ADDRSTRLEN];
	const unsigned long long expires = handover->now + SP_HANDOVER_LIFE;
	int length, ret = sp_handover_nonce(nonce, handover->nonce_key, client, handover->now);

	if (ret)
		return ret;
	if (!sp_link_encode(back, sizeof(back), handover->back, strlen(handover->back)))
		return -ENOSPC;
	length = snprintf(out, room,
	                  "%s%cclient=%02x:%02x:%02x:%02x:%02x:%02x&vlan=%u&address=%s&nonce=%s"
	                  "&expires=%llu&return=%s",
	                  handover->url, query ? '&' : '?', client->mac[0], client->mac[1],
	                  client->mac[2], client->mac[3], client->mac[4], client->mac[5],
	                  client->vlan, sp_address_text(&handover->address, address), nonce,
	                  expires, back);
	if (length < 0 || (size_t)length >= room)
		return -ENOSPC;
	return sign(out + length, room - (size_t)length, handover->key, strchr(out, '?') + 1);
}
