/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/tally.h"
#include "lib/log.h"
#include "lib/monotonic.h"
#include "portal/request.h"
#include "portal/sandbox.h"
#include "portal/tls.h"

#define ACCEPTS       32u  /* of one listener in one round */
#define ACCEPT_PAUSE  100u /* ms, when the system has no file or memory for a connection */
#define EXIT_PROTOCOL 3    /* exit status: the keeper could not be understood */

#define ORIGINS_FD        SP_IPC_FIRST_FD
#define FIRST_LISTENER_FD (ORIGINS_FD + 1)

/* Descriptors in poll(): the keeper, libmicrohttpd's, the listeners. */
enum { POLL_KEEPER, POLL_HTTP, POLL_FIRST_LISTENER = POLL_HTTP + SP_HTTP_WAYS };

static bool zone_ends(const struct sp_ipc_portal_zone *zone)
{
	const struct sp_ipc_api *api = &zone->api;

	return sp_ipc_pages_end(&zone->pages) && memchr(zone->url4, '\0', sizeof(zone->url4)) &&
	       memchr(zone->url6, '\0', sizeof(zone->url6)) &&
	       memchr(api->url, '\0', sizeof(api->url)) &&
	       memchr(api->venue_info, '\0', sizeof(api->venue_info)) &&
	       memchr(api->realm, '\0', sizeof(api->realm));
}

static int read_setup(struct sp_ipc_portal_setup *setup)
{
	struct pollfd keeper = {.fd = SP_IPC_KEEPER_FD, .events = POLLIN};
	int ret;

	if (poll(&keeper, 1, -1) < 0)
		return -errno;
	ret = sp_ipc_receive(SP_IPC_KEEPER_FD, SP_IPC_PORTAL_SETUP, setup, sizeof(*setup));
	if (ret)
		return ret;
	if (setup->listener_count > SP_PORTAL_LISTENERS ||
	    setup->tls_count > setup->listener_count || !sp_ipc_tls_fits(&setup->tls) ||
	    setup->interface_count > sizeof(setup->ifindex) / sizeof(*setup->ifindex) ||
	    !memchr(setup->data, '\0', sizeof(setup->data)) ||
	    !memchr(setup->root, '\0', sizeof(setup->root)) ||
	    !memchr(setup->external, '\0', sizeof(setup->external)) || setup->zone_count < 1 ||
	    setup->zone_count > SP_ZONES)
		return -EPROTO;
	for (unsigned i = 0; i < setup->zone_count; i++)
		if (!zone_ends(&setup->zone[i]))
			return -EPROTO;
	return 0;
}

