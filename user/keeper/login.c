/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation: who sends credentials may do so a few times, then has to wait: each client,
 * and each account, whose limit is wider, lest a stranger keep its owner out. A client that had a
 * session of that account before is not held up by what others try. A client's attempt is counted
 * before it is judged, so that many at once are no way around, and taken back unless it was wrong;
 * an account's when it was wrong, since a hall full of people may share one.
 *
 * A user who does not exist is judged all the same, by a hash of nobody's: neither the answer nor
 * its time tells.
 */
#include "keeper/login.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "keeper/describe.h"
#include "keeper/grant.h"
#include "keeper/origin.h"
#include "lib/log.h"
#include "lib/method.h"
#include "lib/monotonic.h"
#include "lib/passwords.h"
#include "lib/session.h"
#include "lib/session_gather.h"
#include "lib/voucher_code.h"
#include "lib/voucher_key.h"
#include "web/handover.h"

/* Clients and accounts of whom attempts are remembered, in sets of SP_RETRY_WAYS. */
#define CLIENT_SETS  2048u
#define ACCOUNT_SETS 1024u

#define CROWDED 5000u /* ms until who found the queue full may come again */

/* Who is refused time and again leaves room for other lines. */
static struct sp_log_limit log_limit = {.burst = 50}, refused_limit = {.burst = 50};

static void report(const struct sp_client_key *client, const char *what, const char *why)
{
	const struct sp_log_about about = {.client = client};
	char name[SP_SESSION_NAME];

	sp_log_about(&log_limit, &about, SP_LOG_ERROR, "%s: %s: %s", sp_session_name(name, client),
	             what, why);
}

/* A login has ended so: counted, and logged if it was refused. In the daemon's log never by which
 * name: people type passwords there. What failed of ours has been said. */
static void settle(struct sp_logins *logins, const struct sp_client_key *client,
                   enum sp_method method, const char *user, enum sp_ipc_result result)
{
	static const char *const why[SP_IPC_RESULTS] = {
		[SP_IPC_REFUSED] = "blocked",
		[SP_IPC_FULL] = "the gateway is full",
		[SP_IPC_WRONG] = "wrong credentials",
		[SP_IPC_BUSY] = "too many attempts",
		[SP_IPC_SILENT] = "no RADIUS server answers",
		[SP_IPC_USED] = "as many devices as may be",
		[SP_IPC_OVER] = "used up",
		[SP_IPC_EARLY] = "not valid yet",
		[SP_IPC_DISABLED] = "its method is not enabled",
		[SP_IPC_INSECURE] = "a password without TLS",
	};
	const struct sp_log_about about = {.client = client, .method = sp_method_name(method)};
	char name[SP_SESSION_NAME];

	logins->counts.result[method][result]++;
	if (!why[result])
		return;
	sp_log_about(&refused_limit, &about, SP_LOG_NOTICE, "%s: login refused: %s (%s)",
	             sp_session_name(name, client), why[result], about.method);
	sp_refusals_note(&logins->refusals, logins->maps, client, method, user, why[result]);
}

/* --- answers --- */

static uint32_t seconds(uint64_t ms)
{
	return (uint32_t)((ms + 999) / 1000);
}

/* @wait: ms, of SP_IPC_BUSY; @said: for the client, or NULL. */
static void answer(struct sp_logins *logins, uint64_t id, const struct sp_client_key *client,
                   enum sp_ipc_result result, uint64_t wait, const char *said)
{
	struct sp_ipc_answer message = {.header.kind = SP_IPC_ANSWER,
	                                .id = id,
	                                .result = result,
	                                .retry_after = seconds(wait)};
	struct sp_error err;

	if (said)
		memcpy(message.said, said, sizeof(message.said));
	if (sp_describe(logins->maps, client, &message, &err)) {
		report(client, "reading the session", err.text);
		message.result = SP_IPC_FAILED;
	}
	logins->tell(logins->context, &message);
}

/* What it took since @begun (us) to let a client in, or not; the disk, for which a round waits,
 * included. */
static void count_grant(struct sp_logins *logins, uint64_t begun)
{
	struct sp_login_round *round = &logins->round;

	if (round->open && round->grants < SP_LOGIN_ROUND)
		round->begun[round->grants++] = begun;
	else
		sp_histogram_count(&logins->counts.grant, sp_monotonic_us() - begun);
}

