/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/login.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/log.h"
#include "lib/session.h"

/* A crowd may log in at once; the log need not take part. */
static struct sp_log_limit log_limit = {.burst = 50};

static void report(const struct sp_client_key *client, const char *what)
{
	char name[SP_SESSION_NAME];

	sp_log_limited(&log_limit, SP_LOG_NOTICE, "%s: %s", sp_session_name(name, client), what);
}

static void report_failure(const struct sp_client_key *client, const char *what,
                           const struct sp_error *err)
{
	char name[SP_SESSION_NAME];

	sp_log_limited(&log_limit, SP_LOG_ERROR, "%s: %s failed: %s", sp_session_name(name, client),
	               what, err->text);
}

/* What is known of @key now; a client that is not in the map is a captive one. */
static int look(const struct sp_maps *maps, struct sp_clock *clock, const struct sp_client_key *key,
                struct sp_session *session, struct sp_error *err)
{
	int ret = sp_clock_read(clock, maps->clock, err);

	if (ret)
		return ret;
	ret = sp_session_get(maps, clock, key, session, err);
	if (ret == -ENOENT) {
		*session = (struct sp_session){.key = *key, .effective = SP_CLIENT_CAPTIVE};
		ret = 0;
	}
	return ret;
}

/* Whether more than half of a session's time is left: then a second login changes nothing, so that
 * a reloaded page does not write the map, and a longer session the operator gave is not cut. */
static bool fresh(const struct sp_session *session, const struct sp_clock *clock,
                  const struct sp_config *config)
{
	if (!(session->policy.limits & SP_LIMIT_EXPIRES))
		return true;
	return sp_clock_until(clock, session->policy.expires) > config->session_seconds / 2;
}

static enum sp_ipc_result grant(struct sp_maps *maps, const struct sp_config *config,
                                const struct sp_client_key *client)
{
	const struct sp_limits limits = {
		.seconds = config->session_seconds,
		.idle = config->idle_seconds,
		.quota = config->quota_bytes,
		.quota_up = config->quota_up,
		.quota_down = config->quota_down,
		.bind = config->bind,
		.rate_up = config->rate_up,
		.rate_down = config->rate_down,
	};
	struct sp_error err;
	int ret = sp_session_allow(maps, client, &limits, NULL, &err);

	if (!ret) {
		report(client, "logged in");
		return SP_IPC_DONE;
	}
	report_failure(client, "login", &err);
	if (ret == -EDQUOT) /* the session that there is goes on as it is */
		return SP_IPC_DONE;
	return ret == -ENOSPC ? SP_IPC_FULL : SP_IPC_FAILED;
}

static enum sp_ipc_result login(struct sp_maps *maps, const struct sp_config *config,
                                const struct sp_client_key *client)
{
	struct sp_session session;
	struct sp_clock clock;
	struct sp_error err;

	if (look(maps, &clock, client, &session, &err)) {
		report_failure(client, "login", &err);
		return SP_IPC_FAILED;
	}
	if (session.effective == SP_CLIENT_BLOCKED) {
		report(client, "login refused: blocked");
		return SP_IPC_REFUSED;
	}
	if (session.effective == SP_CLIENT_AUTHORIZED && fresh(&session, &clock, config))
		return SP_IPC_DONE;
	return grant(maps, config, client);
}

static enum sp_ipc_result logout(struct sp_maps *maps, const struct sp_client_key *client)
{
	struct sp_session session;
	struct sp_clock clock;
	struct sp_error err;
	int ret = look(maps, &clock, client, &session, &err);

	if (!ret && session.effective == SP_CLIENT_BLOCKED)
		return SP_IPC_REFUSED;
	if (!ret && session.effective == SP_CLIENT_CAPTIVE)
		return SP_IPC_DONE;
	if (!ret)
		ret = sp_session_remove(maps, client, &err);
	if (ret) {
		report_failure(client, "logout", &err);
		return SP_IPC_FAILED;
	}
	report(client, "logged out");
	return SP_IPC_DONE;
}

/*
 * Look and change under one lock, or a block by the operator that comes between the two would be
 * undone. The session functions take the same lock: flock() grants it again to the same open file,
 * and their release, which comes after their change, is the release of ours as well.
 */
static enum sp_ipc_result change(struct sp_maps *maps, const struct sp_config *config,
                                 const struct sp_ipc_request *request)
{
	struct sp_error err;
	enum sp_ipc_result result;

	if (sp_maps_lock(maps, &err)) {
		report_failure(&request->client, "lock", &err);
		return SP_IPC_FAILED;
	}
	result = request->header.kind == SP_IPC_LOGIN ? login(maps, config, &request->client)
	                                              : logout(maps, &request->client);
	sp_maps_unlock(maps);
	return result;
}

static uint64_t left_of(const struct sp_session *session, uint32_t limit, uint64_t quota,
                        uint64_t used)
{
	if (!(session->policy.limits & limit))
		return UINT64_MAX;
	return quota > used ? quota - used : 0;
}

/* Of the quota of which least is left. */
static uint64_t bytes_left(const struct sp_session *session)
{
	const struct sp_client_policy *policy = &session->policy;
	uint64_t up = session->up_bytes, down = session->down_bytes;
	uint64_t least = left_of(session, SP_LIMIT_QUOTA, policy->quota, up + down);
	uint64_t left = left_of(session, SP_LIMIT_QUOTA_UP, policy->quota_up, up);

	least = left < least ? left : least;
	left = left_of(session, SP_LIMIT_QUOTA_DOWN, policy->quota_down, down);
	return left < least ? left : least;
}

static void describe(const struct sp_session *session, const struct sp_clock *clock,
                     struct sp_ipc_answer *answer)
{
	if (session->effective != SP_CLIENT_AUTHORIZED)
		return;
	answer->authorized = 1;
	answer->bytes_left = bytes_left(session);
	answer->seconds_left = session->policy.limits & SP_LIMIT_EXPIRES
	                               ? sp_clock_until(clock, session->policy.expires)
	                               : UINT64_MAX;
}

void sp_login_answer(struct sp_maps *maps, const struct sp_config *config,
                     const struct sp_ipc_request *request, struct sp_ipc_answer *answer)
{
	struct sp_session session;
	struct sp_clock clock;
	struct sp_error err;
	enum sp_ipc_result result = SP_IPC_DONE;

	*answer = (struct sp_ipc_answer){.header.kind = SP_IPC_ANSWER, .id = request->id};
	if (request->header.kind != SP_IPC_QUERY)
		result = change(maps, config, request);
	if (look(maps, &clock, &request->client, &session, &err)) {
		report_failure(&request->client, "reading the session", &err);
		result = SP_IPC_FAILED;
	} else {
		if (session.effective == SP_CLIENT_BLOCKED)
			result = SP_IPC_REFUSED;
		describe(&session, &clock, answer);
	}
	answer->result = result;
}
