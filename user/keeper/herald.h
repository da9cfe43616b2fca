/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the datapath tells, passed on: to the log what an operator should know of, and everything to
 * those who listen at /run/INSTANCE/events (`sallyport events`).
 */
#ifndef SP_KEEPER_HERALD_H
#define SP_KEEPER_HERALD_H

#include "lib/error.h"
#include "lib/events.h"
#include "lib/instance.h"

#define SP_LISTENERS 16  /* who can listen at the same time */
#define SP_LATELY    256 /* events kept for who comes later */

struct sp_herald {
	struct sp_events events;
	struct sp_event lately[SP_LATELY]; /* a ring */
	unsigned kept;                     /* how many were ever kept */
	int socket;                        /* new listeners come here */
	int listener[SP_LISTENERS];        /* -1: free */
	char path[108];
};

/* Open the ring and the socket. 0 or negative errno; sp_herald_close in either case. */
int sp_herald_open(struct sp_herald *herald, const struct sp_instance *instance,
                   struct sp_error *err);

/* herald->events.fd is readable. */
void sp_herald_read(struct sp_herald *herald);

/* Tell of something that the datapath does not know. */
void sp_herald_tell(struct sp_herald *herald, const struct sp_event *event);

/* herald->socket is readable. */
void sp_herald_accept(struct sp_herald *herald);

void sp_herald_close(struct sp_herald *herald);

#endif
