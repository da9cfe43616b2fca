/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/http.h"

#include <errno.h>

#include "portal/request.h"
#include "portal/server.h"
#include "portal/tls.h"
#include "portal/visitor.h"

#define CONNECTIONS_PER_IP 16u
#define CONNECTION_SECONDS 30u          /* without a byte; of a handshake: in all */
#define CONNECTION_MEMORY  (16u * 1024) /* bytes, the request header included */

static struct MHD_Daemon *start(struct sp_portal *portal, unsigned flags,
                                const struct MHD_OptionItem *more)
{
	/* Connections are accepted elsewhere, since there are several listeners. */
	return MHD_start_daemon(
		flags | MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
		NULL, NULL, sp_request_handle, portal, MHD_OPTION_NOTIFY_COMPLETED,
		sp_request_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, sp_visitor_notify, portal,
		MHD_OPTION_CONNECTION_LIMIT, SP_PORTAL_CONNECTIONS,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, CONNECTIONS_PER_IP,
		MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
}

static const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

static struct MHD_Daemon *start_tls(struct sp_portal *portal)
{
	static char priorities[] = SP_TLS_PRIORITIES;
	const struct MHD_OptionItem options[] = {
		{MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
		{MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)sp_tls_retrieve},
		{MHD_OPTION_END, 0, NULL},
	};

	return sp_tls_use(&portal->setup.tls) ? NULL : start(portal, MHD_USE_TLS, options);
}

int sp_http_start(struct sp_portal *portal)
{
	struct MHD_Daemon **daemon = portal->http.daemon;
	const struct sp_ipc_portal_setup *setup = &portal->setup;

	if (setup->tls_count && !(daemon[SP_HTTP_TLS] = start_tls(portal)))
		return -EIO;
	if (setup->tls_count < setup->listener_count &&
	    !(daemon[SP_HTTP_PLAIN] = start(portal, 0, none)))
		return -EIO;
	return 0;
}

unsigned sp_http_connections(const struct sp_http *http)
{
	unsigned connections = 0;

	for (unsigned way = 0; way < SP_HTTP_WAYS; way++)
		if (http->daemon[way])
			connections += MHD_get_daemon_info(http->daemon[way],
			                                   MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
			                       ->num_connections;
	return connections;
}

bool sp_http_has_room(const struct sp_http *http)
{
	return sp_http_connections(http) < SP_PORTAL_CONNECTIONS;
}

void sp_http_add(struct sp_http *http, enum sp_http_way way, int fd, const struct sockaddr *peer,
                 socklen_t size)
{
	/* On failure (too many from one address) it has closed the socket. */
	MHD_add_connection(http->daemon[way], fd, peer, size);
}

int sp_http_file(const struct sp_http *http, enum sp_http_way way)
{
	return http->daemon[way]
	               ? MHD_get_daemon_info(http->daemon[way], MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd
	               : -1;
}

uint64_t sp_http_due(const struct sp_http *http)
{
	uint64_t least = UINT64_MAX;
	MHD_UNSIGNED_LONG_LONG due;

	for (unsigned way = 0; way < SP_HTTP_WAYS; way++)
		if (http->daemon[way] && MHD_get_timeout(http->daemon[way], &due) && due < least)
			least = due;
	return least;
}

bool sp_http_run(struct sp_http *http)
{
	bool works = true;

	for (unsigned way = 0; way < SP_HTTP_WAYS; way++)
		if (http->daemon[way])
			works = MHD_run(http->daemon[way]) && works;
	return works;
}

void sp_http_stop(struct sp_http *http)
{
	for (unsigned way = 0; way < SP_HTTP_WAYS; way++)
		if (http->daemon[way])
			MHD_stop_daemon(http->daemon[way]);
}
