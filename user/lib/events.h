/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the datapath tells: the ring buffer `events`, which has one reader at a time, and the socket
 * at which the daemon, when it is that reader, passes everything on.
 */
#ifndef SP_LIB_EVENTS_H
#define SP_LIB_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include <sallyport/abi.h>

#include "lib/error.h"
#include "lib/instance.h"

struct ring_buffer;
struct sockaddr_un;

/* Called for each event. */
typedef void (*sp_event_visit)(const struct sp_event *event, void *context);

struct sp_events {
	struct ring_buffer *ring;
	int map;
	int fd; /* readable when there is something: for poll and epoll */
	sp_event_visit visit;
	void *context;
};

/* Open the ring of @instance. 0 or negative errno; on failure nothing stays open. @events must not
 * move in memory afterwards. */
int sp_events_open(struct sp_events *events, const struct sp_instance *instance,
                   sp_event_visit visit, void *context, struct sp_error *err);

/* Give what is there to the visitor. 0 or negative errno. */
int sp_events_read(struct sp_events *events);

/* A zeroed or failed struct is fine. */
void sp_events_close(struct sp_events *events);

/* The daemon's socket (SOCK_SEQPACKET, a struct sp_event each), /run/INSTANCE/events. */
void sp_events_address(struct sockaddr_un *address, const struct sp_instance *instance);

/* "flood", "captive client over ..."; "?" for a number that is none. */
/* Whether events of this kind are about a client. */
bool sp_event_has_client(enum sp_event_kind kind);

const char *sp_event_word(enum sp_event_kind kind);
const char *sp_event_text(enum sp_event_kind kind);

/* Name of a reason as in `sallyport stats`, "" for none. */
const char *sp_event_reason(enum sp_reason reason);

#define SP_EVENT_ADDRESS 46 /* buffer for sp_event_address: INET6_ADDRSTRLEN */

/* The address of the event as text; "" if it has none. Returns @out. */
const char *sp_event_address(char out[SP_EVENT_ADDRESS], const struct sp_event *event);

#endif
