/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/hear.h"

#include <errno.h>
#include <string.h>

#include "ipc/radius.h"
#include "keeper/authority.h"
#include "keeper/desk.h"
#include "keeper/systemd.h"
#include "lib/daemon.h"
#include "lib/log.h"

#define REQUESTS SP_LOGIN_ROUND /* of a child in one round, lest it keeps signals waiting */

static void announce(struct sp_keeper *keeper)
{
	const struct sp_ipc_responder_setup *setup = &keeper->setup.responder;

	if (keeper->announced || !sp_crew_ready(&keeper->crew))
		return;
	sp_log(SP_LOG_NOTICE, "serving instance %s: %u responders, portal at %s and %s",
	       keeper->maps.instance.name, keeper->setup.workers, setup->zone[0].login_url4,
	       setup->zone[0].login_url6);
	sp_systemd_notify("READY=1\nSTATUS=Serving instance %s with %u responders, portal at %s",
	                  keeper->maps.instance.name, keeper->setup.workers,
	                  setup->zone[0].login_url4);
	keeper->announced = true;
	if (keeper->token)
		sp_daemon_answer(&keeper->maps.instance, keeper->token, SP_EXIT_DONE, "");
	keeper->token = 0;
}

static int read_ready(struct sp_keeper *keeper, struct sp_child *child)
{
	struct sp_ipc_ready ready;
	int ret = sp_ipc_receive(child->socket, SP_IPC_READY, &ready, sizeof(ready));

	if (ret)
		return ret;
	child->ready = true;
	if (child->plan.role == SP_ROLE_ACCOUNTING)
		sp_accountant_begin(&keeper->accountant);
	announce(keeper);
	return 0;
}

/*
 * All that wait are read before the first is answered: what the desk then asks once, for all of
 * them, it asks after each of them was sent. What is more than a round comes with the next.
 */
static int read_requests(struct sp_keeper *keeper, const struct sp_child *child)
{
	static struct sp_ipc_request request[REQUESTS];
	unsigned count = 0;
	int ret = 0;

	while (count < REQUESTS && !ret) {
		ret = sp_ipc_receive_request(child->socket, &request[count]);
		count += !ret;
	}
	sp_desk_begin(keeper);
	sp_logins_begin(&keeper->logins);
	/* Answering one may end the child, and with it all that it wanted. */
	for (unsigned i = 0; i < count && child->socket >= 0; i++) {
		sp_logins_ask(&keeper->logins, &request[i]);
		if (request[i].header.kind != SP_IPC_QUERY)
			sp_accountant_hurry(&keeper->accountant);
	}
	sp_logins_end(&keeper->logins);
	explicit_bzero(request, sizeof(request));
	return ret ? ret : -EAGAIN;
}

static int read_verdict(struct sp_keeper *keeper, const struct sp_child *child)
{
	struct sp_ipc_verdict verdict;
	int ret = sp_ipc_receive_verdict(child->socket, &verdict);

	sp_desk_begin(keeper);
	if (!ret)
		ret = sp_logins_verdict(&keeper->logins, child->plan.number, &verdict);
	sp_accountant_hurry(&keeper->accountant);
	return ret;
}

/* The reader waits until the last of an answer is open. */
static int read_learnt(struct sp_keeper *keeper, const struct sp_child *child)
{
	struct sp_ipc_ready done = {.header.kind = SP_IPC_LEARNT_DONE};
	struct sp_ipc_learnt learnt;
	int ret = sp_ipc_receive(child->socket, SP_IPC_LEARNT, &learnt, sizeof(learnt));

	if (ret)
		return ret;
	if (learnt.name.name[sizeof(learnt.name.name) - 1] || learnt.name.zone >= SP_ZONES ||
	    learnt.last > 1)
		return -EPROTO;
	sp_gardener_learn(&keeper->gardener, &learnt);
	ret = learnt.last ? sp_ipc_send(child->socket, &done, sizeof(done)) : 0;
	return ret == -EAGAIN ? -ENOBUFS : ret;
}

/* The authority waits for the answer, so there is always room for it. */
static int read_change(struct sp_keeper *keeper, const struct sp_child *child)
{
	struct sp_ipc_change change;
	struct sp_ipc_changed changed;
	int ret = sp_ipc_receive_change(child->socket, &change);

	if (ret)
		return ret;
	sp_authority_apply(&keeper->maps, &change, &changed);
	keeper->changes.done += changed.result == SP_IPC_CHANGE_DONE;
	keeper->changes.refused += changed.result != SP_IPC_CHANGE_DONE;
	sp_accountant_hurry(&keeper->accountant);
	ret = sp_ipc_send(child->socket, &changed, sizeof(changed));
	return ret == -EAGAIN ? -ENOBUFS : ret;
}

static int read_scrape(struct sp_keeper *keeper, const struct sp_child *child)
{
	struct sp_ipc_ready question;
	int ret = sp_ipc_receive(child->socket, SP_IPC_SCRAPE, &question, sizeof(question));

	if (!ret)
		ret = sp_scraper_tell(keeper, child);
	return ret;
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
		return read_requests(keeper, child);
	case SP_ROLE_GARDEN:
		return read_learnt(keeper, child);
	case SP_ROLE_VERIFIER:
		return read_verdict(keeper, child);
	case SP_ROLE_ACCOUNTING:
		return sp_accountant_hear(&keeper->accountant);
	case SP_ROLE_AUTHORITY:
		return read_change(keeper, child);
	case SP_ROLE_METRICS:
		return read_scrape(keeper, child);
	default:
		return read_nothing(child);
	}
}

void sp_hear(struct sp_keeper *keeper, struct sp_child *child)
{
	int ret = 0;

	/* Answering what it said may have ended it. */
	for (unsigned i = 0; i < REQUESTS && !ret && child->socket >= 0; i++)
		ret = read_message(keeper, child);
	if (ret == -EPIPE)
		sp_child_hung_up(child);
	else if (ret == -ENOBUFS)
		sp_child_stop(child, "it does not take its answers");
	else if (ret && ret != -EAGAIN)
		sp_child_stop(child, "it broke the protocol");
}
