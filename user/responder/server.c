/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "responder/server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "ipc/tally.h"
#include "lib/monotonic.h"
#include "responder/count.h"

#define MAX_EVENTS   256
#define ACCEPT_BATCH 64
#define LOOKS        16  /* at connections that have had their answer, between new ones */
#define LAST_CALL_MS 100 /* for handshakes that had begun when the keeper went */

/* What epoll hands back for those that are no connection; no slot has such an index. Listeners, and
 * where letters come: twice the zone, and 1 for IPv6, behind the first. */
#define MARK_KEEPER    0xfffffeffu
#define MARK_LISTENERS 0xffffff00u
#define MARK_LETTERS   (MARK_LISTENERS + 2u * SP_ZONES)

const struct sp_server_limits sp_server_defaults = {
	.connections = SP_SERVER_CONNECTIONS,
	.large_heads = 256,
	.per_address = 256, /* a router in front of a household is one address */
	.head_ms = 10000,
	.grace_ms = 200,
	.linger_ms = 2000,
	.look_ms = 20,
};

static void read_clocks(struct sp_server *server)
{
	server->now_us = sp_monotonic_us();
	server->now = server->now_us / 1000;
	sp_date_set(&server->date, time(NULL));
}

static int watch(struct sp_server *server, int fd, uint32_t events, uint32_t mark,
                 uint32_t generation)
{
	struct epoll_event event = {.events = events,
	                            .data.u64 = (uint64_t)generation << 32 | mark};

	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int sp_server_init(struct sp_server *server, const struct sp_server_limits *limits,
                   const struct sp_knowledge *knowledge, const struct sp_server_files *files,
                   struct sp_error *err)
{
	int ret;

	memset(server, 0, sizeof(*server));
	server->limits = *limits;
	server->knowledge = knowledge;
	server->files = *files;
	sp_letters_init(&server->letters, knowledge, files->answers);
	server->complaints.burst = 5;
	TAILQ_INIT(&server->reading);
	TAILQ_INIT(&server->lingering);
	read_clocks(server);
	if (fcntl(files->keeper, F_SETFL, O_NONBLOCK))
		return sp_fail(err, -errno, SP_EXIT_FAILED, "keeper: %s", strerror(errno));
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll < 0)
		return sp_fail(err, -errno, SP_EXIT_FAILED, "epoll: %s", strerror(errno));
	ret = sp_pool_init(&server->pool, limits->connections, limits->large_heads);
	for (unsigned i = 0; i < 2 * files->zones && !ret; i++)
		ret = watch(server, files->listener[i / 2][i % 2], EPOLLIN, MARK_LISTENERS + i, 0);
	for (unsigned i = 0; i < 2 * files->zones && files->letters && !ret; i++)
		ret = watch(server, files->letters[i / 2][i % 2], EPOLLIN, MARK_LETTERS + i, 0);
	if (!ret)
		ret = watch(server, files->keeper, EPOLLIN, MARK_KEEPER, 0);
	if (ret) {
		sp_server_free(server);
		return sp_fail(err, ret, SP_EXIT_FAILED, "cannot serve: %s", strerror(-ret));
	}
	return 0;
}

static void leave_queue(struct sp_server *server, struct sp_connection *connection)
{
	if (connection->state == SP_CONNECTION_READING) {
		TAILQ_REMOVE(&server->reading, connection, queue);
		sp_pool_leave(connection);
	} else {
		TAILQ_REMOVE(&server->lingering, connection, queue);
	}
}

static void drop(struct sp_server *server, struct sp_connection *connection)
{
	leave_queue(server, connection);
	close(connection->fd); /* epoll forgets it with that */
	sp_pool_give(&server->pool, connection);
}

void sp_server_free(struct sp_server *server)
{
	struct sp_connection *connection;

	while ((connection = TAILQ_FIRST(&server->reading)))
		drop(server, connection);
	while ((connection = TAILQ_FIRST(&server->lingering)))
		drop(server, connection);
	sp_pool_free(&server->pool);
	close(server->epoll);
}

/* Room for another: one that has had its answer goes first. */
static void drop_oldest(struct sp_server *server)
{
	struct sp_connection *oldest = TAILQ_FIRST(&server->lingering);

	if (!oldest) {
		oldest = TAILQ_FIRST(&server->reading);
		sp_tally->responder.dropped[SP_TALLY_EVICTED] += oldest != NULL;
	}
	if (oldest)
		drop(server, oldest);
}

