/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the portal speaks with programs, and in what. */
#ifndef SP_WEB_API_H
#define SP_WEB_API_H

#define SP_API_PATH        "/captive-portal/api" /* RFC 8908; announced by RFC 8910 */
#define SP_API_LOGIN_PATH  "/captive-portal/login"
#define SP_API_LOGOUT_PATH "/captive-portal/logout"
#define SP_API_TYPE        "application/captive+json"

#endif
