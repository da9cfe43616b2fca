/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the portal asks for: sessions that begin and end, and what there is. Sessions that end and
 * questions are answered at once; so is a login, unless a verifier has to judge it.
 */
#ifndef SP_KEEPER_LOGIN_H
#define SP_KEEPER_LOGIN_H

#include "ipc/ipc.h"
#include "keeper/broker.h"
#include "keeper/refusals.h"
#include "keeper/retry.h"
#include "keeper/spent.h"
#include "lib/config.h"
#include "lib/ledger.h"
#include "lib/maps.h"
#include "lib/method.h"
#include "lib/openmetrics.h"

#define SP_LOGIN_ROUND 64u /* questions at most: as many as sessions are gathered */

/* How logins ended, and how long it took to let somebody in who may be. */
struct sp_logins_counts {
	uint64_t result[SP_METHODS][SP_IPC_RESULTS];
	struct sp_histogram grant;
};

/* Of a round: those who were let in are told so when it ends. */
struct sp_login_round {
	bool open;
	unsigned count, grants;
	uint64_t begun[SP_LOGIN_ROUND]; /* us: of each grant, whatever came of it */
	struct {
		uint64_t id; /* of the question */
		struct sp_client_key client;
		enum sp_method method;
	} login[SP_LOGIN_ROUND];
};

struct sp_logins {
	struct sp_maps *maps;
	const struct sp_config *config;
	struct sp_broker broker;
	struct sp_retry clients, accounts;
	struct sp_spent spent;
	struct sp_refusals refusals;
	char nobody[SP_LEDGER_HASH]; /* hash of a user who does not exist */
	struct sp_logins_counts counts;
	struct sp_login_round round;
	void (*tell)(void *context, struct sp_ipc_answer *answer);         /* the portal */
	void (*opened)(void *context, const struct sp_client_key *client); /* it was let in */
	void *context;
};

/*
 * With @workers verifiers. maps, config, tell, opened and context are set by the caller. 0 or
 * negative errno; sp_logins_close in either case.
 */
int sp_logins_open(struct sp_logins *logins, unsigned workers, struct sp_error *err);
void sp_logins_close(struct sp_logins *logins);

/* Do what @request asks, which sp_ipc_receive_request has accepted; it is told of by @tell, at once
 * or later. Failures are logged. */
void sp_logins_ask(struct sp_logins *logins, const struct sp_ipc_request *request);

/*
 * Questions that were there at the same time are asked in a round, of at most SP_LOGIN_ROUND: those
 * who are let in wait for the disk together (lib/session_gather.h).
 */
void sp_logins_begin(struct sp_logins *logins);
void sp_logins_end(struct sp_logins *logins);

/* The verifier @index says so. 0, or -EPROTO: it was not asked that. */
int sp_logins_verdict(struct sp_logins *logins, unsigned index,
                      const struct sp_ipc_verdict *verdict);

#endif