static void look_later(struct sp_server *server, struct sp_connection *connection)
{
	connection->due = server->now + server->limits.look_ms;
	TAILQ_INSERT_TAIL(&server->lingering, connection, queue);
}

static void half_close(struct sp_connection *connection)
{
	shutdown(connection->fd, SHUT_WR);
	connection->half_closed = true;
}

static void linger(struct sp_server *server, struct sp_connection *connection)
{
	leave_queue(server, connection);
	sp_pool_shrink(&server->pool, connection);
	connection->state = SP_CONNECTION_LINGERING;
	connection->half_close_at = server->now + server->limits.grace_ms;
	connection->deadline = server->now + server->limits.linger_ms;
	look_later(server, connection);
}

/* Throw away what the client still sends, until it closes or was given enough. */
static void drain(struct sp_server *server, struct sp_connection *connection)
{
	while (connection->drained < SP_MAX_DRAIN && server->now < connection->deadline) {
		/* MSG_TRUNC: not even copied. */
		ssize_t received = recv(connection->fd, server->drain,
		                        SP_MAX_DRAIN - connection->drained, MSG_TRUNC);

		if (received < 0 && errno == EINTR)
			continue;
		if (received < 0 && errno == EAGAIN) {
			if (!connection->half_closed && connection->half_close_at <= server->now)
				half_close(connection);
			TAILQ_REMOVE(&server->lingering, connection, queue);
			look_later(server, connection);
			return;
		}
		if (received <= 0)
			break;
		connection->drained += (uint32_t)received;
	}
	drop(server, connection);
}

/* Some hundreds may be due at once, at 5 to 10 us each: nobody who is new waits for all of them.
 * But no fewer go than come, so with each that comes one is looked at. */
static void look_at_one(struct sp_server *server)
{
	struct sp_connection *connection = TAILQ_FIRST(&server->lingering);

	if (connection && connection->due <= server->now)
		drain(server, connection);
}

/*
 * Whether the end of the connection tells the client where the answer ends. All of HTTP/1.1 goes by
 * Content-Length, and closes by itself because we said that we would.
 */
static bool waits_for_end(const struct sp_request *request, enum sp_request_result result)
{
	return result != SP_REQUEST_DONE || (request->minor == 0 && !request->keep_alive);
}

/*
 * Who closes first keeps the connection in TIME-WAIT for a minute: better a client its own one than
 * the gateway those of all. So a client gets a moment to close first.
 */
static void answer(struct sp_server *server, struct sp_connection *connection,
                   enum sp_request_result result)
{
	const struct sp_request *request = &connection->request;
	bool ends = waits_for_end(request, result);
	size_t length = sp_respond(server->knowledge, connection->zone, request, result,
	                           sp_connection_head(connection), connection->is_ipv6,
	                           server->date.text, server->out);
	/* MSG_MORE: what is left over of whole segments goes out together with the FIN, which
	 * follows at once and which no algorithm of Nagle holds back. */
	ssize_t sent = send(connection->fd, server->out, length,
	                    ends ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL);

	/* An empty send buffer takes an answer whole; when it does not, the client is gone or the
	 * kernel has no memory left, and half an answer is of no use. */
	if (sent < 0 || (size_t)sent != length) {
		drop(server, connection);
		return;
	}
	sp_count_answer(server->out, connection->came);
	if (ends && result == SP_REQUEST_DONE && request->last &&
	    request->length == connection->length) {
		drop(server, connection);
		return;
	}
	if (ends)
		half_close(connection);
	linger(server, connection);
}

/* Room for the rest of a head that does not fit into the small buffer. */
static void enlarge(struct sp_server *server, struct sp_connection *connection)
{
	if (sp_pool_enlarge(&server->pool, connection))
		return;
	drop(server, sp_pool_oldest_large(&server->pool));
	sp_pool_enlarge(&server->pool, connection);
}

static void wait_for_more(struct sp_server *server, struct sp_connection *connection)
{
	if (connection->watched || connection->fresh)
		return;
	connection->watched = true;
	if (watch(server, connection->fd, EPOLLIN | EPOLLRDHUP | EPOLLET,
	          sp_pool_index(&server->pool, connection), connection->generation))
		drop(server, connection);
}

