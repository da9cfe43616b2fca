/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/hear.h"

#include <errno.h>

#include "ipc/ipc.h"
#include "keeper/login.h"
#include "lib/log.h"
#include "lib/netlink.h"

#define REQUESTS  64 /* of a child in one round, lest it keeps signals waiting */
#define ADDRESSES 32 /* of one client, temporary IPv6 addresses (RFC 8981) included */

static void announce(struct sp_keeper *keeper)
{
	const struct sp_ipc_responder_setup *setup = &keeper->setup.responder;

	if (keeper->announced || !sp_crew_ready(&keeper->crew))
		return;
	sp_log(SP_LOG_NOTICE, "serving instance %s: %u responders, portal at %s and %s",
	       keeper->maps.instance.name, keeper->setup.workers, setup->login_url4,
	       setup->login_url6);
	keeper->announced = true;
}

static int read_ready(struct sp_keeper *keeper, struct sp_child *child)
{
	struct sp_ipc_ready ready;
	int ret = sp_ipc_receive(child->socket, SP_IPC_READY, &ready, sizeof(ready));

	if (ret)
		return ret;
	child->ready = true;
	announce(keeper);
	return 0;
}

static void tell_responders(struct sp_keeper *keeper, const struct sp_address *client)
{
	struct sp_ipc_close message = {.header.kind = SP_IPC_CLOSE, .client = *client};

	for (unsigned i = 0; i < keeper->crew.count; i++) {
		const struct sp_child *child = &keeper->crew.child[i];

		if (child->plan.role == SP_ROLE_RESPONDER && child->ready && child->socket >= 0)
			/* One that does not listen now is stopped for that elsewhere. */
			(void)sp_ipc_send(child->socket, &message, sizeof(message));
	}
}

/*
 * Connections that the client of a login opened while it was captive end before it is told of its
 * session. The addresses are those the gateway has just sent to, in both families.
 */
static void end_connections(struct sp_keeper *keeper, const struct sp_client_key *client)
{
	struct sp_address list[ADDRESSES];
	struct sp_error err;
	int count = sp_netlink_neighbours(client->mac, list, ADDRESSES, &err);

	if (count < 0)
		sp_log(SP_LOG_WARNING, "connections of a login stay open: %s", err.text);
	for (int i = 0; i < count; i++)
		tell_responders(keeper, &list[i]);
}

static int read_request(struct sp_keeper *keeper, struct sp_child *child)
{
	struct sp_ipc_request request;
	struct sp_ipc_answer answer;
	int ret = sp_ipc_receive_request(child->socket, &request);

	if (ret)
		return ret;
	sp_login_answer(&keeper->maps, keeper->config, &request, &answer);
	if (request.header.kind == SP_IPC_LOGIN && answer.authorized)
		end_connections(keeper, &request.client);
	ret = sp_ipc_send(child->socket, &answer, sizeof(answer));
	return ret == -EAGAIN ? -ENOBUFS : ret;
}

/* The reader waits until the last of an answer is open. */
static int read_learnt(struct sp_keeper *keeper, const struct sp_child *child)
{
	struct sp_ipc_ready done = {.header.kind = SP_IPC_LEARNT_DONE};
	struct sp_ipc_learnt learnt;
	int ret = sp_ipc_receive(child->socket, SP_IPC_LEARNT, &learnt, sizeof(learnt));

	if (ret)
		return ret;
	if (learnt.name.name[sizeof(learnt.name.name) - 1] || learnt.last > 1)
		return -EPROTO;
	sp_gardener_learn(&keeper->gardener, &learnt);
	ret = learnt.last ? sp_ipc_send(child->socket, &done, sizeof(done)) : 0;
	return ret == -EAGAIN ? -ENOBUFS : ret;
}

/* What a child says that has nothing to say once it is ready is its end, or an offence. */
static int read_nothing(const struct sp_child *child)
{
	struct sp_ipc_ready ready;
	int ret = sp_ipc_receive(child->socket, SP_IPC_READY, &ready, sizeof(ready));

	return ret ? ret : -EPROTO;
}

static int read_message(struct sp_keeper *keeper, struct sp_child *child)
{
	if (!child->ready)
		return read_ready(keeper, child);
	switch (child->plan.role) {
	case SP_ROLE_PORTAL:
		return read_request(keeper, child);
	case SP_ROLE_GARDEN:
		return read_learnt(keeper, child);
	default:
		return read_nothing(child);
	}
}

void sp_hear(struct sp_keeper *keeper, struct sp_child *child)
{
	int ret = 0;

	if (child->socket < 0)
		return;
	for (unsigned i = 0; i < REQUESTS && !ret; i++)
		ret = read_message(keeper, child);
	if (ret == -EPIPE)
		sp_child_hung_up(child);
	else if (ret == -ENOBUFS)
		sp_child_stop(child, "it does not take its answers");
	else if (ret && ret != -EAGAIN)
		sp_child_stop(child, "it broke the protocol");
}
