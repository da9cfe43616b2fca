/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Load on an HTTP server as many browsers make it: each request has a connection of its own, which
 * the client closes when it has the answer. wrk can do that too, but costs more than the servers
 * that it measures, and has one address.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/monotonic.h"
#include "lib/text.h"

#define MAX_ANSWER  16384
#define MAX_EVENTS  256
#define LAST_ANSWER 2000000000u /* ns that what is open at the end may take */

struct order {
	struct sockaddr_in to;
	struct in_addr from; /* the first address of the clients; 0: whatever the kernel takes */
	uint64_t clients, connections, milliseconds, status;
};

struct connection {
	int fd; /* -1: not open */
	bool asked;
	uint64_t begun; /* ns */
	size_t length, expected;
	char answer[MAX_ANSWER];
};

struct load {
	struct order order;
	int epoll;
	uint64_t next; /* client */
	uint64_t end;  /* ns */
	struct connection *connection;
	unsigned open;
	uint64_t answers, failed;
	uint32_t *took; /* ns of each answer */
	size_t room;
	char request[512];
	int request_length;
};

static const struct option options[] = {
	{"from", required_argument, NULL, 'f'},
	{"clients", required_argument, NULL, 'c'},
	{"connections", required_argument, NULL, 'n'},
	{"milliseconds", required_argument, NULL, 'm'},
	{"status", required_argument, NULL, 's'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void usage(FILE *out)
{
	fputs("usage: http_load [--from IPV4 --clients N] [--connections N] [--milliseconds N]\n"
	      "                 [--status N] IPV4 PORT\n"
	      "\n"
	      "Ask the web server for / again and again, on N connections at once, a new one for\n"
	      "each request, and print how many answers with that status (511) came, and how long\n"
	      "they took from the first segment to the last byte. With --from the clients' "
	      "addresses\n"
	      "are IPV4, IPV4 + 1, ..., in turn.\n",
	      out);
}

static int bad(const char *what, const char *value, const char *expected)
{
	fprintf(stderr, "http_load: %s: expected %s, got \"%s\"\n", what, expected, value);
	return -EINVAL;
}

static int take_number(const char *name, const char *value, uint64_t most, uint64_t *number)
{
	char expected[64];

	if (!sp_text_number(value, 1, most, number))
		return 0;
	snprintf(expected, sizeof(expected), "a number from 1 to %llu", (unsigned long long)most);
	return bad(name, value, expected);
}

static int take(struct order *order, int option, const char *name, const char *value)
{
	switch (option) {
	case 'f':
		return inet_pton(AF_INET, value, &order->from) == 1
		               ? 0
		               : bad(name, value, "an IPv4 address");
	case 'c':
		return take_number(name, value, 1u << 20, &order->clients);
	case 'n':
		return take_number(name, value, 16384, &order->connections);
	case 'm':
		return take_number(name, value, 3600000, &order->milliseconds);
	case 's':
		return take_number(name, value, 599, &order->status);
	}
	return -EINVAL;
}

static int take_server(struct order *order, const char *address, const char *port)
{
	uint64_t number;

	order->to.sin_family = AF_INET;
	if (inet_pton(AF_INET, address, &order->to.sin_addr) != 1)
		return bad("server", address, "an IPv4 address");
	if (take_number("port", port, 65535, &number))
		return -EINVAL;
	order->to.sin_port = htons((uint16_t)number);
	return 0;
}

/* Its address is that of the next client; the port is left to connect(), which knows the other end
 * and so has all of them for each server. */
static int bind_client(struct load *load, int fd)
{
	const struct order *order = &load->order;
	struct sockaddr_in from = {.sin_family = AF_INET};
	uint32_t number = (uint32_t)(load->next++ % order->clients);
	int on = 1;

	if (!order->from.s_addr)
		return 0;
	from.sin_addr.s_addr = htonl(ntohl(order->from.s_addr) + number);
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)))
		return -errno;
	return 0;
}

