/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a POST comes from a page of ours, or from another site that uses the visitor's browser.
 */
#ifndef SP_PORTAL_SITE_H
#define SP_PORTAL_SITE_H

#include <stdbool.h>

/*
 * Judge by the request's headers, NULL where it has none: what is there must say that the page was
 * ours. A browser that says nothing is believed: small ones that phones open for sign-in pages send
 * none of these.
 */
bool sp_site_is_own(const char *host, const char *fetch_site, const char *origin,
                    const char *referer);

#endif