/* A login has come to its end. */
static void finish(struct sp_logins *logins, uint64_t id, const struct sp_client_key *client,
                   enum sp_method method, const char *user, enum sp_ipc_result result,
                   const char *said)
{
	settle(logins, client, method, user, result);
	if (result == SP_IPC_DONE)
		logins->opened(logins->context, client);
	answer(logins, id, client, result, 0, said);
}

/* A login is decided. In a round, whoever was let in is told so at its end. */
static void conclude(struct sp_logins *logins, uint64_t id, const struct sp_client_key *client,
                     enum sp_method method, const char *user, enum sp_ipc_result result,
                     const char *said)
{
	struct sp_login_round *round = &logins->round;

	if (!round->open || result != SP_IPC_DONE || round->count == SP_LOGIN_ROUND) {
		finish(logins, id, client, method, user, result, said);
		return;
	}
	round->login[round->count].id = id;
	round->login[round->count].client = *client;
	round->login[round->count++].method = method;
}

void sp_logins_begin(struct sp_logins *logins)
{
	logins->round = (struct sp_login_round){.open = true};
	sp_session_gather(logins->maps);
}

void sp_logins_end(struct sp_logins *logins)
{
	struct sp_login_round *round = &logins->round;
	struct sp_error err;
	int ret = sp_session_settle(logins->maps, &err);

	if (ret)
		sp_log(SP_LOG_ERROR, "%u logins failed: %s", round->count, err.text);
	round->open = false;
	for (unsigned i = 0; i < round->grants; i++)
		count_grant(logins, round->begun[i]);
	for (unsigned i = 0; i < round->count; i++)
		finish(logins, round->login[i].id, &round->login[i].client, round->login[i].method,
		       "", ret ? SP_IPC_FAILED : SP_IPC_DONE, NULL);
}

/* --- attempts --- */