static int begin(struct load *load, struct connection *connection)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
	                            .data.ptr = connection};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int ret = fd < 0 ? -errno : bind_client(load, fd);

	connection->fd = fd;
	if (ret)
		return ret;
	load->open++;
	connection->asked = false;
	connection->length = 0;
	connection->expected = 0;
	connection->begun = sp_monotonic_ns();
	if (connect(fd, (struct sockaddr *)&load->order.to, sizeof(load->order.to)) &&
	    errno != EINPROGRESS)
		return -errno;
	return epoll_ctl(load->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int note(struct load *load, uint64_t took)
{
	if (load->answers == load->room) {
		size_t room = load->room ? 2 * load->room : 65536;
		uint32_t *more = reallocarray(load->took, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		load->took = more;
		load->room = room;
	}
	load->took[load->answers++] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
	return 0;
}

/* Close the connection, which has its answer or never will, and open the next. */
static int finish(struct load *load, struct connection *connection, bool answered)
{
	uint64_t now = sp_monotonic_ns();
	int ret = 0;

	if (answered)
		ret = note(load, now - connection->begun);
	else
		load->failed++;
	close(connection->fd);
	connection->fd = -1;
	load->open--;
	return ret || now >= load->end ? ret : begin(load, connection);
}

/* How long the answer will be, once its head is there: 0 until then. */
static size_t length_of(const struct connection *connection)
{
	static const char name[] = "\r\nContent-Length:";
	const char *answer = connection->answer;
	const char *end = memmem(answer, connection->length, "\r\n\r\n", 4), *length;
	size_t head;

	if (!end)
		return 0;
	head = (size_t)(end - answer) + 4;
	length = memmem(answer, head, name, sizeof(name) - 1);
	return length ? head + strtoul(length + sizeof(name) - 1, NULL, 10) : SIZE_MAX;
}

static bool has_status(const struct connection *connection, uint64_t status)
{
	return strtoul(connection->answer + strlen("HTTP/1.1 "), NULL, 10) == status;
}

static int receive(struct load *load, struct connection *connection)
{
	size_t room = sizeof(connection->answer) - 1 - connection->length;
	ssize_t received = recv(connection->fd, connection->answer + connection->length, room, 0);

	if (received < 0 && errno == EAGAIN)
		return 0;
	if (received <= 0)
		return finish(load, connection, false);
	connection->length += (size_t)received;
	connection->answer[connection->length] = '\0';
	if (!connection->expected)
		connection->expected = length_of(connection);
	if (!connection->expected || connection->length < connection->expected)
		return 0;
	return finish(load, connection, has_status(connection, load->order.status));
}

static int go_on(struct load *load, struct connection *connection, uint32_t events)
{
	if (connection->fd < 0)
		return 0;
	if (!connection->asked && events & EPOLLOUT) {
		ssize_t sent = send(connection->fd, load->request, (size_t)load->request_length,
		                    MSG_NOSIGNAL);

		if (sent != load->request_length)
			return finish(load, connection, false);
		connection->asked = true;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		return receive(load, connection);
	return 0;
}

static int open_all(struct load *load)
{
	int ret = 0;

	load->request_length =
		snprintf(load->request, sizeof(load->request),
	                 "GET / HTTP/1.1\r\nHost: www.example.org\r\n"
	                 "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101\r\n"
	                 "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
	                 "Accept-Language: en\r\nConnection: close\r\n\r\n");
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	load->connection = calloc(load->order.connections, sizeof(*load->connection));
	if (load->epoll < 0 || !load->connection)
		return -ENOMEM;
	load->end = sp_monotonic_ns() + load->order.milliseconds * 1000000u;
	for (uint64_t i = 0; i < load->order.connections && !ret; i++)
		ret = begin(load, &load->connection[i]);
	return ret;
}

static int ask_all(struct load *load)
{
	int ret = open_all(load);

	while (!ret && load->open && sp_monotonic_ns() < load->end + LAST_ANSWER) {
		struct epoll_event events[MAX_EVENTS];
		int count = epoll_wait(load->epoll, events, MAX_EVENTS, 100);

		if (count < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < count && !ret; i++)
			ret = go_on(load, events[i].data.ptr, events[i].events);
	}
	load->failed += load->open;
	return ret;
}

static int compare(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Microseconds that this share of the answers took at most. */
static double percentile(const struct load *load, unsigned percent)
{
	uint64_t place = load->answers ? (load->answers - 1) * percent / 100 : 0;

	return load->answers ? (double)load->took[place] / 1000 : 0;
}

static void print(struct load *load, uint64_t begun)
{
	double seconds = (double)(sp_monotonic_ns() - begun) / 1e9;

	if (load->answers)
		qsort(load->took, load->answers, sizeof(*load->took), compare);
	printf("{\"answers\": %llu, \"failed\": %llu, \"seconds\": %.6f, \"p50\": %.1f, "
	       "\"p99\": %.1f}\n",
	       (unsigned long long)load->answers, (unsigned long long)load->failed, seconds,
	       percentile(load, 50), percentile(load, 99));
}

static int run(const struct order *order)
{
	struct load load = {.order = *order};
	uint64_t begun = sp_monotonic_ns();
	int ret = ask_all(&load);

	if (ret)
		fprintf(stderr, "http_load: %s\n", strerror(-ret));
	else
		print(&load, begun);
	free(load.connection);
	free(load.took);
	return ret;
}

int main(int argc, char **argv)
{
	struct order order = {.clients = 1, .connections = 1, .milliseconds = 1000, .status = 511};
	int option, index = 0;

	while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (option == 'h') {
			usage(stdout);
			return EXIT_SUCCESS;
		}
		if (option == '?' || take(&order, option, options[index].name, optarg)) {
			usage(stderr);
			return 2;
		}
	}
	if (optind + 2 != argc || take_server(&order, argv[optind], argv[optind + 1])) {
		usage(stderr);
		return 2;
	}
	return run(&order) ? EXIT_FAILURE : EXIT_SUCCESS;
}
