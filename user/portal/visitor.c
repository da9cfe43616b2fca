/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/visitor.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

union endpoint {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

static int put(uint8_t address[16], uint16_t *port, const struct sockaddr *endpoint)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct sockaddr_in *ipv4 = (const void *)endpoint;
	const struct sockaddr_in6 *ipv6 = (const void *)endpoint;

	switch (endpoint->sa_family) {
	case AF_INET:
		memcpy(address, mapped, sizeof(mapped));
		memcpy(address + sizeof(mapped), &ipv4->sin_addr, sizeof(ipv4->sin_addr));
		*port = ipv4->sin_port;
		return 0;
	case AF_INET6:
		memcpy(address, &ipv6->sin6_addr, sizeof(ipv6->sin6_addr));
		*port = ipv6->sin6_port;
		return 0;
	default:
		return -EAFNOSUPPORT;
	}
}

int sp_visitor_key(struct sp_origin_key *key, const struct sockaddr *peer,
                   const struct sockaddr *local)
{
	int ret;

	*key = (struct sp_origin_key){0};
	ret = put(key->client_address, &key->client_port, peer);
	return ret ? ret : put(key->server_address, &key->server_port, local);
}

int sp_visitor_find(struct sp_visitor *visitor, int origins, const uint32_t *ifindex,
                    unsigned count, int fd)
{
	union endpoint peer, local;
	socklen_t peer_size = sizeof(peer), local_size = sizeof(local);
	struct sp_origin_key key;
	struct sp_origin origin;
	unsigned hits = 0;
	int ret;

	if (getpeername(fd, &peer.any, &peer_size) || getsockname(fd, &local.any, &local_size))
		return -errno;
	ret = sp_visitor_key(&key, &peer.any, &local.any);
	if (ret)
		return ret;
	for (unsigned i = 0; i < count; i++) {
		key.ifindex = ifindex[i];
		ret = bpf_map_lookup_elem(origins, &key, &origin);
		if (ret == -ENOENT)
			continue;
		if (ret)
			return ret;
		*visitor = (struct sp_visitor){origin.client, origin.zone, key};
		hits++;
	}
	return hits == 1 ? 0 : -ENOENT;
}

static int find(const struct sp_portal *portal, struct MHD_Connection *connection,
                struct sp_visitor *visitor)
{
	const struct sp_ipc_portal_setup *setup = &portal->setup;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? sp_visitor_find(visitor, portal->origins, setup->ifindex,
	                              setup->interface_count, info->connect_fd)
	            : -ENOENT;
}

/* libmicrohttpd finds the connection at its end. */
static void hang_up(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (info)
		shutdown(info->connect_fd, SHUT_RDWR);
}

void sp_visitor_notify(void *cls, struct MHD_Connection *connection, void **note,
                       enum MHD_ConnectionNotificationCode code)
{
	struct sp_portal *portal = cls;
	struct sp_visitor visitor;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		sp_seats_leave(*note);
		*note = NULL;
	} else if (!find(portal, connection, &visitor)) {
		*note = sp_seats_take(&portal->seats, &visitor.client);
		if (!*note)
			hang_up(connection);
	}
}

int sp_visitor_of(const struct sp_portal *portal, struct MHD_Connection *connection,
                  struct sp_visitor *visitor)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	int ret = find(portal, connection, visitor);

	if (ret)
		return ret;
	if (!info || !info->socket_context ||
	    memcmp(info->socket_context, &visitor->client, sizeof(visitor->client)) != 0)
		return -ENOENT;
	return 0;
}

int sp_visitor_address(struct MHD_Connection *connection, struct sp_address *address)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	uint8_t bytes[sizeof(*address)];
	uint16_t port;
	int ret = info && info->client_addr ? put(bytes, &port, info->client_addr) : -EAFNOSUPPORT;

	if (!ret)
		memcpy(address, bytes, sizeof(*address));
	return ret;
}
