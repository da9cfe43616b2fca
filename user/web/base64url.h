/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base64url without padding (RFC 4648 section 5, as in RFC 7515). */
#ifndef SP_WEB_BASE64URL_H
#define SP_WEB_BASE64URL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Characters for @length bytes, NUL included. */
#define SP_BASE64URL_ROOM(length) (((length)*4 + 2) / 3 + 1)

/* Write @bytes, NUL-terminated, into @out, which has SP_BASE64URL_ROOM(@length). */
void sp_base64url_write(char *out, const uint8_t *bytes, size_t length);

/* Read @length characters into @out. Returns the number of bytes; -EINVAL for what is no base64url;
 * -ENOSPC if there may be more than @room. */
ssize_t sp_base64url_read(const char *text, size_t length, uint8_t *out, size_t room);

#endif
