/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/base64url.h"

#include <errno.h>
#include <nettle/base64.h>
#include <string.h>

void sp_base64url_write(char *out, const uint8_t *bytes, size_t length)
{
	char padded[BASE64_ENCODE_FINAL_LENGTH];
	struct base64_encode_ctx context;
	size_t used;

	base64url_encode_init(&context);
	used = base64_encode_update(&context, out, length, bytes);
	/* All that is left, at most one character, and what pads it. */
	base64_encode_final(&context, padded);
	if (length % 3)
		out[used++] = padded[0];
	out[used] = '\0';
}

ssize_t sp_base64url_read(const char *text, size_t length, uint8_t *out, size_t room)
{
	static const char padding[] = "==";
	struct base64_decode_ctx context;
	size_t used, more = 0;

	if (BASE64_DECODE_LENGTH(length) > room)
		return -ENOSPC;
	base64url_decode_init(&context);
	if (memchr(text, '=', length) || !base64_decode_update(&context, &used, out, length, text))
		return -EINVAL;
	if (length % 4 == 1 || (length % 4 && !base64_decode_update(&context, &more, out + used,
	                                                            4 - length % 4, padding)))
		return -EINVAL;
	return base64_decode_final(&context) ? (ssize_t)(used + more) : -EINVAL;
}
