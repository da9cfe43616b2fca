/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metrics/server.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "lib/monotonic.h"
#include "lib/openmetrics.h"
#include "web/accept.h"

#define PATH               "/metrics"
#define CONNECTION_SECONDS 10u
#define CONNECTION_MEMORY  (16u * 1024) /* bytes, the request header included */
#define AGE_MS             1000u        /* a text so old is good enough */
#define KEEPER_MS          5000         /* that the keeper may take */
#define MOST_TEXT          (4u << 20)   /* bytes */

#define PLAIN_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* --- the text --- */

/* The whole of @file, ended; NULL: no memory, or it is not as it should be. */
static char *read_file(int file)
{
	size_t length = 0, room = 65536;
	char *text = malloc(room);
	ssize_t got = 1;

	if (!text)
		return NULL;
	while (got > 0 && length < MOST_TEXT) {
		if (room - length < 2) {
			char *more = realloc(text, room *= 2);

			if (!more)
				break;
			text = more;
		}
		got = pread(file, text + length, room - length - 1, (off_t)length);
		length += got > 0 ? (size_t)got : 0;
	}
	if (got == 0) {
		text[length] = '\0';
		return text;
	}
	free(text);
	return NULL;
}

static int wait_for_keeper(int socket)
{
	struct pollfd keeper = {.fd = socket, .events = POLLIN};
	int ready = poll(&keeper, 1, KEEPER_MS);

	return ready < 0 && errno != EINTR ? -errno : ready ? 0 : -ETIMEDOUT;
}

static int ask(struct sp_metrics_server *server, int *file)
{
	struct sp_ipc_ready message = {.header.kind = SP_IPC_SCRAPE};
	int ret = sp_ipc_send(server->keeper, &message, sizeof(message));

	while (!ret) {
		ret = sp_ipc_receive_file(server->keeper, SP_IPC_SCRAPED, &message, sizeof(message),
		                          file);
		if (ret != -EAGAIN)
			return ret;
		ret = wait_for_keeper(server->keeper);
	}
	return ret;
}

/* Nobody else is served while the keeper answers: there is nothing else to say. */
static void refresh(struct sp_metrics_server *server)
{
	const uint64_t now = sp_monotonic_ms();
	int file, ret;

	if (server->text && now - server->asked < AGE_MS)
		return;
	free(server->text);
	server->text = NULL;
	ret = ask(server, &file);
	/* An answer that comes after all would be taken for the next one's. */
	if (ret) {
		server->lost = true;
		return;
	}
	server->text = read_file(file);
	server->asked = now;
	close(file);
}

/* --- HTTP --- */

static enum MHD_Result send_response(struct MHD_Connection *connection, unsigned status,
                                     struct MHD_Response *response, const char *name,
                                     const char *value)
{
	enum MHD_Result result = MHD_NO;

	if (!response)
		return MHD_NO;
	if (MHD_add_response_header(response, name, value) &&
	    MHD_add_response_header(response, "Cache-Control", "no-store") &&
	    MHD_add_response_header(response, "Vary", "Accept") &&
	    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff"))
		result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result send_constant(struct MHD_Connection *connection, unsigned status,
                                     const char *text, const char *name, const char *value)
{
	return send_response(connection, status,
	                     MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
	                                                     MHD_RESPMEM_PERSISTENT),
	                     name, value);
}

/* Who asks for Prometheus' older format and not for OpenMetrics gets that. */
static bool wants_plain(struct MHD_Connection *connection)
{
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
	const size_t length = accept ? strlen(accept) : 0;

	return accept && sp_accept_names(accept, length, "text/plain") &&
	       !sp_accept_names(accept, length, "application/openmetrics-text");
}

static enum MHD_Result send_plain(struct MHD_Connection *connection, const char *text)
{
	char *plain = NULL;
	size_t length;
	FILE *out = open_memstream(&plain, &length);

	if (!out)
		return MHD_NO;
	sp_openmetrics_plain(text, out);
	if (fclose(out)) {
		free(plain);
		return MHD_NO;
	}
	return send_response(connection, MHD_HTTP_OK,
	                     MHD_create_response_from_buffer(length, plain, MHD_RESPMEM_MUST_FREE),
	                     MHD_HTTP_HEADER_CONTENT_TYPE, PLAIN_TYPE);
}

static enum MHD_Result send_metrics(struct sp_metrics_server *server,
                                    struct MHD_Connection *connection)
{
	refresh(server);
	if (!server->text)
		return send_constant(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
		                     "the daemon has no answer\n", MHD_HTTP_HEADER_CONTENT_TYPE,
		                     "text/plain");
	if (wants_plain(connection))
		return send_plain(connection, server->text);
	/* A copy: the text is replaced while a slow reader still has the last one. */
	return send_response(connection, MHD_HTTP_OK,
	                     MHD_create_response_from_buffer(strlen(server->text), server->text,
	                                                     MHD_RESPMEM_MUST_COPY),
	                     MHD_HTTP_HEADER_CONTENT_TYPE, SP_OPENMETRICS_TYPE);
}

/* MHD_AccessHandlerCallback: called when the header is there, for each piece of a body, and at the
 * end; what a body says does not matter. */
static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **slot)
{
	static char begun;

	(void)version;
	(void)upload;
	if (!*slot) {
		*slot = &begun;
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (strcmp(url, PATH) != 0)
		return send_constant(connection, MHD_HTTP_NOT_FOUND, "metrics are at " PATH "\n",
		                     MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return send_constant(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "",
		                     MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return send_metrics(cls, connection);
}

/* --- the loop --- */

int sp_metrics_start(struct sp_metrics_server *server, int listener, int keeper)
{
	*server = (struct sp_metrics_server){.keeper = keeper};
	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, listener,
		MHD_OPTION_CONNECTION_LIMIT, SP_METRICS_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
		CONNECTION_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	return server->daemon ? 0 : -EIO;
}

static unsigned count_connections(const struct sp_metrics_server *server)
{
	return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
	        ->num_connections;
}

static int time_to_wait(const struct sp_metrics_server *server)
{
	MHD_UNSIGNED_LONG_LONG due;

	if (server->freed)
		return 0;
	if (!MHD_get_timeout(server->daemon, &due))
		return -1;
	return due > INT_MAX ? INT_MAX : (int)due;
}

int sp_metrics_turn(struct sp_metrics_server *server)
{
	const int http = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	struct pollfd files[] = {{.fd = server->keeper, .events = POLLIN},
	                         {.fd = http, .events = POLLIN}};
	const unsigned before = count_connections(server);

	if (poll(files, 2, time_to_wait(server)) < 0 && errno != EINTR)
		return -errno;
	/* It says nothing that was not asked for. */
	if (files[0].revents)
		return -EPIPE;
	if (!MHD_run(server->daemon))
		return -EIO;
	/* Only the next run accepts those for whom there was no room until now. */
	server->freed = count_connections(server) < before;
	return server->lost ? -EPIPE : 0;
}

void sp_metrics_stop(struct sp_metrics_server *server)
{
	MHD_stop_daemon(server->daemon);
	free(server->text);
}
