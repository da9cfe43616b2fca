/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/monotonic.h"
#include "portal/request.h"
#include "portal/sandbox.h"
#include "portal/visitor.h"

#define CONNECTIONS_PER_IP 16u
#define CONNECTION_SECONDS 30u
#define CONNECTION_MEMORY  (16u * 1024) /* bytes, the request header included */
#define ACCEPTS            32u          /* of one listener in one round */
#define ACCEPT_PAUSE       100u /* ms, when the system has no file or memory for a connection */
#define EXIT_PROTOCOL      3    /* exit status: the keeper could not be understood */

#define ORIGINS_FD        SP_IPC_FIRST_FD
#define FIRST_LISTENER_FD (ORIGINS_FD + 1)

/* Descriptors in poll(): the keeper, libmicrohttpd's epoll, the listeners. */
enum { POLL_KEEPER, POLL_HTTP, POLL_FIRST_LISTENER };

static int read_setup(struct sp_ipc_portal_setup *setup)
{
	struct pollfd keeper = {.fd = SP_IPC_KEEPER_FD, .events = POLLIN};
	int ret;

	if (poll(&keeper, 1, -1) < 0)
		return -errno;
	ret = sp_ipc_receive(SP_IPC_KEEPER_FD, SP_IPC_PORTAL_SETUP, setup, sizeof(*setup));
	if (ret)
		return ret;
	if (setup->listener_count > SP_MAX_ADDRESSES ||
	    setup->interface_count > sizeof(setup->ifindex) / sizeof(*setup->ifindex) ||
	    !memchr(setup->data, '\0', sizeof(setup->data)) ||
	    !memchr(setup->pages, '\0', sizeof(setup->pages)) ||
	    !memchr(setup->root, '\0', sizeof(setup->root)) ||
	    !memchr(setup->external, '\0', sizeof(setup->external)) ||
	    !memchr(setup->url4, '\0', sizeof(setup->url4)) ||
	    !memchr(setup->url6, '\0', sizeof(setup->url6)) ||
	    !memchr(setup->api.url, '\0', sizeof(setup->api.url)) ||
	    !memchr(setup->api.venue_info, '\0', sizeof(setup->api.venue_info)) ||
	    !memchr(setup->api.realm, '\0', sizeof(setup->api.realm)))
		return -EPROTO;
	return 0;
}

static int start_http(struct sp_portal *portal)
{
	/* Connections are accepted here, since there are several listeners. */
	portal->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		sp_request_handle, portal, MHD_OPTION_NOTIFY_COMPLETED, sp_request_completed, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, sp_visitor_notify, portal,
		MHD_OPTION_CONNECTION_LIMIT, SP_PORTAL_CONNECTIONS,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, CONNECTIONS_PER_IP,
		MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	return portal->daemon ? 0 : -EIO;
}

static int start(struct sp_portal *portal, struct sp_error *err)
{
	int ret = read_setup(&portal->setup);

	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED, "setup from the keeper: %s",
		               strerror(-ret));
	ret = sp_pages_load(&portal->pages, portal->setup.data, portal->setup.pages, err);
	if (ret)
		return ret;
	ret = start_http(portal);
	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED, "libmicrohttpd does not start");
	return sp_ipc_confine(portal->setup.root, sizeof(portal->setup.root), portal->setup.uid,
	                      portal->setup.gid, &sp_portal_sandbox, err);
}

