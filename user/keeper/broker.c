/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/broker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/method.h"

int sp_broker_open(struct sp_broker *broker, unsigned workers, uint64_t patience,
                   sp_broker_done done, void *context)
{
	*broker = (struct sp_broker){
		.worker_count = workers,
		.spared = workers > 1,
		.patience = patience,
		.done = done,
		.context = context,
	};
	for (unsigned i = 0; i < SP_MAX_VERIFIERS; i++)
		broker->worker[i].socket = -1;
	/* Memory that is not used yet costs nothing. */
	broker->pendings = calloc(SP_BROKER_WAITING, sizeof(*broker->pendings));
	if (!broker->pendings)
		return -ENOMEM;
	for (unsigned i = SP_BROKER_WAITING; i-- > 0;) {
		broker->pendings[i].next = broker->unused;
		broker->unused = &broker->pendings[i];
	}
	return 0;
}

void sp_broker_close(struct sp_broker *broker)
{
	if (broker->pendings)
		explicit_bzero(broker->pendings, SP_BROKER_WAITING * sizeof(*broker->pendings));
	free(broker->pendings);
	broker->pendings = NULL;
}

/* --- lists --- */

static void give_back(struct sp_broker *broker, struct sp_pending *pending)
{
	explicit_bzero(pending, sizeof(*pending));
	pending->next = broker->unused;
	broker->unused = pending;
	broker->used--;
}

static struct sp_broker_queue *queue_of(struct sp_broker *broker, const struct sp_pending *pending)
{
	return pending->check.method == SP_METHOD_RADIUS ? &broker->radius : &broker->local;
}

static struct sp_pending **bucket_of(struct sp_broker *broker, const struct sp_client_key *client)
{
	unsigned hash = client->vlan;

	for (unsigned i = 0; i < sizeof(client->mac); i++)
		hash = hash * 31 + client->mac[i];
	return &broker->bucket[hash % SP_BROKER_BUCKETS];
}

/* Queue @pending, at the head if it has waited before. */
static void put(struct sp_broker *broker, struct sp_pending *pending)
{
	struct sp_broker_queue *queue = queue_of(broker, pending);
	struct sp_pending **bucket = bucket_of(broker, &pending->check.client);

	pending->next = pending->again ? queue->first : NULL;
	pending->previous = pending->again ? NULL : queue->last;
	*(pending->previous ? &pending->previous->next : &queue->first) = pending;
	*(pending->next ? &pending->next->previous : &queue->last) = pending;
	pending->same_bucket = *bucket;
	*bucket = pending;
}

/* The opposite of put(). */
static void take_out(struct sp_broker *broker, struct sp_pending *pending)
{
	struct sp_broker_queue *queue = queue_of(broker, pending);
	struct sp_pending **link = bucket_of(broker, &pending->check.client);

	*(pending->previous ? &pending->previous->next : &queue->first) = pending->next;
	*(pending->next ? &pending->next->previous : &queue->last) = pending->previous;
	while (*link != pending)
		link = &(*link)->same_bucket;
	*link = pending->same_bucket;
}

/* The one of @client that waits, or NULL. */
static struct sp_pending *find(struct sp_broker *broker, const struct sp_client_key *client)
{
	struct sp_pending *at = *bucket_of(broker, client);

	while (at && memcmp(&at->check.client, client, sizeof(*client)) != 0)
		at = at->same_bucket;
	return at;
}

static void finish(struct sp_broker *broker, const struct sp_pending *pending,
                   const struct sp_ipc_verdict *verdict, enum sp_ipc_result result)
{
	if (!pending->over)
		broker->done(broker->context, pending, verdict, result);
}

/* --- workers --- */

/* One that does not take it is noticed as gone elsewhere, and then this one waits again. */
static void assign(struct sp_broker_worker *worker, struct sp_pending *pending, uint64_t now)
{
	worker->has = pending;
	worker->since = now;
	(void)sp_ipc_send(worker->socket, &pending->check, sizeof(pending->check));
}

static struct sp_pending *next(struct sp_broker *broker, unsigned idle)
{
	struct sp_pending *pending = broker->local.first;

	if (!pending && idle > broker->spared)
		pending = broker->radius.first;
	if (pending)
		take_out(broker, pending);
	return pending;
}

static void assign_all(struct sp_broker *broker, uint64_t now)
{
	unsigned idle = 0;

	for (unsigned i = 0; i < broker->worker_count; i++)
		idle += broker->worker[i].socket >= 0 && !broker->worker[i].has;
	for (unsigned i = 0; i < broker->worker_count && idle; i++) {
		struct sp_broker_worker *worker = &broker->worker[i];
		struct sp_pending *pending;

		if (worker->socket < 0 || worker->has)
			continue;
		pending = next(broker, idle);
		if (!pending)
			return;
		assign(worker, pending, now);
		idle--;
	}
}

