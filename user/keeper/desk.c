/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/desk.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/ipc.h"
#include "lib/log.h"
#include "lib/monotonic.h"
#include "lib/netlink.h"

#define ADDRESSES 32 /* of one client, temporary IPv6 addresses (RFC 8981) included */

/* What asking for the neighbours took is at most one part in so many of the time. */
#define NEIGHBOURS_SHARE   20u
#define NEIGHBOURS_KEPT_US 200000u /* at most: a client may come by a further address */

static bool serves(const struct sp_child *child)
{
	return child->ready && child->socket >= 0;
}

static struct sp_child *find(struct sp_keeper *keeper, enum sp_role role)
{
	for (unsigned i = 0; i < keeper->crew.count; i++)
		if (keeper->crew.child[i].plan.role == role)
			return &keeper->crew.child[i];
	return NULL;
}

static void tell(void *context, struct sp_ipc_answer *answer)
{
	struct sp_child *portal = find(context, SP_ROLE_PORTAL);

	if (!portal || !serves(portal))
		return;
	if (sp_ipc_send(portal->socket, answer, sizeof(*answer)) == -EAGAIN)
		sp_child_stop(portal, "it does not take its answers");
}

static void tell_responders(struct sp_keeper *keeper, const struct sp_address *client)
{
	struct sp_ipc_close message = {.header.kind = SP_IPC_CLOSE, .client = *client};

	for (unsigned i = 0; i < keeper->crew.count; i++) {
		const struct sp_child *child = &keeper->crew.child[i];

		if (child->plan.role == SP_ROLE_RESPONDER && serves(child))
			/* One that does not listen now is stopped for that elsewhere. */
			(void)sp_ipc_send(child->socket, &message, sizeof(message));
	}
}

static void forget_neighbours(struct sp_neighbours *neighbours)
{
	free(neighbours->list);
	*neighbours = (struct sp_neighbours){.count = -1};
}

void sp_desk_begin(struct sp_keeper *keeper)
{
	keeper->neighbours.fresh = false;
	if (sp_monotonic_us() >= keeper->neighbours.until)
		forget_neighbours(&keeper->neighbours);
}

/*
 * The kernel can only tell of all neighbours: with thousands that takes longer than all the rest of
 * a login. So what it told is kept for a while, the longer the more there are.
 */
static void ask_neighbours(struct sp_neighbours *neighbours)
{
	uint64_t begun = sp_monotonic_us(), kept;
	struct sp_error err;

	forget_neighbours(neighbours);
	neighbours->count = sp_netlink_neighbours(&neighbours->list, &err);
	if (neighbours->count < 0)
		sp_log(SP_LOG_WARNING, "connections of a login stay open: %s", err.text);
	kept = (sp_monotonic_us() - begun) * NEIGHBOURS_SHARE;
	neighbours->until =
		begun + (kept < NEIGHBOURS_KEPT_US ? kept : (uint64_t)NEIGHBOURS_KEPT_US);
	neighbours->fresh = true;
}

/* How many addresses @client has there. */
static unsigned tell_of(struct sp_keeper *keeper, const struct sp_client_key *client)
{
	unsigned told = 0;

	for (int i = 0; i < keeper->neighbours.count && told < ADDRESSES; i++) {
		const struct sp_neighbour *neighbour = &keeper->neighbours.list[i];

		if (memcmp(neighbour->mac, client->mac, sizeof(neighbour->mac)) != 0)
			continue;
		tell_responders(keeper, &neighbour->address);
		told++;
	}
	return told;
}

/*
 * Connections that the client of a login opened while it was captive end before it is told of its
 * session. The addresses are those the gateway has just sent to, in both families. Who is not among
 * those that were kept has come since.
 */
static void end_connections(void *context, const struct sp_client_key *client)
{
	struct sp_keeper *keeper = context;

	if (keeper->neighbours.count < 0)
		ask_neighbours(&keeper->neighbours);
	if (!tell_of(keeper, client) && !keeper->neighbours.fresh) {
		ask_neighbours(&keeper->neighbours);
		tell_of(keeper, client);
	}
}

int sp_desk_open(struct sp_keeper *keeper, struct sp_error *err)
{
	struct sp_logins *logins = &keeper->logins;

	keeper->neighbours.count = -1;
	*logins = (struct sp_logins){
		.maps = &keeper->maps,
		.config = keeper->config,
		.tell = tell,
		.opened = end_connections,
		.context = keeper,
	};
	return sp_logins_open(logins, keeper->setup.verifiers, err);
}

void sp_desk_close(struct sp_keeper *keeper)
{
	sp_logins_close(&keeper->logins);
	forget_neighbours(&keeper->neighbours);
}

static void look_at_verifier(struct sp_broker *broker, struct sp_child *child, uint64_t now)
{
	unsigned number = child->plan.number;

	sp_broker_worker(broker, number, serves(child) ? child->socket : -1, now);
	if (sp_broker_stuck(broker, number, now)) {
		sp_child_stop(child, "it does not get done with a login");
		sp_broker_worker(broker, number, -1, now);
	}
}

uint64_t sp_desk_attend(struct sp_keeper *keeper)
{
	struct sp_broker *broker = &keeper->logins.broker;
	uint64_t now = sp_monotonic_ms();

	for (unsigned i = 0; i < keeper->crew.count; i++) {
		struct sp_child *child = &keeper->crew.child[i];

		/* The numbers of a new portal's requests begin again. */
		if (child->plan.role == SP_ROLE_PORTAL && !serves(child))
			sp_broker_forget(broker);
		if (child->plan.role == SP_ROLE_VERIFIER)
			look_at_verifier(broker, child, now);
	}
	return sp_broker_attend(broker, now);
}
