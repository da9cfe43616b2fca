/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/events.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/bpffs.h"
#include "lib/reasons.h"

static int visit(void *context, void *data, size_t size)
{
	struct sp_events *events = context;

	if (size >= sizeof(struct sp_event))
		events->visit(data, events->context);
	return 0;
}

int sp_events_open(struct sp_events *events, const struct sp_instance *instance,
                   sp_event_visit visitor, void *context, struct sp_error *err)
{
	char path[SP_PIN_PATH];
	int code;

	*events = (struct sp_events){.visit = visitor, .context = context};
	snprintf(path, sizeof(path), "%s/events", instance->pins);
	events->map = bpf_obj_get(path);
	if (events->map < 0)
		return sp_fail(err, events->map, SP_EXIT_FAILED, "cannot open %s: %s", path,
		               strerror(-events->map));
	events->ring = ring_buffer__new(events->map, visit, events, NULL);
	if (events->ring) {
		events->fd = ring_buffer__epoll_fd(events->ring);
		return 0;
	}
	code = -errno;
	close(events->map);
	return sp_fail(err, code, SP_EXIT_FAILED, "cannot read %s: %s", path, strerror(-code));
}

int sp_events_read(struct sp_events *events)
{
	int count = ring_buffer__consume(events->ring);

	return count < 0 ? count : 0;
}

void sp_events_close(struct sp_events *events)
{
	if (!events->ring)
		return;
	ring_buffer__free(events->ring);
	close(events->map);
	events->ring = NULL;
}

void sp_events_address(struct sockaddr_un *address, const struct sp_instance *instance)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path, sizeof(address->sun_path), "%s/events", instance->run);
}

#define WORD(number, name, word, text) [number] = word,
#define TEXT(number, name, word, text) [number] = text,
static const char *const words[] = {SP_EVENTS(WORD)};
static const char *const texts[] = {SP_EVENTS(TEXT)};
#undef WORD
#undef TEXT

static const char *entry(const char *const *list, size_t size, unsigned index)
{
	return index < size && list[index] ? list[index] : "?";
}

bool sp_event_has_client(enum sp_event_kind kind)
{
	return kind < SP_EVENT_LEDGER;
}

const char *sp_event_word(enum sp_event_kind kind)
{
	return entry(words, sizeof(words) / sizeof(words[0]), kind);
}

const char *sp_event_text(enum sp_event_kind kind)
{
	return entry(texts, sizeof(texts) / sizeof(texts[0]), kind);
}

const char *sp_event_reason(enum sp_reason reason)
{
	return reason ? sp_reason_name(reason) ?: "?" : "";
}

const char *sp_event_address(char out[SP_EVENT_ADDRESS], const struct sp_event *event)
{
	const struct sp_address *address = &event->address;

	out[0] = '\0';
	if (!address->word[0] && !address->word[1] && address->word[2] == htonl(0xffff))
		inet_ntop(AF_INET, &address->word[3], out, SP_EVENT_ADDRESS);
	else if (address->word[0] | address->word[1] | address->word[2] | address->word[3])
		inet_ntop(AF_INET6, address->word, out, SP_EVENT_ADDRESS);
	return out;
}
