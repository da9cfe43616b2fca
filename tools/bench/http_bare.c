/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limit for a web server: accept, read once, write the same bytes, close. It parses nothing,
 * waits for nothing, and does not care for what the client still sends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/text.h"

#define BACKLOG 4096

static char answer[65536];
static size_t answer_length;

/* A worker has a listener of its own. */
static int open_listener(uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, BACKLOG)) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

static void serve(int listener)
{
	char request[4096];

	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue; /* that one is gone: on to the next */
		if (recv(fd, request, sizeof(request), 0) > 0)
			send(fd, answer, answer_length, MSG_NOSIGNAL);
		close(fd);
	}
}

static int start(uint16_t port)
{
	int listener = open_listener(port);
	pid_t child;

	if (listener < 0)
		return listener;
	child = fork();
	if (child < 0)
		return -errno;
	if (!child)
		serve(listener);
	close(listener);
	return 0;
}

static int read_answer(const char *path)
{
	FILE *file = fopen(path, "re");

	if (!file)
		return -errno;
	answer_length = fread(answer, 1, sizeof(answer), file);
	fclose(file);
	return answer_length ? 0 : -ENODATA;
}

int main(int argc, char **argv)
{
	uint64_t port, workers;
	int ret;

	if (argc != 4 || sp_text_number(argv[1], 1, 65535, &port) ||
	    sp_text_number(argv[2], 1, 64, &workers)) {
		fputs("usage: http_bare PORT WORKERS FILE\n\n"
		      "Answer each connection's first bytes with those of FILE, and close it.\n",
		      stderr);
		return 2;
	}
	ret = read_answer(argv[3]);
	for (; workers && !ret; workers--)
		ret = start((uint16_t)port);
	if (ret) {
		fprintf(stderr, "http_bare: %s\n", strerror(-ret));
		return EXIT_FAILURE;
	}
	while (wait(NULL) > 0)
		;
	return EXIT_SUCCESS;
}
