/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/authority.h"

#include <arpa/inet.h>
#include <string.h>

#define MAX_HOST 255

static bool is_name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '~';
}

/* Length of the name or IPv4 address at the beginning; 0 if there is none. */
static size_t name_length(const char *text, size_t length)
{
	size_t i = 0;

	while (i < length &&
	       (is_name_character(text[i]) || (text[i] == '.' && i > 0 && text[i - 1] != '.')))
		i++;
	return i <= MAX_HOST ? i : 0;
}

/* Length of "[IPv6 address]" at the beginning; 0 if it is none. */
static size_t literal_length(const char *text, size_t length)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr parsed;
	const char *close = memchr(text, ']', length);
	size_t inner = close ? (size_t)(close - text) - 1 : 0;

	if (inner == 0 || inner >= sizeof(address))
		return 0;
	memcpy(address, text + 1, inner);
	address[inner] = '\0';
	if (strlen(address) != inner) /* a NUL inside would hide the rest from inet_pton() */
		return 0;
	return inet_pton(AF_INET6, address, &parsed) == 1 ? inner + 2 : 0;
}

/* 1 to 65535 in at most five digits, leading zeros included. */
static bool parse_port(const char *text, size_t length, uint16_t *port)
{
	uint32_t value = 0;

	if (length > 5)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint32_t)(text[i] - '0');
	}
	*port = (uint16_t)value;
	return value > 0 && value <= UINT16_MAX;
}

bool sp_authority_parse(const char *text, size_t length, struct sp_authority *authority)
{
	size_t host = length > 0 && text[0] == '[' ? literal_length(text, length)
	                                           : name_length(text, length);

	*authority = (struct sp_authority){.host_length = host, .port = 80};
	if (host == 0)
		return false;
	if (host == length)
		return true;
	if (text[host] != ':')
		return false;
	if (host + 1 == length) /* RFC 3986 section 3.2.3: an empty port is the default one */
		return true;
	authority->has_port = true;
	return parse_port(text + host + 1, length - host - 1, &authority->port);
}
