/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/link.h"

#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <string.h>

#include "ipc/ipc.h"
#include "web/authority.h"

#define SCHEME        "http://"
#define SCHEME_LENGTH (sizeof(SCHEME) - 1)
#define TAG_BYTES     ((SP_LINK_TAG - 1) / 2)

static const char digits[] = "0123456789ABCDEF";

static bool is_path_character(char c)
{
	return c > 0x20 && c < 0x7f && !strchr("\"<>\\^`{|}#", c);
}

bool sp_link_acceptable(const char *url, size_t length)
{
	struct sp_authority authority;
	const char *host, *path;
	size_t rest;

	if (length >= SP_LINK_WANTED || length <= SCHEME_LENGTH ||
	    memcmp(url, SCHEME, SCHEME_LENGTH) != 0)
		return false;
	host = url + SCHEME_LENGTH;
	rest = length - SCHEME_LENGTH;
	path = memchr(host, '/', rest);
	if (!sp_authority_parse(host, path ? (size_t)(path - host) : rest, &authority))
		return false;
	for (; path && path < url + length; path++)
		if (!is_path_character(*path))
			return false;
	return true;
}

void sp_link_tag(char tag[SP_LINK_TAG], const uint8_t *key, const char *url, size_t length)
{
	struct hmac_sha256_ctx context;
	uint8_t bytes[TAG_BYTES];

	hmac_sha256_set_key(&context, SP_IPC_KEY, key);
	hmac_sha256_update(&context, length, (const uint8_t *)url);
	hmac_sha256_digest(&context, sizeof(bytes), bytes);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		tag[2 * i] = digits[bytes[i] >> 4];
		tag[2 * i + 1] = digits[bytes[i] & 15];
	}
	tag[2 * sizeof(bytes)] = '\0';
}

bool sp_link_verify(const char *tag, const uint8_t *key, const char *url, size_t length)
{
	char expected[SP_LINK_TAG];

	sp_link_tag(expected, key, url, length);
	/* The length of a tag is no secret. */
	return strlen(tag) == SP_LINK_TAG - 1 && memeql_sec(tag, expected, SP_LINK_TAG - 1);
}

static bool stays_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._~:/?@,;", c));
}

size_t sp_link_encode(char *out, size_t room, const char *url, size_t length)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		uint8_t byte = (uint8_t)url[i];
		bool plain = stays_plain(url[i]);

		if (room <= used + (plain ? 1 : 3))
			return 0;
		if (plain) {
			out[used++] = url[i];
		} else {
			out[used++] = '%';
			out[used++] = digits[byte >> 4];
			out[used++] = digits[byte & 15];
		}
	}
	if (room == 0)
		return 0;
	out[used] = '\0';
	return used;
}
