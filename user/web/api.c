/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/api.h"

#include <errno.h>
#include <stdio.h>

#define HTTPS_PORT 443

int sp_api_uri(char out[SP_API_URI], const struct sp_config *config, struct sp_error *err)
{
	char port[8] = "";
	int length;

	if (!config->certificate[0])
		return sp_fail(
			err, -EINVAL, SP_EXIT_USAGE,
			"%s: the captive portal API needs HTTPS (RFC 8908): set `certificate` "
			"in section [portal]",
			config->path);
	if (!config->zone[0].portal_host[0])
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "%s: the captive portal API is announced by a name (RFC 8910): set "
		               "`host` in section [portal], a name in the certificate",
		               config->path);
	if (config->portal_port != HTTPS_PORT)
		snprintf(port, sizeof(port), ":%u", config->portal_port);
	length = snprintf(out, SP_API_URI, "https://%s%s" SP_API_PATH, config->zone[0].portal_host,
	                  port);
	if (length >= SP_API_URI)
		return sp_fail(
			err, -EINVAL, SP_EXIT_USAGE,
			"%s: `host` in section [portal] is too long for DHCP: the URI of the "
			"captive portal API would have %d bytes, expected at most %d",
			config->path, length, SP_API_URI - 1);
	return 0;
}
