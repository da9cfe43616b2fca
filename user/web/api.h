/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the portal speaks with programs, and in what. */
#ifndef SP_WEB_API_H
#define SP_WEB_API_H

#include "lib/config.h"
#include "lib/error.h"

#define SP_API_PATH        "/captive-portal/api" /* RFC 8908; announced by RFC 8910 */
#define SP_API_LOGIN_PATH  "/captive-portal/login"
#define SP_API_LOGOUT_PATH "/captive-portal/logout"
#define SP_API_TYPE        "application/captive+json"

#define SP_API_URI 256 /* bytes of the announced URI, NUL included: DHCPv4 has room for 255 */

/* The URI of the API as RFC 8910 section 2 wants it: https, at a name. -EINVAL (SP_EXIT_USAGE) when
 * the portal of @config has no certificate or no host, or when it is too long. */
int sp_api_uri(char out[SP_API_URI], const struct sp_config *config, struct sp_error *err);

#endif
