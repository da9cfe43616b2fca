/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logins that a verifier has to judge: they wait here in the order in which they came, each worker
 * has one of them at a time. Nothing here blocks.
 *
 * A RADIUS server may take its time, so logins by RADIUS have a queue of their own and leave one
 * worker to those that need none. Of a client one login waits at most, the newest: who presses the
 * button again does not wait for the first answer. A login whose worker dies is given to another
 * one once: what kills workers must not kill them all.
 */
#ifndef SP_KEEPER_BROKER_H
#define SP_KEEPER_BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/ipc.h"
#include "lib/config.h"

#define SP_BROKER_WAITING  8192u  /* logins, those that are being judged included */
#define SP_BROKER_DEADLINE 15000u /* ms from its coming to its answer; the portal waits longer */
#define SP_BROKER_BUCKETS  1024u

struct sp_pending {
	struct sp_ipc_check check;
	uint64_t request;               /* id of the portal's request */
	uint64_t deadline;              /* ms, CLOCK_MONOTONIC */
	bool over;                      /* answered meanwhile: the verdict is of no interest */
	bool again;                     /* its first worker died */
	bool account;                   /* for the asker: the account's attempts count it too */
	unsigned zone;                  /* for the asker: number of the client's */
	struct sp_pending *next;        /* in its queue, or among the unused */
	struct sp_pending *previous;    /* in its queue */
	struct sp_pending *same_bucket; /* waiting, of clients alike */
};

/*
 * @pending is done: @verdict says how, or NULL, and then @result does (SP_IPC_SILENT, FAILED or
 * BUSY). It is forgotten after this call.
 */
typedef void (*sp_broker_done)(void *context, const struct sp_pending *pending,
                               const struct sp_ipc_verdict *verdict, enum sp_ipc_result result);

struct sp_broker_queue {
	struct sp_pending *first, *last;
};

struct sp_broker_worker {
	int socket;             /* -1: it is not there */
	struct sp_pending *has; /* NULL: it is idle */
	uint64_t since;         /* ms: when it was given that */
};

struct sp_broker {
	struct sp_pending *pendings; /* owned: SP_BROKER_WAITING of them */
	struct sp_pending *unused;
	unsigned used; /* logins that wait or are being judged */
	struct sp_pending *bucket[SP_BROKER_BUCKETS];
	struct sp_broker_queue local, radius;
	struct sp_broker_worker worker[SP_MAX_VERIFIERS];
	unsigned worker_count;
	unsigned spared;   /* idle workers that logins by RADIUS leave alone */
	uint64_t last_id;  /* of a check */
	uint64_t patience; /* ms that a worker may take */
	sp_broker_done done;
	void *context;
};

/* With @workers verifiers, none of which is there yet, that are stuck when they take longer than
 * @patience ms. 0 or negative errno; sp_broker_close in either case. */
int sp_broker_open(struct sp_broker *broker, unsigned workers, uint64_t patience,
                   sp_broker_done done, void *context);
void sp_broker_close(struct sp_broker *broker);

/* Room for a login that came with the request @request at @now: fill its check, but for header and
 * id, then submit it. NULL: too many wait. */
struct sp_pending *sp_broker_take(struct sp_broker *broker, uint64_t request, uint64_t now);

/* Have it judged. An older one of the same client that still waits is done: SP_IPC_BUSY. */
void sp_broker_submit(struct sp_broker *broker, struct sp_pending *pending, uint64_t now);

/* The worker @index is there with this socket (-1: it is not), as far as known; to be called
 * whenever that may have changed. */
void sp_broker_worker(struct sp_broker *broker, unsigned index, int socket, uint64_t now);

/* A worker says so. 0, or -EPROTO: it was not asked that. */
int sp_broker_verdict(struct sp_broker *broker, unsigned index,
                      const struct sp_ipc_verdict *verdict, uint64_t now);

/* Whoever asked for them is gone: nobody wants the answers, and nothing comes of them. */
void sp_broker_forget(struct sp_broker *broker);

/* Answer those whose time is up. Returns the ms at which to call this again; UINT64_MAX: not by
 * itself. */
uint64_t sp_broker_attend(struct sp_broker *broker, uint64_t now);

/* Whether the worker @index takes longer than anything can, so that it should be ended. */
bool sp_broker_stuck(const struct sp_broker *broker, unsigned index, uint64_t now);

#endif
