/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/address.h"

#include <arpa/inet.h>
#include <string.h>

bool sp_address_is_ipv4(const struct sp_address *address)
{
	return !address->word[0] && !address->word[1] && address->word[2] == htonl(0xffff);
}

bool sp_address_is_link_local(const struct sp_address *address)
{
	if (sp_address_is_ipv4(address))
		return (ntohl(address->word[3]) & 0xffff0000) == 0xa9fe0000;
	return (ntohl(address->word[0]) & 0xffc00000) == 0xfe800000;
}

bool sp_address_listed(const struct sp_address *list, unsigned count,
                       const struct sp_address *address)
{
	for (unsigned i = 0; i < count; i++)
		if (!memcmp(&list[i], address, sizeof(*address)))
			return true;
	return false;
}

static const char *refuse_ipv4(uint32_t number)
{
	if (number >> 24 == 0 || number == INADDR_BROADCAST || IN_MULTICAST(number))
		return " is not the address of a host";
	if (number >> 24 == 127)
		return " is a loopback address, which clients cannot reach";
	return NULL;
}

const char *sp_address_refuse(const struct sp_address *address)
{
	struct in6_addr ipv6;

	if (sp_address_is_ipv4(address))
		return refuse_ipv4(ntohl(address->word[3]));
	memcpy(&ipv6, address, sizeof(ipv6));
	if (IN6_IS_ADDR_UNSPECIFIED(&ipv6) || IN6_IS_ADDR_MULTICAST(&ipv6))
		return " is not the address of a host";
	if (IN6_IS_ADDR_LOOPBACK(&ipv6))
		return " is a loopback address, which clients cannot reach";
	return NULL;
}

bool sp_address_read(const char *text, struct sp_address *address)
{
	struct in_addr ipv4;

	if (inet_pton(AF_INET, text, &ipv4) == 1) {
		*address = (struct sp_address){{0, 0, htonl(0xffff), ipv4.s_addr}};
		return true;
	}
	return inet_pton(AF_INET6, text, address) == 1;
}

char *sp_address_text(const struct sp_address *address, char out[INET6_ADDRSTRLEN])
{
	const char *text = sp_address_is_ipv4(address)
	                           ? inet_ntop(AF_INET, &address->word[3], out, INET6_ADDRSTRLEN)
	                           : inet_ntop(AF_INET6, address, out, INET6_ADDRSTRLEN);

	if (!text)
		out[0] = '\0';
	return out;
}
