/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "lib/netlink.h"

bool sp_address_is_ipv4(const struct sp_address *address)
{
	return !address->word[0] && !address->word[1] && address->word[2] == htonl(0xffff);
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

static bool link_local(const struct sp_address *address)
{
	if (sp_address_is_ipv4(address))
		return (ntohl(address->word[3]) & 0xffff0000) == 0xa9fe0000; /* 169.254/16 */
	return (ntohl(address->word[0]) & 0xffc00000) == 0xfe800000;         /* fe80::/10 */
}

static bool listed(const struct sp_address *list, unsigned count, const struct sp_address *address)
{
	for (unsigned i = 0; i < count; i++)
		if (!memcmp(&list[i], address, sizeof(*address)))
			return true;
	return false;
}

/* Append the addresses of @interface to @list. */
static int append(const char *interface, struct sp_address list[SP_MAX_ADDRESSES], unsigned *count,
                  struct sp_error *err)
{
	struct sp_address found[2 * SP_MAX_ADDRESSES];
	struct sp_interface link;
	int ret = sp_netlink_link(interface, &link, err);

	if (ret)
		return ret;
	ret = sp_netlink_addresses(link.ifindex, found, 2 * SP_MAX_ADDRESSES, err);
	for (int i = 0; i < ret; i++) {
		if (link_local(&found[i]) || listed(list, *count, &found[i]))
			continue;
		if (*count == SP_MAX_ADDRESSES)
			return sp_fail(err, -ENOSPC, SP_EXIT_FAILED,
			               "the client interfaces have more than %u addresses; choose "
			               "some with `listen` in [portal]",
			               SP_MAX_ADDRESSES);
		list[(*count)++] = found[i];
	}
	return ret < 0 ? ret : 0;
}

int sp_address_portal(const struct sp_config *config, struct sp_address list[SP_MAX_ADDRESSES],
                      struct sp_error *err)
{
	unsigned count = 0;

	if (config->portal_count) {
		memcpy(list, config->portal, config->portal_count * sizeof(*list));
		return (int)config->portal_count;
	}
	for (unsigned i = 0; i < config->client_count; i++) {
		int ret = append(config->client[i], list, &count, err);

		if (ret)
			return ret;
	}
	if (!count)
		return sp_fail(err, -EADDRNOTAVAIL, SP_EXIT_FAILED,
		               "the client interfaces have no address for the portal; give them "
		               "one, or set `listen` in [portal]");
	return (int)count;
}
