/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A socket is connected anew for each server that is asked: only its answers are received, from a
 * port that is another one each time, and a route or an address of ours that has changed meanwhile
 * is taken up.
 */
#include "radius/exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/tally.h"
#include "lib/address.h"
#include "lib/monotonic.h"

unsigned sp_radius_server_address(const struct sp_ipc_radius_server *server,
                                  struct sockaddr_storage *out)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET,
	                           .sin_port = htons((uint16_t)server->port),
	                           .sin_addr.s_addr = server->address.word[3]};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6,
	                            .sin6_port = htons((uint16_t)server->port)};

	memset(out, 0, sizeof(*out));
	if (sp_address_is_ipv4(&server->address)) {
		memcpy(out, &ipv4, sizeof(ipv4));
		return sizeof(ipv4);
	}
	memcpy(&ipv6.sin6_addr, server->address.word, sizeof(ipv6.sin6_addr));
	memcpy(out, &ipv6, sizeof(ipv6));
	return sizeof(ipv6);
}

int sp_radius_client_open(struct sp_radius_client *client, const struct sp_ipc_radius *setup,
                          struct sp_error *err)
{
	*client = (struct sp_radius_client){.setup = setup};
	for (unsigned i = 0; i < SP_IPC_RADIUS_SERVERS; i++)
		client->way[i] = (struct sp_radius_way){.socket = -1, .limit = {.burst = 5}};
	for (unsigned i = 0; i < setup->server_count; i++) {
		const bool ipv4 = sp_address_is_ipv4(&setup->server[i].address);
		int fd = socket(ipv4 ? AF_INET : AF_INET6,
		                SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (fd < 0) {
			int ret = sp_fail(err, -errno, SP_EXIT_FAILED, "RADIUS: socket: %s",
			                  strerror(errno));

			sp_radius_client_close(client);
			return ret;
		}
		client->way[i].socket = fd;
	}
	return 0;
}

void sp_radius_client_close(struct sp_radius_client *client)
{
	for (unsigned i = 0; i < SP_IPC_RADIUS_SERVERS; i++) {
		if (client->way[i].socket >= 0)
			close(client->way[i].socket);
		client->way[i].socket = -1;
	}
}

int sp_radius_client_connect(const struct sp_radius_client *client, unsigned index)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	const int fd = client->way[index].socket;
	struct sockaddr_storage address;
	unsigned length = sp_radius_server_address(&client->setup->server[index], &address);

	if (connect(fd, &none, sizeof(none)) ||
	    connect(fd, (const struct sockaddr *)&address, length))
		return -errno;
	return 0;
}

/* Wait for the answer to @request until @end. 0, -ETIMEDOUT, or another errno: no use in waiting.
 * What is no answer of the server is passed over, lest who sends rubbish first could stop us. */
static int await(struct sp_radius_client *client, unsigned index,
                 const struct sp_radius_packet *request, uint64_t end,
                 struct sp_radius_packet *reply)
{
	static uint8_t bytes[SP_RADIUS_MOST];
	const struct sp_ipc_radius_server *server = &client->setup->server[index];
	struct sp_radius_way *way = &client->way[index];
	char name[SP_RADIUS_SERVER_NAME];