struct sp_pending *sp_broker_take(struct sp_broker *broker, uint64_t request, uint64_t now)
{
	struct sp_pending *pending = broker->unused;

	if (!pending)
		return NULL;
	broker->unused = pending->next;
	broker->used++;
	*pending = (struct sp_pending){
		.request = request,
		.deadline = now + SP_BROKER_DEADLINE,
		.check = {.header.kind = SP_IPC_CHECK, .id = ++broker->last_id},
	};
	return pending;
}

void sp_broker_submit(struct sp_broker *broker, struct sp_pending *pending, uint64_t now)
{
	struct sp_pending *older = find(broker, &pending->check.client);

	if (older) {
		take_out(broker, older);
		finish(broker, older, NULL, SP_IPC_BUSY);
		give_back(broker, older);
	}
	put(broker, pending);
	assign_all(broker, now);
}

/* What a worker that is gone had. */
static void lose(struct sp_broker *broker, struct sp_pending *pending)
{
	if (!pending->over && !pending->again) {
		pending->again = true;
		put(broker, pending);
		return;
	}
	finish(broker, pending, NULL, SP_IPC_FAILED);
	give_back(broker, pending);
}

void sp_broker_worker(struct sp_broker *broker, unsigned index, int socket, uint64_t now)
{
	struct sp_broker_worker *worker = &broker->worker[index];
	struct sp_pending *had = worker->has;

	if (worker->socket == socket)
		return;
	*worker = (struct sp_broker_worker){.socket = socket};
	if (had)
		lose(broker, had);
	assign_all(broker, now);
}

int sp_broker_verdict(struct sp_broker *broker, unsigned index,
                      const struct sp_ipc_verdict *verdict, uint64_t now)
{
	struct sp_broker_worker *worker = &broker->worker[index];
	struct sp_pending *pending = worker->has;

	if (!pending || verdict->id != pending->check.id)
		return -EPROTO;
	worker->has = NULL;
	finish(broker, pending, verdict, verdict->result);
	give_back(broker, pending);
	assign_all(broker, now);
	return 0;
}

bool sp_broker_stuck(const struct sp_broker *broker, unsigned index, uint64_t now)
{
	const struct sp_broker_worker *worker = &broker->worker[index];

	return worker->has && now >= worker->since + broker->patience;
}

/* --- time --- */

static void forget_queue(struct sp_broker *broker, struct sp_broker_queue *queue)
{
	while (queue->first) {
		struct sp_pending *pending = queue->first;

		take_out(broker, pending);
		give_back(broker, pending);
	}
}

void sp_broker_forget(struct sp_broker *broker)
{
	forget_queue(broker, &broker->local);
	forget_queue(broker, &broker->radius);
	for (unsigned i = 0; i < broker->worker_count; i++)
		if (broker->worker[i].has)
			broker->worker[i].has->over = true;
}

/* What its not being judged in time most likely means. */
static enum sp_ipc_result too_late(const struct sp_pending *pending)
{
	return pending->check.method == SP_METHOD_RADIUS ? SP_IPC_SILENT : SP_IPC_BUSY;
}

/* They are not quite in the order of their deadlines: one whose worker died is at the head. */
static uint64_t expire_queue(struct sp_broker *broker, struct sp_broker_queue *queue, uint64_t now)
{
	while (queue->first && queue->first->deadline <= now) {
		struct sp_pending *pending = queue->first;

		take_out(broker, pending);
		finish(broker, pending, NULL, too_late(pending));
		give_back(broker, pending);
	}
	return queue->first ? queue->first->deadline : UINT64_MAX;
}

/* Its worker may still wait for a server; it is not asked anything else until then. */
static void expire_judged(struct sp_broker *broker, struct sp_pending *pending)
{
	finish(broker, pending, NULL, too_late(pending));
	pending->over = true;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t sp_broker_attend(struct sp_broker *broker, uint64_t now)
{
	uint64_t due = sooner(expire_queue(broker, &broker->local, now),
	                      expire_queue(broker, &broker->radius, now));

	for (unsigned i = 0; i < broker->worker_count; i++) {
		struct sp_broker_worker *worker = &broker->worker[i];

		if (!worker->has)
			continue;
		if (!worker->has->over && worker->has->deadline <= now)
			expire_judged(broker, worker->has);
		due = sooner(due, worker->has->over ? worker->since + broker->patience
		                                    : worker->has->deadline);
	}
	return due;
}
