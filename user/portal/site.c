/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/site.h"

#include <string.h>
#include <strings.h>

/* Whether @url is at "http://HOST" or "https://HOST", followed by nothing or, if @path, by one. */
static bool at_host(const char *url, const char *host, bool path)
{
	static const char *const schemes[] = {"http://", "https://"};
	size_t length = strlen(host);

	for (unsigned i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		const char *authority = url + strlen(schemes[i]);

		if (strncasecmp(url, schemes[i], strlen(schemes[i])) != 0 ||
		    strncasecmp(authority, host, length) != 0)
			continue;
		if (authority[length] == '\0' || (path && strchr("/?#", authority[length])))
			return true;
	}
	return false;
}

bool sp_site_is_own(const char *host, const char *fetch_site, const char *origin,
                    const char *referer)
{
	if (fetch_site && strcmp(fetch_site, "same-origin") != 0)
		return false;
	if ((origin || referer) && (!host || !*host))
		return false;
	if (origin && !at_host(origin, host, false))
		return false;
	/* A referrer that does not fit adds nothing to an origin that does. */
	return origin || !referer || at_host(referer, host, true);
}
