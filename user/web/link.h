/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The login link: LOGIN_URL?u=WANTED&t=TAG, where WANTED is the percent-encoded http URL the client
 * asked for and TAG shows the portal that a responder of this gateway wrote it, so that the portal
 * is no open redirect.
 */
#ifndef SP_WEB_LINK_H
#define SP_WEB_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_LINK_WANTED 512 /* a wanted URL is shorter than this */
#define SP_LINK_TAG    17  /* 16 hexadecimal digits and NUL: the first 64 bits of HMAC-SHA-256 */

/* Whether @url of @length bytes is an absolute http URL we are willing to send a browser back to:
 * "http://" host [":" port] ["/" ...], shorter than SP_LINK_WANTED, only visible ASCII, no
 * userinfo, no fragment, none of " < > \ ^ ` { | }. */
bool sp_link_acceptable(const char *url, size_t length);

/* Write the tag of @url under @key (SP_IPC_KEY bytes). Allocates nothing. */
void sp_link_tag(char tag[SP_LINK_TAG], const uint8_t *key, const char *url, size_t length);

/* Whether @tag is that tag; takes the same time whatever differs. */
bool sp_link_verify(const char *tag, const uint8_t *key, const char *url, size_t length);

/* Percent-encode @url as the value of one query parameter into @out (NUL-terminated). Everything
 * but unreserved characters and : / ? @ , ; is encoded. Returns the length, or 0 if it does not
 * fit. */
size_t sp_link_encode(char *out, size_t room, const char *url, size_t length);

#endif
