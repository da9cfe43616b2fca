/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/basic.h"

#include <errno.h>
#include <nettle/base64.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "lib/text.h"

#define SCHEME "Basic"

/* A name and a secret of full length and the colon between them, as base64. */
#define LONGEST_PAIR  (SP_IPC_NAME - 1 + 1 + SP_IPC_SECRET - 1)
#define LONGEST_TOKEN ((size_t)BASE64_ENCODE_RAW_LENGTH(LONGEST_PAIR))

/* Where the token of the Basic scheme begins, or NULL: scheme 1*SP token68 (RFC 9110
 * section 11.4). */
static const char *find_token(const char *value)
{
	size_t length = strlen(SCHEME);

	if (!value || strncasecmp(value, SCHEME, length) != 0 || value[length] != ' ')
		return NULL;
	value += length;
	return value + strspn(value, " ");
}

/* Decode @token; its length, or negative errno. nettle passes over blanks, which no token has. */
static int decode(const char *token, uint8_t pair[BASE64_DECODE_LENGTH(LONGEST_TOKEN)])
{
	size_t token_length = strlen(token), length = 0;
	struct base64_decode_ctx context;

	if (token_length > LONGEST_TOKEN)
		return -ENOSPC;
	if (strpbrk(token, " \t\r\n\v\f"))
		return -EINVAL;
	base64_decode_init(&context);
	if (!base64_decode_update(&context, &length, pair, token_length, token) ||
	    !base64_decode_final(&context))
		return -EINVAL;
	return (int)length;
}

static int copy(char *out, size_t room, const char *text, size_t length)
{
	if (length >= room)
		return -ENOSPC;
	if (!sp_text_printable(text, length))
		return -EINVAL;
	memcpy(out, text, length);
	return 0;
}

/* user-id ":" password; only the password may have a colon. */
static int split(const char *pair, size_t length, struct sp_basic *basic)
{
	const char *colon = memchr(pair, ':', length);
	size_t name_length;
	int ret;

	if (!colon)
		return -EINVAL;
	name_length = (size_t)(colon - pair);
	ret = copy(basic->name, sizeof(basic->name), pair, name_length);
	return ret ? ret
	           : copy(basic->secret, sizeof(basic->secret), colon + 1,
	                  length - name_length - 1);
}

int sp_basic_read(const char *value, struct sp_basic *basic)
{
	uint8_t pair[BASE64_DECODE_LENGTH(LONGEST_TOKEN)];
	const char *token = find_token(value);
	int ret;

	memset(basic, 0, sizeof(*basic));
	if (!token)
		return -ENOENT;
	ret = decode(token, pair);
	if (ret >= 0)
		ret = split((const char *)pair, (size_t)ret, basic);
	if (ret)
		explicit_bzero(basic, sizeof(*basic));
	explicit_bzero(pair, sizeof(pair));
	return ret;
}
