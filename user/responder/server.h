/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One worker: accepts, reads, answers once, closes. Under load a head is usually there when its
 * connection is accepted, so it is read at once, and epoll is told only of connections whose head
 * is not complete.
 *
 * A connection that may still have something to send when it has been answered is shut down and
 * drained for a while, since closing it would make the kernel send a reset, which can destroy the
 * answer on its way to the reader. Those are looked at in turn, all after the same time: cheaper
 * than to have epoll watch each for the few packets until the client closes.
 */
#ifndef SP_RESPONDER_SERVER_H
#define SP_RESPONDER_SERVER_H

#include <stdint.h>
#include <sys/epoll.h>

#include "lib/error.h"
#include "lib/log.h"
#include "responder/date.h"
#include "responder/letters.h"
#include "responder/pool.h"
#include "responder/respond.h"

#define SP_MAX_DRAIN 65536 /* bytes thrown away before a connection is closed anyway */

struct sp_server_limits {
	uint32_t connections; /* at once; the oldest makes room for another */
	uint32_t large_heads; /* connections with a head of more than SP_SMALL_HEAD */
	uint32_t per_address; /* unanswered connections of one client address */
	uint32_t head_ms;     /* for a head to arrive */
	uint32_t grace_ms;    /* for a client to close before we do */
	uint32_t linger_ms;   /* for a client to close when it has its answer */
	uint32_t look_ms;     /* between two looks at one that lingers */
};

extern const struct sp_server_limits sp_server_defaults;

/* Of sp_server_defaults. */
#define SP_SERVER_CONNECTIONS 8192

/* Files a server opens at most besides its connections and those it was given. */
#define SP_SERVER_OWN_FILES 8

/* All of them stay the caller's, and must not block. */
struct sp_server_files {
	const int (*listener)[2]; /* by zone of the setup and is_ipv6 */
	const int (*letters)[2];  /* the same, where requests come as datagrams; NULL: nowhere */
	int answers[2];           /* by is_ipv6: from where those are answered */
	unsigned zones;
	int keeper;
};

struct sp_server {
	struct sp_server_limits limits;
	const struct sp_knowledge *knowledge;
	struct sp_pool pool;
	struct sp_connection_queue reading, lingering;
	int epoll;
	struct sp_server_files files;
	struct sp_letters letters;
	uint64_t now;    /* ms */
	uint64_t now_us; /* the same in microseconds */
	struct sp_date date;
	struct sp_log_limit complaints;
	char out[SP_MAX_ANSWER];
	char drain[SP_MAX_DRAIN];
};

/* Make @server ready to serve at @files, whose lists must live as long. 0 or a negative errno. */
int sp_server_init(struct sp_server *server, const struct sp_server_limits *limits,
                   const struct sp_knowledge *knowledge, const struct sp_server_files *files,
                   struct sp_error *err);

/* Close all connections. The listeners and the keeper's socket stay open. */
void sp_server_free(struct sp_server *server);

/*
 * Wait for something to do, at most @wait_ms (-1: without end), and do it. 0; 1 when there is
 * something to read from the keeper; or a negative errno.
 */
int sp_server_turn(struct sp_server *server, int wait_ms);

/* The keeper is gone: answer the connections that are there or about to come, for at most @ms. */
void sp_server_finish(struct sp_server *server, uint32_t ms);

#endif
