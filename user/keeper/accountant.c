/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/accountant.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "ipc/radius.h"
#include "lib/ledger.h"
#include "lib/monotonic.h"
#include "lib/session_memory.h"

#define PERIOD_MS 5000
#define FULL_MS   50  /* until the child has taken what its socket holds */
#define HURRY_MS  200 /* one look for a crowd that logs in together */

_Static_assert(SP_IPC_CLASS == SP_LEDGER_CLASS && SP_IPC_NAME == SP_LEDGER_NAME,
               "what the ledger holds has room in a message");

void sp_accountant_init(struct sp_accountant *accountant, struct sp_maps *maps,
                        const struct sp_config *config, struct sp_child *child)
{
	*accountant = (struct sp_accountant){
		.maps = maps,
		.config = config,
		.child = child,
		.due = UINT64_MAX,
		.to = (uint64_t)time(NULL),
		.log = {.burst = 5},
	};
}

static void report(struct sp_accountant *accountant, const struct sp_error *err)
{
	sp_log_limited(&accountant->log, SP_LOG_ERROR, "accounting: %s", err->text);
}

/* --- what is told --- */

static int tell(const struct sp_accountant *accountant, struct sp_ipc_account *what)
{
	what->header.kind = SP_IPC_ACCOUNT;
	if (!accountant->child->ready || accountant->child->socket < 0)
		return -EAGAIN;
	return sp_ipc_send(accountant->child->socket, what, sizeof(*what));
}

static struct sp_ipc_account describe(const struct sp_record *record, uint32_t status, uint64_t at)
{
	const struct sp_reading *reading = &record->reading;
	struct sp_ipc_account what = {
		.id = record->id,
		.status = status,
		.cause = reading->cause,
		.client = reading->client,
		.at = at,
		.seconds = at > record->begun ? at - record->begun : 0,
		.up_packets = reading->up_packets,
		.up_bytes = reading->up_bytes,
		.down_packets = reading->down_packets,
		.down_bytes = reading->down_bytes,
		.ipv4 = reading->ipv4,
		.class_length = record->who.class_length,
	};

	memcpy(what.ipv6, reading->ipv6, sizeof(what.ipv6));
	memcpy(what.class_bytes, record->who.class_bytes, sizeof(record->who.class_bytes));
	memcpy(what.name, record->who.name, sizeof(what.name));
	memcpy(what.zone, record->who.zone, sizeof(what.zone));
	return what;
}

static bool is_handed(const struct sp_accountant *accountant, uint64_t id, uint32_t status)
{
	for (unsigned i = 0; i < SP_ACCOUNTANT_HANDED; i++)
		if (accountant->handed[i].id == id && accountant->handed[i].status == status)
			return true;
	return false;
}

/* -EAGAIN: not now. */
static int hand_over(struct sp_accountant *accountant, const struct sp_record *record,
                     uint32_t status, uint64_t at)
{
	struct sp_ipc_account what = describe(record, status, at);
	int ret;

	for (unsigned i = 0; i < SP_ACCOUNTANT_HANDED; i++) {
		if (accountant->handed[i].id)
			continue;
		ret = tell(accountant, &what);
		if (!ret) {
			accountant->handed[i].id = record->id;
			accountant->handed[i].status = status;
		}
		return ret;
	}
	return -EAGAIN;
}

struct look {
	struct sp_accountant *accountant;
	struct sp_clock clock;
};

static bool update_is_due(const struct look *look, const struct sp_record *record)
{
	const struct sp_accountant *accountant = look->accountant;
	uint64_t interim =
		record->who.interim ? record->who.interim : accountant->config->radius_interim;

	if (!interim || record->id <= accountant->told || accountant->to <= record->begun)
		return false;
	if (accountant->from <= record->begun)
		return accountant->to - record->begun >= interim;
	return (accountant->to - record->begun) / interim >
	       (accountant->from - record->begun) / interim;
}

/* With the counters of now, which the ledger may not have yet. */
static int update(struct look *look, const struct sp_record *record)
{
	struct sp_accountant *accountant = look->accountant;
	struct sp_record fresh = *record;
	struct sp_session session;
	struct sp_ipc_account what;
	int ret;

	if (!sp_session_get(accountant->maps, &look->clock, &record->reading.client, &session,
	                    NULL) &&
	    session.policy.generation == record->reading.generation)
		fresh.reading = sp_memory_total(record, &session, &look->clock);
	what = describe(&fresh, SP_IPC_ACCOUNT_INTERIM, look->clock.unix_time);
	ret = tell(accountant, &what);
	if (!ret)
		accountant->told = record->id;
	return ret;
}

/* Called for each session, oldest first, whose stop is not confirmed. A start is confirmed before
 * anything else is told of its session. */