	for (;;) {
		struct pollfd file = {.fd = way->socket, .events = POLLIN};
		uint64_t now = sp_monotonic_ms();
		const char *wrong = "it is malformed";
		ssize_t length;

		if (now >= end)
			return -ETIMEDOUT;
		if (poll(&file, 1, (int)(end - now)) < 0 && errno != EINTR)
			return -errno;
		length = recv(way->socket, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (length < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (length < 0)
			return -errno;
		if (sp_radius_receive(reply, bytes, (size_t)length))
			wrong = sp_radius_check_reply(reply, request, server->secret);
		if (!wrong)
			return 0;
		sp_tally->radius.server[index].asked[SP_TALLY_UNTRUSTED]++;
		sp_log_limited(&way->limit, SP_LOG_WARNING,
		               "RADIUS server %s: an answer is not believed: %s",
		               sp_radius_server_name(name, server), wrong);
	}
}

static int make_request(struct sp_radius_packet *request, const char *secret, sp_radius_build build,
                        void *context)
{
	uint8_t random[1 + SP_RADIUS_AUTHENTICATOR];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	sp_radius_begin(request, SP_RADIUS_ACCESS_REQUEST, random[0], random + 1);
	build(request, secret, context);
	return sp_radius_seal(request, secret);
}

static int ask_server(struct sp_radius_client *client, unsigned index,
                      const struct sp_radius_packet *request, unsigned tries,
                      struct sp_radius_packet *reply)
{
	struct sp_radius_way *way = &client->way[index];
	int ret = sp_radius_client_connect(client, index);

	if (ret)
		return ret;
	for (unsigned i = 0; i < tries; i++) {
		const uint64_t sent = sp_monotonic_us();

		/* The same bytes again: the server knows them for a repetition (RFC 5080, 2.2.2) */
		if (send(way->socket, request->data, request->length, MSG_NOSIGNAL) < 0)
			return -errno;
		ret = await(client, index, request, sent / 1000 + client->setup->timeout_ms, reply);
		if (!ret)
			sp_histogram_count(&sp_tally->radius.server[index].round_trip,
			                   sp_monotonic_us() - sent);
		if (ret != -ETIMEDOUT)
			break;
	}
	return ret;
}

static enum sp_tally_asked kind_of(const struct sp_radius_packet *reply)
{
	switch (sp_radius_code(reply)) {
	case SP_RADIUS_ACCESS_ACCEPT:
		return SP_TALLY_ACCEPTED;
	case SP_RADIUS_ACCESS_CHALLENGE:
		return SP_TALLY_CHALLENGED;
	default:
		return SP_TALLY_REJECTED;
	}
}

static void remember(struct sp_radius_way *way, const struct sp_ipc_radius_server *server, int ret)
{
	char name[SP_RADIUS_SERVER_NAME];

	if (ret)
		sp_log_limited(&way->limit, SP_LOG_WARNING, "RADIUS server %s: no answer: %s",
		               sp_radius_server_name(name, server), strerror(-ret));
	else if (way->dead_until)
		sp_log_limited(&way->limit, SP_LOG_NOTICE, "RADIUS server %s answers again",
		               sp_radius_server_name(name, server));
	way->dead_until = ret ? sp_monotonic_ms() + SP_RADIUS_DEAD_MS : 0;
}

/* Ask the servers that are alive, or those that are not. */
static int ask_round(struct sp_radius_client *client, const bool dead[SP_IPC_RADIUS_SERVERS],
                     bool wanted, sp_radius_build build, void *context,
                     struct sp_radius_packet *reply)
{
	static struct sp_radius_packet request;
	const unsigned tries = wanted ? 1 : client->setup->tries;
	int ret = -ETIMEDOUT;

	for (unsigned i = 0; i < client->setup->server_count && ret; i++) {
		const struct sp_ipc_radius_server *server = &client->setup->server[i];

		if (dead[i] != wanted)
			continue;
		ret = make_request(&request, server->secret, build, context);
		if (ret)
			return ret;
		ret = ask_server(client, i, &request, tries, reply);
		sp_tally->radius.server[i].asked[ret ? SP_TALLY_SILENT : kind_of(reply)]++;
		remember(&client->way[i], server, ret);
		explicit_bzero(&request, sizeof(request));
	}
	return ret ? -ETIMEDOUT : 0;
}

int sp_radius_ask(struct sp_radius_client *client, sp_radius_build build, void *context,
                  struct sp_radius_packet *reply)
{
	bool dead[SP_IPC_RADIUS_SERVERS] = {false};
	uint64_t now = sp_monotonic_ms();
	int ret;

	for (unsigned i = 0; i < client->setup->server_count; i++)
		dead[i] = client->way[i].dead_until > now;
	ret = ask_round(client, dead, false, build, context, reply);
	return ret == -ETIMEDOUT ? ask_round(client, dead, true, build, context, reply) : ret;
}