static int daemon_epoll(const struct sp_portal *portal)
{
	return MHD_get_daemon_info(portal->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

static bool has_room(const struct sp_portal *portal)
{
	return MHD_get_daemon_info(portal->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
	               ->num_connections < SP_PORTAL_CONNECTIONS;
}

/* Take the connections that wait at @listener, as long as there is room. */
static void accept_some(struct sp_portal *portal, int listener)
{
	for (unsigned i = 0; i < ACCEPTS && has_room(portal); i++) {
		struct sockaddr_storage peer;
		socklen_t size = sizeof(peer);
		int fd = accept4(listener, (struct sockaddr *)&peer, &size,
		                 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			/* On failure (too many from one address) it has closed the socket. */
			MHD_add_connection(portal->daemon, fd, (struct sockaddr *)&peer, size);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			portal->accept_at = sp_monotonic_ms() + ACCEPT_PAUSE;
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

/* The time until something is due, in ms, for poll(). */
static int wait_time(const struct sp_portal *portal, bool paused)
{
	uint64_t now = sp_monotonic_ms(), due = sp_ask_due(&portal->asker);
	uint64_t wait = due == UINT64_MAX ? 60000 : due > now ? due - now : 0;
	MHD_UNSIGNED_LONG_LONG http;

	if (MHD_get_timeout(portal->daemon, &http) && http < wait)
		wait = http;
	if (paused && wait > ACCEPT_PAUSE)
		wait = ACCEPT_PAUSE;
	return (int)wait;
}

/* One round. 0, or why to end: -EPIPE when the keeper is gone. */
static int serve_once(struct sp_portal *portal)
{
	struct pollfd fds[POLL_FIRST_LISTENER + SP_MAX_ADDRESSES] = {
		[POLL_KEEPER] = {.fd = SP_IPC_KEEPER_FD, .events = POLLIN},
		[POLL_HTTP] = {.fd = daemon_epoll(portal), .events = POLLIN},
	};
	bool paused = portal->accept_at > sp_monotonic_ms();
	unsigned count = POLL_FIRST_LISTENER;
	int ret;

	/* Without room, connections wait in the kernel. */
	for (unsigned i = 0; i < portal->setup.listener_count && !paused && has_room(portal); i++)
		fds[count++] = (struct pollfd){.fd = FIRST_LISTENER_FD + (int)i, .events = POLLIN};
	if (poll(fds, count, wait_time(portal, paused)) < 0)
		return errno == EINTR ? 0 : -errno;
	ret = sp_ask_receive(&portal->asker);
	if (ret != -EAGAIN)
		return ret;
	sp_ask_expire(&portal->asker, sp_monotonic_ms());
	for (unsigned i = POLL_FIRST_LISTENER; i < count; i++)
		if (fds[i].revents)
			accept_some(portal, fds[i].fd);
	return MHD_run(portal->daemon) ? 0 : -EIO;
}

static int serve(struct sp_portal *portal)
{
	struct sp_ipc_ready ready = {.header.kind = SP_IPC_READY};
	int ret;

	sp_ask_init(&portal->asker, SP_IPC_KEEPER_FD, sp_request_answered);
	ret = sp_ipc_send(SP_IPC_KEEPER_FD, &ready, sizeof(ready));
	while (!ret)
		ret = serve_once(portal);
	/* libmicrohttpd does not stop while connections are suspended. */
	sp_ask_expire(&portal->asker, UINT64_MAX);
	MHD_run(portal->daemon);
	return ret;
}

static void stop(struct sp_portal *portal)
{
	if (portal->daemon)
		MHD_stop_daemon(portal->daemon);
	sp_pages_free(&portal->pages);
}

int sp_portal_run(void)
{
	struct sp_portal portal = {.origins = ORIGINS_FD};
	struct sp_error err;
	int ret, status = EXIT_SUCCESS;

	sp_log_name("sallyport-portal");
	signal(SIGPIPE, SIG_IGN);
	ret = start(&portal, &err);
	if (ret) {
		sp_log(SP_LOG_ERROR, "%s", err.text);
		status = EXIT_FAILURE;
	} else {
		ret = serve(&portal);
		if (ret != -EPIPE) {
			sp_log(SP_LOG_ERROR, "cannot go on serving: %s", strerror(-ret));
			status = EXIT_PROTOCOL;
		}
	}
	stop(&portal);
	return status;
}
