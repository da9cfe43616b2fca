/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An answer from libmicrohttpd, which other portals are built on: the same headers and body for
 * whoever asks, by epoll, with a thread for each worker.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <microhttpd.h>

#include "lib/text.h"

#define CONNECTIONS 8192

/* Headers that the library writes itself. */
static const char *const own[] = {"Date", "Content-Length", "Connection"};

static char answer[65536];

static enum MHD_Result respond(void *response, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *size, void **state)
{
	(void)url, (void)method, (void)version, (void)data, (void)size, (void)state;
	return MHD_queue_response(connection, 511, response);
}

static bool is_own(const char *name)
{
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (strcasecmp(name, own[i]) == 0)
			return true;
	return false;
}

/* The headers that stand in front of @end; the first line is not one. */
static void add_headers(struct MHD_Response *response, char *head, const char *end)
{
	char *line = strstr(head, "\r\n");

	while (line && line < end) {
		char *name = line + 2, *value = strstr(name, ": ");

		line = strstr(name, "\r\n");
		if (!value || !line)
			return;
		*value = '\0';
		*line = '\0';
		if (!is_own(name))
			MHD_add_response_header(response, name, value + 2);
	}
}

static struct MHD_Response *read_answer(const char *path)
{
	FILE *file = fopen(path, "re");
	struct MHD_Response *response;
	char *end;

	if (!file)
		return NULL;
	answer[fread(answer, 1, sizeof(answer) - 1, file)] = '\0';
	fclose(file);
	end = strstr(answer, "\r\n\r\n");
	if (!end)
		return NULL;
	response =
		MHD_create_response_from_buffer(strlen(end + 4), end + 4, MHD_RESPMEM_PERSISTENT);
	if (!response)
		return NULL;
	add_headers(response, answer, end + 2);
	MHD_add_response_header(response, "Connection", "close");
	return response;
}

static int serve(uint16_t port, unsigned workers, struct MHD_Response *response)
{
	struct MHD_Daemon *daemon;
	sigset_t end;
	int number;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL);
	daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_DUAL_STACK | MHD_USE_TURBO, port, NULL,
		NULL, respond, response, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
		MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096u, MHD_OPTION_THREAD_POOL_SIZE,
		workers > 1 ? workers : 0u, MHD_OPTION_END);
	if (!daemon)
		return -EADDRINUSE;
	sigwait(&end, &number);
	MHD_stop_daemon(daemon);
	return 0;
}

int main(int argc, char **argv)
{
	struct MHD_Response *response;
	uint64_t port, workers;
	int ret;

	if (argc != 4 || sp_text_number(argv[1], 1, 65535, &port) ||
	    sp_text_number(argv[2], 1, 64, &workers)) {
		fputs("usage: http_microhttpd PORT WORKERS FILE\n\n"
		      "Serve the answer in FILE with libmicrohttpd.\n",
		      stderr);
		return 2;
	}
	response = read_answer(argv[3]);
	if (!response) {
		fprintf(stderr, "http_microhttpd: %s: no HTTP answer in there\n", argv[3]);
		return EXIT_FAILURE;
	}
	ret = serve((uint16_t)port, (unsigned)workers, response);
	MHD_destroy_response(response);
	if (ret)
		fprintf(stderr, "http_microhttpd: cannot serve port %s: %s\n", argv[1],
		        strerror(-ret));
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
