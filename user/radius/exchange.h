/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking RADIUS servers, one request at a time: tries, failover to the next server, and a silent
 * server left out for a while, so that not every login waits for it.
 */
#ifndef SP_RADIUS_EXCHANGE_H
#define SP_RADIUS_EXCHANGE_H

#include <stdint.h>

#include "ipc/radius.h"
#include "lib/error.h"
#include "lib/log.h"
#include "radius/packet.h"

#define SP_RADIUS_DEAD_MS 60000u /* a server that did not answer is asked last for so long */

struct sp_radius_way {
	int socket;          /* UDP; connected to the server while it is being asked */
	uint64_t dead_until; /* ms; 0: it answered when it was asked last */
	struct sp_log_limit limit;
};

struct sp_radius_client {
	const struct sp_ipc_radius *setup;
	struct sp_radius_way way[SP_IPC_RADIUS_SERVERS];
};

/* Open the sockets, which is all that needs to be done before privileges are given up. @setup must
 * stay. 0 or negative errno. */
int sp_radius_client_open(struct sp_radius_client *client, const struct sp_ipc_radius *setup,
                          struct sp_error *err);
void sp_radius_client_close(struct sp_radius_client *client);

/* Connect the socket of the server @index (again): its port is a fresh one, and what was on its way
 * to the last one is gone. 0 or negative errno. */
int sp_radius_client_connect(const struct sp_radius_client *client, unsigned index);

/* Put the attributes into @packet, which has begun, for a server that shares @secret. */
typedef void (*sp_radius_build)(struct sp_radius_packet *packet, const char *secret, void *context);

/*
 * Ask for access until a server answers: those that are alive in the order of the configuration,
 * each as often and as long as the setup says, then once those that were silent lately. Takes at
 * most the number of servers times tries times timeout. 0 with the answer, which is authentic, in
 * @reply; -ETIMEDOUT: nobody answered; -EMSGSIZE: the request does not fit; another errno.
 */
int sp_radius_ask(struct sp_radius_client *client, sp_radius_build build, void *context,
                  struct sp_radius_packet *reply);

/* The kernel's address of @server; returns its length. */
struct sockaddr_storage;
unsigned sp_radius_server_address(const struct sp_ipc_radius_server *server,
                                  struct sockaddr_storage *out);

#endif
