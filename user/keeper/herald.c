/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/herald.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/text.h"

/* What is attack or accident; the rest is ordinary and only passed on. */
static bool is_alarm(enum sp_event_kind kind)
{
	return kind == SP_EVENT_CLASH || kind == SP_EVENT_BINDING || kind == SP_EVENT_FLOOD ||
	       kind == SP_EVENT_CROWD;
}

static void log_event(const struct sp_event *event)
{
	static struct sp_log_limit limit = {.burst = 30};
	char mac[SP_TEXT_MAC], address[SP_EVENT_ADDRESS];

	sp_event_address(address, event);
	sp_log_limited(&limit, SP_LOG_WARNING, "%s (%s): %s, VLAN %u%s%s, reason %s",
	               sp_event_word(event->kind), sp_event_text(event->kind),
	               sp_text_put_mac(mac, event->client.mac), event->client.vlan,
	               address[0] ? ", from " : "", address, sp_event_reason(event->reason));
}

/* A listener that does not keep up loses events, one that went away is forgotten. */
static void tell(int *listener, const struct sp_event *event)
{
	if (send(*listener, event, sizeof(*event), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
	    errno == EAGAIN || errno == ENOBUFS)
		return;
	close(*listener);
	*listener = -1;
}

static void pass_on(const struct sp_event *event, void *context)
{
	struct sp_herald *herald = context;

	if (is_alarm(event->kind))
		log_event(event);
	herald->lately[herald->kept++ % SP_LATELY] = *event;
	for (unsigned i = 0; i < SP_LISTENERS; i++)
		if (herald->listener[i] >= 0)
			tell(&herald->listener[i], event);
}

void sp_herald_tell(struct sp_herald *herald, const struct sp_event *event)
{
	pass_on(event, herald);
}

void sp_herald_read(struct sp_herald *herald)
{
	int code = sp_events_read(&herald->events);

	if (code)
		sp_log(SP_LOG_ERROR, "cannot read events: %s", strerror(-code));
}

void sp_herald_accept(struct sp_herald *herald)
{
	int fd = accept4(herald->socket, NULL, NULL, SOCK_CLOEXEC);
	unsigned first = herald->kept > SP_LATELY ? herald->kept - SP_LATELY : 0, place = 0;

	if (fd < 0)
		return;
	while (place < SP_LISTENERS && herald->listener[place] >= 0)
		place++;
	if (place == SP_LISTENERS) {
		close(fd);
		return;
	}
	herald->listener[place] = fd;
	for (unsigned i = first; i < herald->kept && herald->listener[place] >= 0; i++)
		tell(&herald->listener[place], &herald->lately[i % SP_LATELY]);
}

/* Only root may listen: who is online is nobody else's business. */
static int open_socket(struct sp_herald *herald, const struct sp_instance *instance)
{
	struct sockaddr_un address;
	mode_t mask;
	int code;

	sp_events_address(&address, instance);
	snprintf(herald->path, sizeof(herald->path), "%s", address.sun_path);
	herald->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (herald->socket < 0)
		return -errno;
	/* Of a daemon that was killed; that of the instance is us. */
	unlink(herald->path);
	mask = umask(0177);
	code = bind(herald->socket, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
	umask(mask);
	if (!code && listen(herald->socket, SP_LISTENERS))
		code = -errno;
	return code;
}

int sp_herald_open(struct sp_herald *herald, const struct sp_instance *instance,
                   struct sp_error *err)
{
	int code;

	*herald = (struct sp_herald){.socket = -1};
	memset(herald->listener, -1, sizeof(herald->listener));
	code = sp_events_open(&herald->events, instance, pass_on, herald, err);
	if (code)
		return code;
	code = open_socket(herald, instance);
	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED, "cannot listen at %s: %s", herald->path,
		               strerror(-code));
	return 0;
}

void sp_herald_close(struct sp_herald *herald)
{
	for (unsigned i = 0; i < SP_LISTENERS; i++)
		if (herald->listener[i] >= 0)
			close(herald->listener[i]);
	if (herald->socket >= 0) {
		close(herald->socket);
		unlink(herald->path);
	}
	sp_events_close(&herald->events);
}