static uint64_t longer(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ms until @client may try, as @account (NULL: no account's attempts count). */
static uint64_t wait_for(const struct sp_logins *logins, const struct sp_client_key *client,
                         const char *account, uint64_t now)
{
	uint64_t wait = sp_retry_wait(&logins->clients, client, sizeof(*client), now);

	return account ? longer(wait,
	                        sp_retry_wait(&logins->accounts, account, strlen(account), now))
	               : wait;
}

static void take_attempt(struct sp_logins *logins, const struct sp_client_key *client, uint64_t now)
{
	sp_retry_take(&logins->clients, client, sizeof(*client), now);
}

static void settle_attempt(struct sp_logins *logins, const struct sp_client_key *client,
                           const char *account, bool wrong)
{
	const uint64_t now = sp_monotonic_ms();

	if (!wrong) {
		sp_retry_give_back(&logins->clients, client, sizeof(*client));
		return;
	}
	sp_retry_strike(&logins->clients, client, sizeof(*client), now);
	if (account)
		sp_retry_take(&logins->accounts, account, strlen(account), now);
}

/* Whether @client's last session was that of @account. */
static bool is_known(const struct sp_logins *logins, struct sp_ledger *ledger,
                     const struct sp_client_key *client, const char *account, enum sp_method method)
{
	struct sp_record last;

	return logins->accounts.slots && !sp_ledger_session_last(ledger, client, &last, NULL) &&
	       last.who.method == method && !strcmp(last.who.name, account);
}

/* --- methods --- */

/* Read each time: it may be put back, or made anew, while we run. */
static int find_voucher_key(const struct sp_logins *logins, uint8_t key[SP_KEY_BYTES],
                            struct sp_error *err)
{
	struct sp_ledger *ledger = sp_session_ledger(logins->maps, err);

	return ledger ? sp_voucher_key(&logins->maps->instance, ledger, key, err) : -EIO;
}

static enum sp_ipc_result redeem(struct sp_logins *logins, const struct sp_zone *zone,
                                 const struct sp_client_key *client, const char *code,
                                 uint64_t begun)
{
	uint8_t digest[SP_VOUCHER_DIGEST], key[SP_KEY_BYTES];
	enum sp_ipc_result result;
	struct sp_error err;

	if (!sp_voucher_code_is_plain(code))
		return SP_IPC_WRONG;
	if (find_voucher_key(logins, key, &err)) {
		report(client, "login", err.text);
		return SP_IPC_FAILED;
	}
	sp_voucher_code_digest(digest, key, code);
	explicit_bzero(key, sizeof(key));
	result = sp_grant_voucher(logins->maps, zone, client, digest);
	count_grant(logins, begun);
	return result;
}

static void log_in_by_voucher(struct sp_logins *logins, const struct sp_zone *zone,
                              const struct sp_ipc_request *request)
{
	const struct sp_client_key *client = &request->client;
	const uint64_t begun = sp_monotonic_us(), now = begun / 1000;
	const uint64_t wait = wait_for(logins, client, NULL, now);
	enum sp_ipc_result result;

	if (wait) {
		settle(logins, client, SP_METHOD_VOUCHER, "", SP_IPC_BUSY);
		answer(logins, request->id, client, SP_IPC_BUSY, wait, NULL);
		return;
	}
	take_attempt(logins, client, now);
	result = redeem(logins, zone, client, request->name, begun);
	settle_attempt(logins, client, NULL, result == SP_IPC_WRONG);
	conclude(logins, request->id, client, SP_METHOD_VOUCHER, "", result, NULL);
}

/* The local user's hash; that of nobody if there is none who may log in. Returns the method that
 * judges the name, or a negative errno. */
static int find_hash(const struct sp_logins *logins, const struct sp_zone *zone,
                     struct sp_ledger *ledger, const char *name, char hash[SP_LEDGER_HASH],
                     struct sp_error *err)
{
	const bool radius = zone->methods & SP_METHOD_BIT(SP_METHOD_RADIUS);
	struct sp_user user;
	int ret = -ENOENT;
	bool good;

	if (zone->methods & SP_METHOD_BIT(SP_METHOD_USER))
		ret = sp_ledger_user_get(ledger, name, &user, err);
	if (ret == -ENOENT && radius)
		return SP_METHOD_RADIUS;
	if (ret && ret != -ENOENT)
		return ret;
	good = !ret && !user.disabled && (!user.until || user.until > (uint64_t)time(NULL));
	memcpy(hash, good ? user.hash : logins->nobody, SP_LEDGER_HASH);
	return SP_METHOD_USER;
}

/* Hand a login to the verifiers, unless this client or account has tried too often. */
static void submit(struct sp_logins *logins, const struct sp_zone *zone,
                   const struct sp_ipc_request *request, enum sp_method method, const char *hash,
                   const char *account)
{
	const uint64_t now = sp_monotonic_ms();
	const uint64_t wait = wait_for(logins, &request->client, account, now);
	struct sp_pending *pending = NULL;

	if (!wait)
		pending = sp_broker_take(&logins->broker, request->id, now);
	if (!pending) {
		settle(logins, &request->client, method, request->name, SP_IPC_BUSY);
		answer(logins, request->id, &request->client, SP_IPC_BUSY, wait ?: CROWDED, NULL);
		return;
	}
	take_attempt(logins, &request->client, now);
	pending->account = account;
	pending->zone = (unsigned)(zone - logins->config->zone);
	pending->check.method = method;
	pending->check.client = request->client;
	pending->check.address = request->address;
	memcpy(pending->check.zone, zone->name, sizeof(pending->check.zone));
	memcpy(pending->check.name, request->name, sizeof(pending->check.name));
	memcpy(pending->check.secret, request->secret, sizeof(pending->check.secret));
	if (hash)
		memcpy(pending->check.hash, hash, sizeof(pending->check.hash));
	sp_broker_submit(&logins->broker, pending, now);
}

static void log_in_by_password(struct sp_logins *logins, const struct sp_zone *zone,
                               const struct sp_ipc_request *request)
{
	const struct sp_client_key *client = &request->client;
	char hash[SP_LEDGER_HASH] = "";
	struct sp_ledger *ledger;
	struct sp_error err;
	int method = -EIO;

	ledger = sp_session_ledger(logins->maps, &err);
	if (ledger)
		method = find_hash(logins, zone, ledger, request->name, hash, &err);
	if (method < 0) {
		report(client, "login", err.text);
		settle(logins, client, SP_METHOD_USER, request->name, SP_IPC_FAILED);
		answer(logins, request->id, client, SP_IPC_FAILED, 0, NULL);
		return;
	}
	submit(logins, zone, request, (enum sp_method)method, hash,
	       is_known(logins, ledger, client, request->name, (enum sp_method)method)
	               ? NULL
	               : request->name);
	explicit_bzero(hash, sizeof(hash));
}

static bool is_enabled(const struct sp_zone *zone, uint32_t method)
{
	uint32_t enabled = zone->methods;

	/* The portal does not know who judges a password. */
	if (enabled & SP_METHOD_BIT(SP_METHOD_RADIUS))
		enabled |= SP_METHOD_BIT(SP_METHOD_USER);
	return method != SP_METHOD_RADIUS && (enabled & SP_METHOD_BIT(method));
}

/* Before anything is looked at: SP_IPC_DONE when nothing is in the way. */
static enum sp_ipc_result look_ahead(const struct sp_logins *logins, const struct sp_zone *zone,
                                     const struct sp_ipc_request *request)
{
	struct sp_session session;
	struct sp_clock clock;
	struct sp_error err;

	if (sp_describe_look(logins->maps, &clock, &request->client, &session, &err)) {
		report(&request->client, "login", err.text);
		return SP_IPC_FAILED;
	}
	if (session.effective == SP_CLIENT_BLOCKED)
		return SP_IPC_REFUSED;
	if (!is_enabled(zone, request->method))
		return SP_IPC_DISABLED;
	if (request->method == SP_METHOD_USER && !request->secure)
		return SP_IPC_INSECURE;
	return SP_IPC_DONE;
}

static void log_in(struct sp_logins *logins, const struct sp_zone *zone,
                   const struct sp_ipc_request *request)
{
	const struct sp_client_key *client = &request->client;
	const uint64_t begun = sp_monotonic_us();
	enum sp_ipc_result result = look_ahead(logins, zone, request);

	if (result != SP_IPC_DONE) {
		settle(logins, client, (enum sp_method)request->method, request->name, result);
		answer(logins, request->id, client, result, 0, NULL);
		return;
	}
	switch (request->method) {
	case SP_METHOD_CLICK:
		result = sp_grant_click(logins->maps, zone, client);
		count_grant(logins, begun);
		conclude(logins, request->id, client, SP_METHOD_CLICK, "", result, NULL);
		break;
	case SP_METHOD_VOUCHER:
		log_in_by_voucher(logins, zone, request);
		break;
	case SP_METHOD_USER:
		log_in_by_password(logins, zone, request);
		break;
	default:
		submit(logins, zone, request, SP_METHOD_EXTERNAL, NULL, NULL);
	}
}

/* Nobody is told about a client whose connection it is not. */
static void refuse_stranger(struct sp_logins *logins, const struct sp_ipc_request *request)
{
	struct sp_ipc_answer message = {
		.header.kind = SP_IPC_ANSWER, .id = request->id, .result = SP_IPC_FAILED};

	report(&request->client, "the portal's question", "the datapath knows no such connection");
	logins->tell(logins->context, &message);
}

void sp_logins_ask(struct sp_logins *logins, const struct sp_ipc_request *request)
{
	int number = sp_origin_zone(logins->maps, logins->config, request);
	enum sp_ipc_result result = SP_IPC_DONE;

	if (number < 0) {
		refuse_stranger(logins, request);
		return;
	}
	if (request->header.kind == SP_IPC_LOGIN) {
		log_in(logins, &logins->config->zone[number], request);
		return;
	}
	if (request->header.kind == SP_IPC_LOGOUT)
		result = sp_grant_end(logins->maps, &request->client);
	answer(logins, request->id, &request->client, result, 0, NULL);
}

/* --- verdicts --- */

static enum sp_ipc_result grant_external(struct sp_logins *logins, const struct sp_pending *pending,
                                         const struct sp_ipc_verdict *verdict)
{
	const struct sp_client_key *client = &pending->check.client;
	const struct sp_zone *zone = &logins->config->zone[pending->zone];
	int ret;

	if (sp_spent_has(&logins->spent, verdict->nonce))
		return SP_IPC_WRONG;
	ret = sp_spent_add(&logins->spent, verdict->nonce, verdict->nonce_until,
	                   (uint64_t)time(NULL));
	if (ret) {
		report(client, "a nonce cannot be kept", strerror(-ret));
		return SP_IPC_FAILED;
	}
	return sp_grant_verdict(logins->maps, zone, client, SP_METHOD_EXTERNAL, "", verdict);
}

static enum sp_ipc_result grant(struct sp_logins *logins, const struct sp_pending *pending,
                                const struct sp_ipc_verdict *verdict)
{
	const struct sp_ipc_check *check = &pending->check;
	const struct sp_zone *zone = &logins->config->zone[pending->zone];

	switch (check->method) {
	case SP_METHOD_USER:
		return sp_grant_user(logins->maps, zone, &check->client, check->name);
	case SP_METHOD_EXTERNAL:
		return grant_external(logins, pending, verdict);
	default:
		return sp_grant_verdict(logins->maps, zone, &check->client, SP_METHOD_RADIUS,
		                        check->name, verdict);
	}
}

static void judged(void *context, const struct sp_pending *pending,
                   const struct sp_ipc_verdict *verdict, enum sp_ipc_result result)
{
	const struct sp_ipc_check *check = &pending->check;
	struct sp_logins *logins = context;
	const uint64_t begun = sp_monotonic_us();

	if (verdict && result == SP_IPC_DONE) {
		result = grant(logins, pending, verdict);
		count_grant(logins, begun);
	}
	settle_attempt(logins, &check->client, pending->account ? check->name : NULL,
	               result == SP_IPC_WRONG);
	if (result == SP_IPC_BUSY) {
		settle(logins, &check->client, (enum sp_method)check->method, check->name, result);
		answer(logins, pending->request, &check->client, result, CROWDED, NULL);
	} else {
		conclude(logins, pending->request, &check->client, (enum sp_method)check->method,
		         check->name, result, verdict ? verdict->said : NULL);
	}
}

/* A nonce comes with a token that is good, and is not good for ever. */
static bool can_be_nonce(const struct sp_pending *pending, const struct sp_ipc_verdict *verdict)
{
	if (pending->check.method != SP_METHOD_EXTERNAL || verdict->result != SP_IPC_DONE)
		return verdict->nonce_until == 0;
	return verdict->nonce_until &&
	       verdict->nonce_until <= (uint64_t)time(NULL) + SP_HANDOVER_LIFE + 1;
}

int sp_logins_verdict(struct sp_logins *logins, unsigned index,
                      const struct sp_ipc_verdict *verdict)
{
	const struct sp_pending *pending = logins->broker.worker[index].has;

	if (!pending || !can_be_nonce(pending, verdict))
		return -EPROTO;
	return sp_broker_verdict(&logins->broker, index, verdict, sp_monotonic_ms());
}

/* --- the whole --- */

/* ms that a verifier may need: a slow hash on a busy machine, or every server of RADIUS. */
static uint64_t patience(const struct sp_config *config)
{
	return 30000 + config->radius_timeout * 1000 * config->radius_tries * config->radius_count;
}

int sp_logins_open(struct sp_logins *logins, unsigned workers, struct sp_error *err)
{
	const struct sp_instance *instance = &logins->maps->instance;
	uint8_t key[SP_KEY_BYTES];
	struct sp_error why;
	int ret =
		sp_broker_open(&logins->broker, workers, patience(logins->config), judged, logins);

	if (!ret)
		ret = sp_retry_open(&logins->clients, CLIENT_SETS, &logins->config->attempts, true);
	if (!ret)
		ret = sp_retry_open(&logins->accounts, ACCOUNT_SETS,
		                    &logins->config->account_attempts, false);
	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED, "cannot prepare logins: %s",
		               strerror(-ret));
	ret = sp_passwords_nobody(logins->nobody, err);
	/* Other methods do without. */
	if (!ret && find_voucher_key(logins, key, &why) == -ENOKEY)
		sp_log(SP_LOG_ERROR, "nobody can log in by voucher: %s", why.text);
	explicit_bzero(key, sizeof(key));
	if (!ret && (sp_config_methods(logins->config) & SP_METHOD_BIT(SP_METHOD_EXTERNAL)))
		ret = sp_spent_open(&logins->spent, instance, err);
	return ret;
}

void sp_logins_close(struct sp_logins *logins)
{
	sp_spent_close(&logins->spent);
	sp_retry_close(&logins->accounts);
	sp_retry_close(&logins->clients);
	sp_broker_close(&logins->broker);
}
