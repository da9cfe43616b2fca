/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a child counts, in memory that it shares with the keeper: the child writes, the keeper only
 * reads (keeper/tally.h), whenever somebody asks. Counting is a plain addition; nothing is sent.
 * Whatever a child writes there can spoil no more than its own numbers.
 */
#ifndef SP_IPC_TALLY_H
#define SP_IPC_TALLY_H

#include <stdint.h>

#include "ipc/ipc.h"
#include "lib/openmetrics.h"

/* Answers by HTTP status, from 100 to 599. */
#define SP_TALLY_STATUSES      500u
#define SP_TALLY_STATUS(value) ((value)-100u)

#define SP_TALLY_PROBES 128u /* sections of probes.conf that are counted apart */

/* Why a responder closed a connection without an answer. */
enum sp_tally_dropped {
	SP_TALLY_CROWDED, /* its client had too many */
	SP_TALLY_EVICTED, /* there were too many in all */
	SP_TALLY_LATE,    /* its head did not come in time */
	SP_TALLY_DROPPED,
};

struct sp_tally_responder {
	uint64_t answers[SP_TALLY_STATUSES];
	uint64_t probes[SP_TALLY_PROBES + 1]; /* of these, to probes: by the place of its section;
	                                       * the last: further ones */
	uint64_t dropped[SP_TALLY_DROPPED];
	struct sp_histogram latency; /* from the connection's coming to the answer */
};

struct sp_tally_portal {
	uint64_t requests[SP_TALLY_STATUSES];
	struct sp_histogram login; /* from the form to the page that answers it */
};

/* What became of a request to a RADIUS server. */
enum sp_tally_asked {
	SP_TALLY_ACCEPTED, /* of accounting: confirmed */
	SP_TALLY_REJECTED,
	SP_TALLY_CHALLENGED,
	SP_TALLY_SILENT,    /* no answer in time */
	SP_TALLY_UNTRUSTED, /* an answer that is not believed */
	SP_TALLY_ASKED,
};

struct sp_tally_radius_server {
	uint64_t asked[SP_TALLY_ASKED];
	struct sp_histogram round_trip; /* of requests that were answered */
};

/* Of a verifier, whichever it is. */
struct sp_tally_radius {
	struct sp_tally_radius_server server[SP_IPC_RADIUS_SERVERS];
	uint64_t given_up; /* accounting: what no server takes */
	uint64_t dropped;  /* authority: what is not believed */
};

struct sp_tally_garden {
	uint64_t answers;   /* DNS answers that were read */
	uint64_t malformed; /* of these */
};

/* What can go down; 0 while the child does not run. */
enum sp_tally_gauge {
	SP_TALLY_OPEN,   /* responder, portal: connections */
	SP_TALLY_QUEUED, /* accounting: packets that wait for a server */
	SP_TALLY_GAUGES = 8,
};

#define SP_TALLY_CELLS 1016u

struct sp_tally {
	uint64_t gauge[SP_TALLY_GAUGES];
	union {
		struct sp_tally_responder responder;
		struct sp_tally_portal portal;
		struct sp_tally_radius radius;
		struct sp_tally_garden garden;
		uint64_t cell[SP_TALLY_CELLS];
	};
};

_Static_assert(sizeof(struct sp_tally) == 8192, "two pages, and every count a cell");

/* Where this process counts; never NULL. Nobody reads it until sp_tally_open. */
extern struct sp_tally *sp_tally;

/* In a child, before it is confined: count in the memory that the keeper gave it. */
void sp_tally_open(void);

/* Count one of @status in a table of them; what is no status is not counted. */
static inline void sp_tally_status(uint64_t table[SP_TALLY_STATUSES], unsigned status)
{
	if (status >= 100 && status < 100 + SP_TALLY_STATUSES)
		table[SP_TALLY_STATUS(status)]++;
}

#endif