/* Read what is there. @connection may be gone afterwards. */
static void receive(struct sp_server *server, struct sp_connection *connection)
{
	for (;;) {
		char *head = sp_connection_head(connection);
		uint32_t room = sp_connection_room(connection) - connection->length;
		ssize_t received = recv(connection->fd, head + connection->length, room, 0);
		enum sp_request_result result;

		if (received < 0 && errno == EINTR)
			continue;
		if (received < 0 && errno == EAGAIN) {
			wait_for_more(server, connection);
			return;
		}
		if (received <= 0) {
			drop(server, connection);
			return;
		}
		connection->length += (uint32_t)received;
		result = sp_request_read(&connection->request, head, connection->length);
		if (result != SP_REQUEST_MORE) {
			answer(server, connection, result);
			return;
		}
		/* SP_MAX_HEAD bytes are always a result: only a small buffer can be full. */
		if (connection->length == sp_connection_room(connection))
			enlarge(server, connection);
	}
}

static void copy_address(uint8_t address[16], const struct sockaddr_storage *peer)
{
	if (peer->ss_family == AF_INET6)
		memcpy(address, &((const struct sockaddr_in6 *)peer)->sin6_addr, 16);
	else
		memcpy(address, &((const struct sockaddr_in *)peer)->sin_addr, 4);
}

/* Connections accepted in one go, by slot and generation: they may be gone when they are looked at.
 */
struct batch {
	unsigned count;
	uint32_t index[ACCEPT_BATCH], generation[ACCEPT_BATCH];
};

static void welcome(struct sp_server *server, int fd, const struct sockaddr_storage *peer,
                    unsigned zone, bool is_ipv6, struct batch *batch)
{
	struct sp_connection *connection;
	uint8_t address[16] = {0};

	copy_address(address, peer);
	if (sp_pool_count(&server->pool, address, server->limits.per_address) ==
	    server->limits.per_address) {
		sp_tally->responder.dropped[SP_TALLY_CROWDED]++;
		close(fd);
		return;
	}
	connection = sp_pool_take(&server->pool);
	if (!connection) {
		drop_oldest(server);
		connection = sp_pool_take(&server->pool);
	}
	connection->fd = fd;
	connection->is_ipv6 = is_ipv6;
	connection->zone = (uint8_t)zone;
	connection->state = SP_CONNECTION_READING;
	connection->came = server->now_us;
	connection->deadline = server->now + server->limits.head_ms;
	memcpy(connection->address, address, sizeof(address));
	TAILQ_INSERT_TAIL(&server->reading, connection, queue);
	sp_pool_enter(&server->pool, connection);
	batch->index[batch->count] = sp_pool_index(&server->pool, connection);
	batch->generation[batch->count++] = connection->generation;
	connection->fresh = true;
	receive(server, connection);
}

static void accept_some(struct sp_server *server, unsigned zone, bool is_ipv6, struct batch *batch)
{
	for (unsigned i = 0; i < ACCEPT_BATCH; i++) {
		struct sockaddr_storage peer = {0};
		socklen_t length = sizeof(peer);
		int fd = accept4(server->files.listener[zone][is_ipv6], (struct sockaddr *)&peer,
		                 &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			welcome(server, fd, &peer, zone, is_ipv6, batch);
			look_at_one(server);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		           errno == ENOMEM) {
			sp_log_limited(&server->complaints, SP_LOG_WARNING,
			               "cannot accept a connection: %s", strerror(errno));
			drop_oldest(server);
			return;
		}
		/* Anything else was about that one connection (accept(2)): on to the next. */
	}
}

/*
 * A head that was not there when its connection was accepted often is when the others of the batch
 * have been answered. To look again costs a quarter of what it costs to have epoll watch for it.
 */
static void accept_all(struct sp_server *server, unsigned zone, bool is_ipv6)
{
	struct batch batch;

	batch.count = 0;
	accept_some(server, zone, is_ipv6, &batch);
	for (unsigned i = 0; i < batch.count; i++) {
		struct sp_connection *connection =
			sp_pool_find(&server->pool, batch.index[i], batch.generation[i]);

		if (!connection || connection->state != SP_CONNECTION_READING)
			continue;
		connection->fresh = false;
		if (batch.count == 1)
			wait_for_more(server, connection);
		else
			receive(server, connection);
	}
}

static bool is_from(const struct sp_connection *connection, const struct sp_address *client)
{
	const uint32_t mapped[3] = {0, 0, htonl(0xffff)};

	if (connection->is_ipv6)
		return !memcmp(connection->address, client, sizeof(*client));
	return !memcmp(client->word, mapped, sizeof(mapped)) &&
	       !memcmp(connection->address, &client->word[3], sizeof(client->word[3]));
}

/* With a reset: nothing has been said on these connections that could get lost, and a client that
 * is forwarded from now on would not get an orderly end across. */
