/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/endpoint.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lib/address.h"
#include "lib/text.h"

static bool read_port(const char *text, uint16_t *port)
{
	uint64_t number;

	if (sp_text_number(text, 1, UINT16_MAX, &number))
		return false;
	*port = (uint16_t)number;
	return true;
}

bool sp_endpoint_read(const char *text, struct sp_endpoint *endpoint)
{
	struct sp_endpoint found = {0};
	char address[INET6_ADDRSTRLEN];
	bool bracketed = text[0] == '[';
	const char *end = bracketed ? strchr(text, ']') : strchr(text, ':');
	const char *rest;
	int length;

	/* More than one colon without brackets: an IPv6 address and no port. */
	if (!end || (!bracketed && strchr(end + 1, ':')))
		end = text + strlen(text);
	if (bracketed && !*end)
		return false;
	length = (int)(end - text) - bracketed;
	if (length >= (int)sizeof(address))
		return false;
	snprintf(address, sizeof(address), "%.*s", length, text + bracketed);
	rest = end + bracketed;
	if (*rest && (*rest != ':' || !read_port(rest + 1, &found.port)))
		return false;
	if (bracketed && !strchr(address, ':'))
		return false;
	if (!sp_address_read(address, &found.address))
		return false;
	*endpoint = found;
	return true;
}
