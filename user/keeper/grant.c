/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/grant.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "keeper/describe.h"
#include "lib/ledger.h"
#include "lib/log.h"
#include "lib/session.h"

/* A crowd may log in at once; the log need not take part. */
static struct sp_log_limit log_limit = {.burst = 50};

static void report(const struct sp_client_key *client, const char *what)
{
	const struct sp_log_about about = {.client = client};
	char name[SP_SESSION_NAME];

	sp_log_about(&log_limit, &about, SP_LOG_NOTICE, "%s: %s", sp_session_name(name, client),
	             what);
}

static void report_failure(const struct sp_client_key *client, const char *what,
                           const struct sp_error *err)
{
	const struct sp_log_about about = {.client = client};
	char name[SP_SESSION_NAME];

	sp_log_about(&log_limit, &about, SP_LOG_ERROR, "%s: %s failed: %s",
	             sp_session_name(name, client), what, err->text);
}

static struct sp_limits defaults(const struct sp_zone *zone)
{
	return (struct sp_limits){
		.seconds = zone->session_seconds,
		.idle = zone->idle_seconds,
		.quota = zone->quota_bytes,
		.quota_up = zone->quota_up,
		.quota_down = zone->quota_down,
		.bind = zone->bind,
		.rate_up = zone->rate_up,
		.rate_down = zone->rate_down,
	};
}

/* What a grant is made of; only what its method needs. */
struct grant {
	struct sp_maps *maps;
	const struct sp_zone *zone;
	const struct sp_client_key *client;
	enum sp_method method;
	const char *name;
	const uint8_t *digest;
	const struct sp_ipc_verdict *verdict;
};

static struct sp_who begin_who(const struct grant *grant)
{
	struct sp_who who = {.method = grant->method};

	memcpy(who.zone, grant->zone->name, sizeof(who.zone));
	return who;
}

static enum sp_ipc_result refused_for(int code)
{
	switch (code) {
	case -ENOSPC:
		return SP_IPC_FULL;
	case -EDQUOT: /* the session that there is goes on as it is */
		return SP_IPC_DONE;
	default:
		return SP_IPC_FAILED;
	}
}

static void report_login(const struct grant *grant)
{
	struct sp_log_about about = {.client = grant->client,
	                             .method = sp_method_name(grant->method)};
	struct sp_ledger *ledger;
	struct sp_record record;
	char name[SP_SESSION_NAME];
	struct sp_error err;

	ledger = sp_session_ledger(grant->maps, &err);
	if (ledger && !sp_ledger_session_last(ledger, grant->client, &record, &err)) {
		about.session = record.id;
		if (record.who.name[0] && sp_log_has_names())
			about.user = record.who.name;
	}
	sp_log_about(&log_limit, &about, SP_LOG_NOTICE, "%s: logged in (%s%s%s)",
	             sp_session_name(name, grant->client), about.method, about.user ? " " : "",
	             about.user ? about.user : "");
}

static enum sp_ipc_result concluded(const struct grant *grant, int code, const struct sp_error *err)
{
	if (code) {
		report_failure(grant->client, "login", err);
		return refused_for(code);
	}
	report_login(grant);
	return SP_IPC_DONE;
}

/* Whether more than half of a session's time is left: then a second login changes nothing, so that
 * a reloaded page does not write the map, and a longer session the operator gave is not cut. */
static bool fresh(const struct sp_session *session, const struct sp_clock *clock,
                  const struct sp_zone *zone)
{
	if (!(session->policy.limits & SP_LIMIT_EXPIRES))
		return true;
	return sp_clock_until(clock, session->policy.expires) > zone->session_seconds / 2;
}

static enum sp_ipc_result by_click(const struct grant *grant, const struct sp_session *session,
                                   const struct sp_clock *clock)
{
	const struct sp_limits limits = defaults(grant->zone);
	const struct sp_who who = begin_who(grant);
	struct sp_error err;

	if (session->effective == SP_CLIENT_AUTHORIZED && fresh(session, clock, grant->zone))
		return SP_IPC_DONE;
	return concluded(grant,
	                 sp_session_grant(grant->maps, grant->client, &limits, &who, NULL, &err),
	                 &err);
}

static enum sp_ipc_result by_voucher(const struct grant *grant)
{
	const struct sp_limits limits = defaults(grant->zone);
	struct sp_error err;
	int ret = sp_session_redeem(grant->maps, grant->client, grant->digest, grant->zone->name,
	                            &limits, &err);

	switch (ret) {
	case -ENOENT:
		return SP_IPC_WRONG;
	case -EAGAIN:
		return SP_IPC_EARLY;
	case -ESTALE:
		return SP_IPC_OVER;
	case -EUSERS:
		return SP_IPC_USED;
	default:
		return concluded(grant, ret, &err);
	}
}

/* Whether a further device may be let in, under the lock that all who let in take. */
static int count_devices(const struct grant *grant, struct sp_ledger *ledger,
                         const struct sp_user *user, bool *full, struct sp_error *err)
{
	unsigned count = 0;
	int ret = 0;

	if (user->devices)
		ret = sp_ledger_session_count(ledger, user->name, SP_METHOD_USER, grant->client,
		                              &count, err);
	*full = user->devices && count >= user->devices;
	return ret;
}

/* The account may have changed while the password was being judged. */
static enum sp_ipc_result by_user(const struct grant *grant)
{
	const uint64_t now = (uint64_t)time(NULL);
	const struct sp_limits common = defaults(grant->zone);
	struct sp_who who = begin_who(grant);
	struct sp_ledger *ledger;
	struct sp_limits limits;
	struct sp_user user;
	struct sp_error err;
	bool full = false;
	int ret;