static int look_at(const struct sp_record *record, void *context)
{
	struct look *look = context;
	struct sp_accountant *accountant = look->accountant;
	const bool started = record->accounted == SP_ACCOUNTED_START;
	const uint32_t status = started ? SP_IPC_ACCOUNT_STOP : SP_IPC_ACCOUNT_START;

	if (started && !record->reading.ended)
		return update_is_due(look, record) ? update(look, record) : 0;
	if (accountant->full || is_handed(accountant, record->id, status))
		return 0;
	if (hand_over(accountant, record, status, started ? record->reading.ended : record->begun))
		accountant->full = true;
	return 0;
}

/* -EAGAIN: there is more than the child can take at once. */
static int look(struct sp_accountant *accountant, struct sp_error *err)
{
	struct sp_ledger *ledger = sp_session_ledger(accountant->maps, err);
	struct look look = {.accountant = accountant};
	int ret = ledger ? sp_clock_read(&look.clock, accountant->maps->clock, err) : -EIO;

	if (ret)
		return ret;
	if (!accountant->unfinished) {
		accountant->from = accountant->to;
		accountant->to = look.clock.unix_time;
		accountant->told = 0;
	}
	accountant->full = false;
	ret = sp_ledger_session_each_unaccounted(ledger, look_at, &look, err);
	accountant->unfinished = ret == -EAGAIN;
	return ret;
}

/* --- the gateway itself --- */

static int found_one(const struct sp_record *record, void *context)
{
	bool *found = context;

	if (record->who.method == SP_METHOD_RADIUS)
		*found = true;
	return *found;
}

/* Servers take this for the end of every session that they know of this gateway. */
static void tell_of_itself(struct sp_accountant *accountant, uint32_t status)
{
	struct sp_ipc_account what = {.status = status, .at = (uint64_t)time(NULL)};
	struct sp_error err;
	struct sp_ledger *ledger = sp_session_ledger(accountant->maps, &err);
	bool found = false;

	if (!ledger || sp_ledger_session_each(ledger, found_one, &found, &err) < 0)
		report(accountant, &err);
	else if (!found)
		(void)tell(accountant, &what);
}

void sp_accountant_begin(struct sp_accountant *accountant)
{
	memset(accountant->handed, 0, sizeof(accountant->handed));
	if (accountant->due == UINT64_MAX)
		tell_of_itself(accountant, SP_IPC_ACCOUNT_ON);
	accountant->due = sp_monotonic_ms();
}

void sp_accountant_end(struct sp_accountant *accountant)
{
	if (accountant->child && accountant->child->ready)
		tell_of_itself(accountant, SP_IPC_ACCOUNT_OFF);
}

/* --- when --- */

static void look_in(struct sp_accountant *accountant, uint32_t ms)
{
	uint64_t when = sp_monotonic_ms() + ms;

	if (accountant->child && accountant->child->ready && when < accountant->due)
		accountant->due = when;
}

void sp_accountant_hurry(struct sp_accountant *accountant)
{
	look_in(accountant, HURRY_MS);
}

uint64_t sp_accountant_attend(struct sp_accountant *accountant)
{
	uint64_t now = sp_monotonic_ms();
	struct sp_error err;
	int ret;

	if (!accountant->child || !accountant->child->ready)
		return UINT64_MAX;
	if (now < accountant->due)
		return accountant->due;
	ret = look(accountant, &err);
	if (ret && ret != -EAGAIN)
		report(accountant, &err);
	accountant->due = now + (ret == -EAGAIN ? FULL_MS : PERIOD_MS);
	return accountant->due;
}

static int confirm(struct sp_accountant *accountant, const struct sp_ipc_accounted *accounted,
                   struct sp_error *err)
{
	struct sp_ledger *ledger = sp_session_ledger(accountant->maps, err);
	enum sp_accounted stage =
		accounted->status == SP_IPC_ACCOUNT_START ? SP_ACCOUNTED_START : SP_ACCOUNTED_STOP;
	int ret = ledger ? sp_ledger_session_accounted(ledger, accounted->id, stage, err) : -EIO;

	if (accounted->given_up)
		sp_log_limited(&accountant->log, SP_LOG_ERROR,
		               "accounting: the servers take no %s of session %016llx",
		               stage == SP_ACCOUNTED_START ? "start" : "stop",
		               (unsigned long long)accounted->id);
	/* Removed from the ledger meanwhile. */
	return ret == -ENOENT ? 0 : ret;
}

int sp_accountant_hear(struct sp_accountant *accountant)
{
	struct sp_ipc_accounted accounted;
	struct sp_error err;
	int ret = sp_ipc_receive_accounted(accountant->child->socket, &accounted);

	if (ret)
		return ret;
	for (unsigned i = 0; i < SP_ACCOUNTANT_HANDED; i++) {
		if (!accountant->handed[i].id || accountant->handed[i].id != accounted.id ||
		    accountant->handed[i].status != accounted.status)
			continue;
		accountant->handed[i].id = 0;
		if (accountant->full)
			look_in(accountant, FULL_MS);
		if (confirm(accountant, &accounted, &err))
			report(accountant, &err);
		return 0;
	}
	/* What it was not told it cannot know. */
	return -EPROTO;
}