/* Zones with the same folders share what is in them. */
static int load_pages(struct sp_portal *portal, struct sp_error *err)
{
	const struct sp_ipc_portal_zone *zone = portal->setup.zone;

	for (unsigned i = 0; i < portal->setup.zone_count; i++) {
		const struct sp_own_pages own = sp_ipc_own_pages(&zone[i].pages);
		unsigned same = 0;
		int ret;

		while (same < i &&
		       memcmp(&zone[same].pages, &zone[i].pages, sizeof(zone->pages)) != 0)
			same++;
		portal->pages[i] = &portal->own[same];
		if (same < i)
			continue;
		ret = sp_pages_load(&portal->own[i], portal->setup.data, &own, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int start(struct sp_portal *portal, struct sp_error *err)
{
	int ret = read_setup(&portal->setup);

	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED, "setup from the keeper: %s",
		               strerror(-ret));
	sp_tally_open();
	ret = load_pages(portal, err);
	if (ret)
		return ret;
	ret = sp_http_start(portal);
	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED, "HTTP and TLS do not start");
	return sp_ipc_confine(portal->setup.root, sizeof(portal->setup.root), portal->setup.uid,
	                      portal->setup.gid, &sp_portal_sandbox, err);
}

/* Take the connections that wait at @listener, as long as there is room. */
static void accept_some(struct sp_portal *portal, int listener)
{
	unsigned number = (unsigned)(listener - FIRST_LISTENER_FD);
	enum sp_http_way way = number < portal->setup.tls_count ? SP_HTTP_TLS : SP_HTTP_PLAIN;

	for (unsigned i = 0; i < ACCEPTS && sp_http_has_room(&portal->http); i++) {
		struct sockaddr_storage peer;
		socklen_t size = sizeof(peer);
		int fd = accept4(listener, (struct sockaddr *)&peer, &size,
		                 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			sp_http_add(&portal->http, way, fd, (struct sockaddr *)&peer, size);
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
	uint64_t http = sp_http_due(&portal->http);

	if (http < wait)
		wait = http;
	if (paused && wait > ACCEPT_PAUSE)
		wait = ACCEPT_PAUSE;
	return (int)wait;
}

/* Handshakes that have begun go on with what they have. */
static int take_certificate(struct sp_portal *portal)
{
	static struct sp_ipc_certificate message;
	int ret = sp_ipc_receive(SP_IPC_KEEPER_FD, SP_IPC_CERTIFICATE, &message, sizeof(message));

	if (!ret)
		ret = sp_tls_use(&message.tls);
	if (!ret) {
		portal->setup.tls = message.tls;
		ret = sp_tls_use(&portal->setup.tls);
	}
	explicit_bzero(&message, sizeof(message));
	return ret;
}

/* All that the keeper has said. 0; -EPIPE when it is gone. */
static int hear_keeper(struct sp_portal *portal)
{
	uint32_t kind;
	int ret = sp_ipc_next(SP_IPC_KEEPER_FD, &kind);

	while (!ret) {
		ret = kind == SP_IPC_CERTIFICATE ? take_certificate(portal)
		                                 : sp_ask_receive(&portal->asker);
		if (!ret)
			ret = sp_ipc_next(SP_IPC_KEEPER_FD, &kind);
	}
	return ret == -EAGAIN ? 0 : ret;
}

/* One round. 0, or why to end: -EPIPE when the keeper is gone. */
static int serve_once(struct sp_portal *portal)
{
	struct pollfd fds[POLL_FIRST_LISTENER + SP_PORTAL_LISTENERS] = {
		[POLL_KEEPER] = {.fd = SP_IPC_KEEPER_FD, .events = POLLIN},
	};
	bool paused = portal->accept_at > sp_monotonic_ms();
	bool open = !paused && sp_http_has_room(&portal->http);
	unsigned count = POLL_FIRST_LISTENER;
	int ret;

	for (unsigned way = 0; way < SP_HTTP_WAYS; way++)
		fds[POLL_HTTP + way] =
			(struct pollfd){.fd = sp_http_file(&portal->http, way), .events = POLLIN};
	/* Without room, connections wait in the kernel. */
	for (unsigned i = 0; i < portal->setup.listener_count && open; i++)
		fds[count++] = (struct pollfd){.fd = FIRST_LISTENER_FD + (int)i, .events = POLLIN};
	if (poll(fds, count, wait_time(portal, paused)) < 0)
		return errno == EINTR ? 0 : -errno;
	ret = hear_keeper(portal);
	if (ret)
		return ret;
	sp_ask_expire(&portal->asker, sp_monotonic_ms());
	for (unsigned i = POLL_FIRST_LISTENER; i < count; i++)
		if (fds[i].revents)
			accept_some(portal, fds[i].fd);
	if (!sp_http_run(&portal->http))
		return -EIO;
	sp_tally->gauge[SP_TALLY_OPEN] = sp_http_connections(&portal->http);
	return 0;
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
	sp_http_run(&portal->http);
	return ret;
}

static void stop(struct sp_portal *portal)
{
	sp_http_stop(&portal->http);
	for (unsigned i = 0; i < portal->setup.zone_count; i++)
		sp_pages_free(&portal->own[i]);
}

int sp_portal_run(void)
{
	static struct sp_portal portal = {.origins = ORIGINS_FD};
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
