/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accounting-Requests on their way: several at once, each sent again until a server has confirmed
 * it, to the first server that answers. Nothing waits here; the caller's loop does.
 */
#ifndef SP_RADIUS_QUEUE_H
#define SP_RADIUS_QUEUE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "ipc/radius.h"
#include "radius/exchange.h"

#define SP_RADIUS_JOBS     4096u
#define SP_RADIUS_RESERVED 512u /* of them for starts and stops */
#define SP_RADIUS_OUT      128u /* unanswered at once; there are 256 ids (RFC 2865, 3) */

/* A start or stop that this many rounds over all servers could not place, while they answered
 * others, is one that they will not take. */
#define SP_RADIUS_ROUNDS 10u

struct sp_radius_job {
	bool used;
	bool out;        /* sent, and in queue->out */
	unsigned rounds; /* over all servers, in vain */
	uint64_t taken;  /* ms */
	uint64_t due;    /* ms: when to send it (again) */
	struct sp_ipc_account what;
};

/* A job that is out. */
struct sp_radius_out {
	struct sp_radius_job *job; /* NULL: nothing */
	uint8_t id;
	unsigned server; /* that it was sent to */
	unsigned tries;  /* at that server */
	uint64_t sent;   /* us */
	struct sp_radius_packet request;
};

struct sp_radius_queue {
	struct sp_radius_client client;
	struct sp_radius_job job[SP_RADIUS_JOBS];
	struct sp_radius_out out[SP_RADIUS_OUT];
	uint8_t next_id;
	uint64_t answered[SP_IPC_RADIUS_SERVERS]; /* ms: when it did so last; 0: never */
	/* Called when a start or stop is confirmed or given up. */
	void (*done)(const struct sp_ipc_account *what, bool given_up);
};

/* 0 or negative errno; @setup must stay. */
int sp_radius_queue_open(struct sp_radius_queue *queue, const struct sp_ipc_radius *setup,
                         void (*done)(const struct sp_ipc_account *what, bool given_up),
                         struct sp_error *err);

/* Take @what to be told at the time @now (ms). An update is replaced by whatever comes later about
 * its session. False: there is no room, and it was not taken; for starts and stops some is kept. */
bool sp_radius_queue_take(struct sp_radius_queue *queue, const struct sp_ipc_account *what,
                          uint64_t now);

/* Send what is due. Returns when something is due again, UINT64_MAX: nothing is left. */
uint64_t sp_radius_queue_attend(struct sp_radius_queue *queue, uint64_t now);

/* Take the answers that have come from the server @index. */
void sp_radius_queue_read(struct sp_radius_queue *queue, unsigned index, uint64_t now);

/* Fill @files with the sockets to wait for, one for each server; their number. */
unsigned sp_radius_queue_files(const struct sp_radius_queue *queue, struct pollfd *files);

#endif
