/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metrics over HTTP: what comes from outside is parsed here, in a process without privileges, by
 * libmicrohttpd; what it answers comes from the keeper, as a text that is there already.
 */
#ifndef SP_METRICS_SERVER_H
#define SP_METRICS_SERVER_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_METRICS_CONNECTIONS 64u

struct sp_metrics_server {
	struct MHD_Daemon *daemon;
	int keeper;     /* socket */
	char *text;     /* what it said last; NULL: nothing. Owned */
	uint64_t asked; /* ms: when that was */
	bool lost;      /* the keeper is gone */
	bool freed;     /* connections have ended in the last turn */
};

/* Serve the listening socket @listener. 0 or -EIO. */
int sp_metrics_start(struct sp_metrics_server *server, int listener, int keeper);

/* Wait and serve, once. 0, -EPIPE when the keeper is gone, or another negative errno. */
int sp_metrics_turn(struct sp_metrics_server *server);

void sp_metrics_stop(struct sp_metrics_server *server);

#endif
