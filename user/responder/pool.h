/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All connections of a worker, allocated once. Most heads fit into the small buffer that each
 * connection has; the others borrow one of a few large ones. Pages of slots that were never needed
 * are never touched.
 */
#ifndef SP_RESPONDER_POOL_H
#define SP_RESPONDER_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "responder/request.h"

#define SP_SMALL_HEAD 2048

enum sp_connection_state {
	SP_CONNECTION_FREE,
	SP_CONNECTION_READING,   /* its head is not complete */
	SP_CONNECTION_LINGERING, /* answered; it may still send */
};

struct sp_connection {
	TAILQ_ENTRY(sp_connection) queue;     /* of its state, oldest first */
	LIST_ENTRY(sp_connection) neighbours; /* same hash of the address; while reading */
	struct sp_large_head *large;          /* in place of `small` */
	uint64_t came;                        /* us */
	uint64_t deadline;                    /* ms */
	uint64_t due;                         /* ms: next look at a lingering one */
	uint64_t half_close_at;               /* ms */
	enum sp_connection_state state;
	int fd;
	uint32_t generation; /* of this use of the slot */
	uint32_t drained;    /* bytes thrown away */
	uint32_t length;     /* bytes received */
	uint8_t zone;        /* of the setup: that of the listener */
	bool is_ipv6;
	bool fresh;       /* accepted in this batch: it is read once more before epoll watches it */
	bool watched;     /* by epoll */
	bool half_closed; /* our FIN is sent */
	uint8_t address[16];
	struct sp_request request;
	char small[SP_SMALL_HEAD];
};

struct sp_large_head {
	TAILQ_ENTRY(sp_large_head) queue;
	struct sp_connection *owner;
	char head[SP_MAX_HEAD];
};

TAILQ_HEAD(sp_connection_queue, sp_connection);
LIST_HEAD(sp_connection_list, sp_connection);
TAILQ_HEAD(sp_large_queue, sp_large_head);

struct sp_pool {
	struct sp_connection *slot;
	uint32_t slots, touched, free_count;
	uint32_t *free_slot; /* stack: the slot used last is warm */
	struct sp_large_head *large;
	uint32_t larges, larges_touched;
	struct sp_large_queue free_large;
	struct sp_large_queue used_large; /* oldest first */
	struct sp_connection_list *bucket;
	uint32_t bucket_mask;
	uint64_t secret[2]; /* keeps outsiders from aiming at one bucket */
};

/* 0 or -errno. */
int sp_pool_init(struct sp_pool *pool, uint32_t slots, uint32_t larges);
void sp_pool_free(struct sp_pool *pool);

/* A zeroed connection but for its generation, or NULL when all are in use. */
struct sp_connection *sp_pool_take(struct sp_pool *pool);

/* Give it back; it must be in no queue any more. */
void sp_pool_give(struct sp_pool *pool, struct sp_connection *connection);

/* How many are in use. */
uint32_t sp_pool_used(const struct sp_pool *pool);

/* The slot @index, if its use is still that of @generation, else NULL. */
struct sp_connection *sp_pool_find(struct sp_pool *pool, uint32_t index, uint32_t generation);
uint32_t sp_pool_index(const struct sp_pool *pool, const struct sp_connection *connection);

/* The buffer of the head, and its size. */
char *sp_connection_head(struct sp_connection *connection);
uint32_t sp_connection_room(const struct sp_connection *connection);

/* Move the head into a large buffer. False when all are in use. */
bool sp_pool_enlarge(struct sp_pool *pool, struct sp_connection *connection);

/* Who has had a large buffer for longest; NULL if nobody has one. */
struct sp_connection *sp_pool_oldest_large(const struct sp_pool *pool);

/* Give back the large buffer, if there is one; the head is lost. */
void sp_pool_shrink(struct sp_pool *pool, struct sp_connection *connection);

/* Count @connection in for its address, and out again. */
void sp_pool_enter(struct sp_pool *pool, struct sp_connection *connection);
void sp_pool_leave(struct sp_connection *connection);

/* How many were entered for @address; stops counting at @most. */
uint32_t sp_pool_count(const struct sp_pool *pool, const uint8_t address[16], uint32_t most);

#endif