static void close_unanswered(struct sp_server *server, const struct sp_address *client)
{
	const struct linger reset = {.l_onoff = 1};
	struct sp_connection *connection = TAILQ_FIRST(&server->reading), *next;

	for (; connection; connection = next) {
		next = TAILQ_NEXT(connection, queue);
		if (!is_from(connection, client))
			continue;
		setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		drop(server, connection);
	}
}

/* 0, or 1 when there is no keeper any more that could be understood. */
static int listen_to_keeper(struct sp_server *server)
{
	struct sp_ipc_close message;
	int ret;

	while (!(ret = sp_ipc_receive(server->files.keeper, SP_IPC_CLOSE, &message,
	                              sizeof(message)))) {
		close_unanswered(server, &message.client);
		sp_letters_end(&server->letters, &message.client);
	}
	return ret == -EAGAIN ? 0 : 1;
}

static int handle(struct sp_server *server, const struct epoll_event *event)
{
	uint32_t mark = (uint32_t)event->data.u64;
	struct sp_connection *connection;

	if (mark == MARK_KEEPER)
		return listen_to_keeper(server);
	if (mark >= MARK_LETTERS) {
		sp_letters_serve(&server->letters,
		                 server->files.letters[(mark - MARK_LETTERS) / 2][mark % 2],
		                 (mark - MARK_LETTERS) / 2, mark % 2, &server->date,
		                 server->now_us);
		return 0;
	}
	if (mark >= MARK_LISTENERS) {
		accept_all(server, (mark - MARK_LISTENERS) / 2, mark % 2);
		return 0;
	}
	connection = sp_pool_find(&server->pool, mark, (uint32_t)(event->data.u64 >> 32));
	if (!connection) /* dropped since, in this same turn */
		return 0;
	if (connection->state == SP_CONNECTION_READING)
		receive(server, connection);
	else
		drain(server, connection);
	return 0;
}

static void expire(struct sp_server *server)
{
	struct sp_connection *connection;

	while ((connection = TAILQ_FIRST(&server->reading)) &&
	       connection->deadline <= server->now) {
		sp_tally->responder.dropped[SP_TALLY_LATE]++;
		drop(server, connection);
	}
	for (unsigned i = 0; i < LOOKS; i++)
		look_at_one(server);
}

/* Milliseconds until expire() has something to do, at most @wait_ms. */
static int time_to_wait(const struct sp_server *server, int wait_ms)
{
	const struct sp_connection *reading = TAILQ_FIRST(&server->reading);
	const struct sp_connection *lingering = TAILQ_FIRST(&server->lingering);
	uint64_t next = UINT64_MAX, wait;

	if (reading)
		next = reading->deadline;
	if (lingering && lingering->due < next)
		next = lingering->due;
	if (next == UINT64_MAX)
		return wait_ms;
	wait = next > server->now ? next - server->now : 0;
	return wait_ms >= 0 && (uint64_t)wait_ms < wait ? wait_ms : (int)wait;
}

int sp_server_turn(struct sp_server *server, int wait_ms)
{
	struct epoll_event events[MAX_EVENTS];
	int ret = 0,
	    count = epoll_wait(server->epoll, events, MAX_EVENTS, time_to_wait(server, wait_ms));

	if (count < 0 && errno != EINTR)
		return -errno;
	read_clocks(server);
	for (int i = 0; i < count; i++)
		ret |= handle(server, &events[i]);
	expire(server);
	sp_tally->gauge[SP_TALLY_OPEN] = sp_pool_used(&server->pool);
	return ret;
}

static void stop_listening(const struct sp_server *server)
{
	const struct sp_server_files *files = &server->files;

	for (unsigned i = 0; i < 2 * files->zones; i++) {
		epoll_ctl(server->epoll, EPOLL_CTL_DEL, files->listener[i / 2][i % 2], NULL);
		if (files->letters)
			epoll_ctl(server->epoll, EPOLL_CTL_DEL, files->letters[i / 2][i % 2], NULL);
	}
}

void sp_server_finish(struct sp_server *server, uint32_t ms)
{
	const uint64_t begun = sp_monotonic_ms(), until = begun + ms;

	epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->files.keeper, NULL);
	while (server->now < begun + LAST_CALL_MS)
		if (sp_server_turn(server, (int)(begun + LAST_CALL_MS - server->now)) < 0)
			return;
	stop_listening(server);
	while (server->now < until &&
	       (TAILQ_FIRST(&server->reading) || TAILQ_FIRST(&server->lingering)))
		if (sp_server_turn(server, (int)(until - server->now)) < 0)
			return;
}