	ledger = sp_session_ledger(grant->maps, &err);
	if (!ledger)
		return concluded(grant, -EIO, &err);
	ret = sp_ledger_user_get(ledger, grant->name, &user, &err);
	if (ret == -ENOENT || (!ret && user.disabled))
		return SP_IPC_WRONG;
	if (!ret)
		ret = count_devices(grant, ledger, &user, &full, &err);
	if (ret)
		return concluded(grant, ret, &err);
	if (full)
		return SP_IPC_USED;
	limits = sp_limits_merge(&user.limits, &common);
	if (sp_limits_until(&limits, user.until, now))
		return SP_IPC_WRONG;
	memcpy(who.name, user.name, sizeof(who.name));
	return concluded(grant,
	                 sp_session_grant(grant->maps, grant->client, &limits, &who, NULL, &err),
	                 &err);
}

static enum sp_ipc_result by_verdict(const struct grant *grant)
{
	const struct sp_ipc_verdict *verdict = grant->verdict;
	const struct sp_ipc_limits *said = &verdict->limits;
	const struct sp_limits common = defaults(grant->zone);
	struct sp_limits own = {0}, limits;
	struct sp_who who = begin_who(grant);
	struct sp_error err;

	if (verdict->limited)
		own = (struct sp_limits){
			.seconds = said->seconds,
			.idle = said->idle,
			.quota = said->quota,
			.quota_up = said->quota_up,
			.quota_down = said->quota_down,
			.rate_up = said->rate_up,
			.rate_down = said->rate_down,
		};
	limits = sp_limits_merge(&own, &common);
	who.class_length = verdict->class_length;
	who.interim = (uint32_t)said->interim;
	snprintf(who.name, sizeof(who.name), "%s", verdict->name[0] ? verdict->name : grant->name);
	memcpy(who.class_bytes, verdict->class_bytes, verdict->class_length);
	return concluded(grant,
	                 sp_session_grant(grant->maps, grant->client, &limits, &who, NULL, &err),
	                 &err);
}

static enum sp_ipc_result let_in(const struct grant *grant)
{
	struct sp_session session;
	struct sp_clock clock;
	struct sp_error err;
	int ret = sp_describe_look(grant->maps, &clock, grant->client, &session, &err);

	if (ret)
		return concluded(grant, ret, &err);
	if (session.effective == SP_CLIENT_BLOCKED)
		return SP_IPC_REFUSED;
	switch (grant->method) {
	case SP_METHOD_CLICK:
		return by_click(grant, &session, &clock);
	case SP_METHOD_VOUCHER:
		return by_voucher(grant);
	case SP_METHOD_USER:
		return by_user(grant);
	default:
		return by_verdict(grant);
	}
}

static enum sp_ipc_result end(const struct grant *grant)
{
	struct sp_session session;
	struct sp_clock clock;
	struct sp_error err;
	int ret = sp_describe_look(grant->maps, &clock, grant->client, &session, &err);

	if (!ret && session.effective == SP_CLIENT_BLOCKED)
		return SP_IPC_REFUSED;
	if (!ret && session.effective == SP_CLIENT_CAPTIVE)
		return SP_IPC_DONE;
	if (!ret)
		ret = sp_session_end(grant->maps, grant->client, SP_CAUSE_CLIENT, &err);
	if (ret) {
		report_failure(grant->client, "logout", &err);
		return SP_IPC_FAILED;
	}
	report(grant->client, "logged out");
	return SP_IPC_DONE;
}

/*
 * Look and change under one lock, or a block by the operator that comes between the two would be
 * undone. The session functions take the same lock: flock() grants it again to the same open file,
 * and their release, which comes after their change, is the release of ours as well.
 */
static enum sp_ipc_result locked(const struct grant *grant,
                                 enum sp_ipc_result (*change)(const struct grant *grant))
{
	enum sp_ipc_result result;
	struct sp_error err;

	if (sp_maps_lock(grant->maps, &err)) {
		report_failure(grant->client, "lock", &err);
		return SP_IPC_FAILED;
	}
	result = change(grant);
	sp_maps_unlock(grant->maps);
	return result;
}

enum sp_ipc_result sp_grant_click(struct sp_maps *maps, const struct sp_zone *zone,
                                  const struct sp_client_key *client)
{
	return locked(
		&(struct grant){
			.maps = maps, .zone = zone, .client = client, .method = SP_METHOD_CLICK},
		let_in);
}

enum sp_ipc_result sp_grant_voucher(struct sp_maps *maps, const struct sp_zone *zone,
                                    const struct sp_client_key *client,
                                    const uint8_t digest[SP_VOUCHER_DIGEST])
{
	return locked(&(struct grant){.maps = maps,
	                              .zone = zone,
	                              .client = client,
	                              .method = SP_METHOD_VOUCHER,
	                              .digest = digest},
	              let_in);
}

enum sp_ipc_result sp_grant_user(struct sp_maps *maps, const struct sp_zone *zone,
                                 const struct sp_client_key *client, const char *name)
{
	return locked(&(struct grant){.maps = maps,
	                              .zone = zone,
	                              .client = client,
	                              .method = SP_METHOD_USER,
	                              .name = name},
	              let_in);
}

enum sp_ipc_result sp_grant_verdict(struct sp_maps *maps, const struct sp_zone *zone,
                                    const struct sp_client_key *client, enum sp_method method,
                                    const char *name, const struct sp_ipc_verdict *verdict)
{
	return locked(&(struct grant){.maps = maps,
	                              .zone = zone,
	                              .client = client,
	                              .method = method,
	                              .name = name,
	                              .verdict = verdict},
	              let_in);
}

enum sp_ipc_result sp_grant_end(struct sp_maps *maps, const struct sp_client_key *client)
{
	return locked(&(struct grant){.maps = maps, .client = client}, end);
}
