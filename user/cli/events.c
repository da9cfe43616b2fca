/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `sallyport events`: from the daemon if it runs, else from the ring itself.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/output.h"
#include "lib/daemon.h"
#include "lib/events.h"
#include "lib/text.h"

#define LOOK_MS 500 /* between two looks for a daemon that has come */

struct watch {
	const struct sp_invocation *invocation;
	uint64_t kinds; /* bits of enum sp_event_kind; 0: all */
	struct sp_maps maps;
	struct sp_clock clock;
	struct sp_error *err;
	int code;
};

static int put_json(const struct sp_event *event, uint64_t when, const char *mac,
                    const char *address, struct sp_error *err)
{
	return sp_put_json(json_pack("{s:I, s:s, s:s, s:s?, s:i, s:s?, s:s?, s:o}", "time",
	                             (json_int_t)when, "event", sp_event_word(event->kind), "text",
	                             sp_event_text(event->kind), "mac", mac[0] ? mac : NULL, "vlan",
	                             (int)event->client.vlan, "address",
	                             address[0] ? address : NULL, "reason",
	                             event->reason ? sp_event_reason(event->reason) : NULL,
	                             "ifindex", sp_json_number(event->ifindex, event->ifindex)),
	                   err);
}

static void put_text(const struct sp_event *event, uint64_t when, const char *mac,
                     const char *address)
{
	bool alarm = event->reason != SP_REASON_NONE || event->kind == SP_EVENT_LEDGER;
	char clock[32] = "?", vlan[16] = "";
	time_t seconds = (time_t)when;
	struct tm parts;

	if (localtime_r(&seconds, &parts))
		strftime(clock, sizeof(clock), "%Y-%m-%d %H:%M:%S", &parts);
	if (event->client.vlan)
		snprintf(vlan, sizeof(vlan), " VLAN %u", event->client.vlan);
	printf("%s  %s%-8s%s %s%s%s%s  %s%s%s%s\n", clock, sp_colour(alarm ? SP_BAD : SP_PLAIN),
	       sp_event_word(event->kind), sp_colour(SP_PLAIN), mac, vlan, address[0] ? " " : "",
	       address, sp_event_text(event->kind), event->reason ? " (" : "",
	       sp_event_reason(event->reason), event->reason ? ")" : "");
}

static void put(const struct sp_event *event, void *context)
{
	struct watch *watch = context;
	char mac[SP_TEXT_MAC], address[SP_EVENT_ADDRESS];
	uint64_t when;

	if (watch->kinds && !(watch->kinds >> event->kind % 64 & 1))
		return;
	if (watch->code || sp_clock_read(&watch->clock, watch->maps.clock, watch->err))
		return;
	when = sp_clock_unix(&watch->clock, event->time);
	mac[0] = '\0';
	if (sp_event_has_client(event->kind))
		sp_text_put_mac(mac, event->client.mac);
	sp_event_address(address, event);
	if (watch->invocation->json)
		watch->code = put_json(event, when, mac, address, watch->err);
	else
		put_text(event, when, mac, address);
	/* Somebody reads along, perhaps through a pipe. */
	if (!watch->code)
		watch->code = sp_put_end(watch->err);
}

/* The daemon's socket, or a negative errno. */
static int ask_daemon(const struct sp_instance *instance)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), code;
	struct sockaddr_un address;

	if (fd < 0)
		return -errno;
	sp_events_address(&address, instance);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	code = -errno;
	close(fd);
	return code;
}

/* Until the daemon goes away. */
static void follow_daemon(struct watch *watch, int fd)
{
	struct sp_event event;

	while (!watch->code) {
		ssize_t length = recv(fd, &event, sizeof(event), 0);

		if (length < 0 && errno == EINTR)
			continue;
		if (length != (ssize_t)sizeof(event))
			return;
		put(&event, watch);
	}
}

/* Until a daemon comes, or the instance is taken down. */
static int follow_ring(struct watch *watch)
{
	const struct sp_instance *instance = &watch->invocation->instance;
	struct sp_events events;
	struct pollfd ready = {.events = POLLIN};
	int code = sp_events_open(&events, instance, put, watch, watch->err);

	if (code)
		return code;
	ready.fd = events.fd;
	while (!watch->code && !sp_daemon_pid(instance) && !access(instance->pins, F_OK)) {
		code = sp_events_read(&events);
		if (code || (poll(&ready, 1, LOOK_MS) < 0 && errno != EINTR))
			break;
	}
	sp_events_close(&events);
	return code;
}

static int follow(struct watch *watch)
{
	const struct sp_instance *instance = &watch->invocation->instance;
	int code = 0;

	while (!watch->code && !code) {
		int fd = ask_daemon(instance);

		if (fd >= 0) {
			follow_daemon(watch, fd);
			close(fd);
		} else if (!sp_daemon_pid(instance)) {
			code = follow_ring(watch);
		} else {
			usleep(LOOK_MS * 1000); /* it is about to begin or to end */
		}
		if (!code && !watch->code && access(instance->pins, F_OK))
			return sp_fail(watch->err, -ENOENT, SP_EXIT_NOT_LOADED,
			               "instance %s was taken down", instance->name);
	}
	return watch->code ? watch->code : code;
}

static int unknown_kind(const char *word, size_t length, struct sp_error *err)
{
	char known[128] = "";

	for (enum sp_event_kind kind = SP_EVENT_GUEST; kind <= SP_EVENT_CROWD; kind++) {
		size_t at = strlen(known);

		snprintf(known + at, sizeof(known) - at, "%s%s", at ? ", " : "",
		         sp_event_word(kind));
	}
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "--kind: expected one of %s, got \"%.*s\"",
	               known, (int)length, word);
}

/* Words with commas between them. */
static int read_kinds(const char *text, uint64_t *kinds, struct sp_error *err)
{
	*kinds = 0;
	while (text) {
		size_t length = strcspn(text, ",");
		uint64_t bit = 0;

		for (enum sp_event_kind kind = SP_EVENT_GUEST; kind <= SP_EVENT_CROWD; kind++) {
			const char *word = sp_event_word(kind);

			if (strlen(word) == length && !strncmp(word, text, length))
				bit = UINT64_C(1) << kind;
		}
		if (!bit)
			return unknown_kind(text, length, err);
		*kinds |= bit;
		text = text[length] ? text + length + 1 : NULL;
	}
	return 0;
}

int sp_events_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct watch watch = {.invocation = invocation, .err = err};
	int code = read_kinds(invocation->option[SP_OPTION_KIND], &watch.kinds, err);

	if (!code)
		code = sp_open_maps(invocation, &watch.maps, &watch.clock, err);
	if (code)
		return code;
	code = follow(&watch);
	sp_maps_close(&watch.maps);
	return code;
}
