/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/metrics.h"

#include <stdio.h>
#include <string.h>

#include "ipc/radius.h"
#include "lib/ledger.h"
#include "lib/method.h"

/* --- what all children of a role counted --- */

static void add_up(const struct sp_crew *crew, enum sp_role role, struct sp_tally *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (unsigned i = 0; i < crew->count; i++)
		if (crew->child[i].plan.role == role)
			sp_tally_add(&crew->child[i].tally, sum);
}

/* Those that were met, as there are five hundred. */
static void put_statuses(struct sp_openmetrics *metrics, const uint64_t count[SP_TALLY_STATUSES])
{
	char text[8];

	for (unsigned i = 0; i < SP_TALLY_STATUSES; i++) {
		if (!count[i])
			continue;
		snprintf(text, sizeof(text), "%u", i + 100);
		sp_openmetrics_sample(metrics, count[i], "status", text, SP_NO_MORE);
	}
}

/* --- the daemon and its processes --- */

static void put_daemon(struct sp_openmetrics *metrics, const struct sp_keeper *keeper)
{
	sp_openmetrics_family(metrics, SP_GAUGE, "daemon_start_timestamp_seconds", "seconds",
	                      "When the daemon was started, in seconds since 1970.");
	sp_openmetrics_sample(metrics, keeper->scraper.started, SP_NO_MORE);
	if (!keeper->setup.portal.tls.count)
		return;
	sp_openmetrics_family(metrics, SP_GAUGE, "certificate_expiry_timestamp_seconds", "seconds",
	                      "When the portal's certificate ends, in seconds since 1970.");
	sp_openmetrics_sample(metrics, keeper->setup.portal.tls.expires, SP_NO_MORE);
}

static const char *role_name(enum sp_role role)
{
	static const char *const names[SP_ROLES] = {
		[SP_ROLE_RESPONDER] = "responder",   [SP_ROLE_GARDEN] = "garden",
		[SP_ROLE_PORTAL] = "portal",         [SP_ROLE_VERIFIER] = "verifier",
		[SP_ROLE_ACCOUNTING] = "accounting", [SP_ROLE_AUTHORITY] = "authority",
		[SP_ROLE_METRICS] = "metrics",
	};

	return names[role];
}

struct roll {
	uint64_t all, serving, restarts;
};

static void call_roll(const struct sp_crew *crew, struct roll roll[SP_ROLES])
{
	for (unsigned i = 0; i < crew->count; i++) {
		const struct sp_child *child = &crew->child[i];
		struct roll *of_role = &roll[child->plan.role];

		of_role->all++;
		of_role->serving += child->ready;
		of_role->restarts += child->restarts;
	}
}

static void put_children(struct sp_openmetrics *metrics, const struct sp_crew *crew)
{
	struct roll roll[SP_ROLES] = {{0}};

	call_roll(crew, roll);
	sp_openmetrics_family(metrics, SP_GAUGE, "children", "",
	                      "Processes of the daemon that there should be.");
	for (unsigned i = 0; i < SP_ROLES; i++)
		if (roll[i].all)
			sp_openmetrics_sample(metrics, roll[i].all, "role", role_name(i),
			                      SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_GAUGE, "children_serving", "", "And that serve.");
	for (unsigned i = 0; i < SP_ROLES; i++)
		if (roll[i].all)
			sp_openmetrics_sample(metrics, roll[i].serving, "role", role_name(i),
			                      SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_COUNTER, "child_restarts", "",
	                      "Processes that ended by themselves, or were ended for what they "
	                      "did.");
	for (unsigned i = 0; i < SP_ROLES; i++)
		if (roll[i].all)
			sp_openmetrics_sample(metrics, roll[i].restarts, "role", role_name(i),
			                      SP_NO_MORE);
}

static void put_ledger(struct sp_openmetrics *metrics)
{
	const struct sp_ledger_counts counts = sp_ledger_counted();

	sp_openmetrics_family(metrics, SP_COUNTER, "ledger_commits", "",
	                      "Transactions of the daemon that the ledger took.");
	sp_openmetrics_sample(metrics, counts.commits, SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_COUNTER, "ledger_errors", "",
	                      "Failures of the ledger: disk, database, too busy.");
	sp_openmetrics_sample(metrics, counts.errors, SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_GAUGE, "ledger_written_timestamp_seconds", "seconds",
	                      "When the daemon last wrote to it, in seconds since 1970; 0: never.");
	sp_openmetrics_sample(metrics, counts.written, SP_NO_MORE);
}

/* --- logins --- */

static void put_logins(struct sp_openmetrics *metrics, const struct sp_logins *logins)
{
	static const char *const results[SP_IPC_RESULTS] = {
		[SP_IPC_DONE] = "done",         [SP_IPC_REFUSED] = "refused",
		[SP_IPC_FULL] = "full",         [SP_IPC_FAILED] = "failed",
		[SP_IPC_WRONG] = "wrong",       [SP_IPC_BUSY] = "busy",
		[SP_IPC_SILENT] = "silent",     [SP_IPC_USED] = "used",
		[SP_IPC_OVER] = "over",         [SP_IPC_EARLY] = "early",
		[SP_IPC_DISABLED] = "disabled", [SP_IPC_INSECURE] = "insecure",
	};

	sp_openmetrics_family(metrics, SP_COUNTER, "logins", "",
	                      "Logins by method and by how they ended.");
	for (unsigned method = SP_METHOD_CLICK; method <= SP_METHOD_EXTERNAL; method++)
		for (unsigned result = 0; result < SP_IPC_RESULTS; result++)
			sp_openmetrics_sample(metrics, logins->counts.result[method][result],
			                      "method", sp_method_name(method), "result",
			                      results[result] ? results[result] : "other",
			                      SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_HISTOGRAM, "grant_seconds", "seconds",
	                      "From the word that a client may be let in to its being let in: "
	                      "ledger, map and reading back.");
	sp_openmetrics_histogram(metrics, &logins->counts.grant, SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_GAUGE, "logins_waiting", "",
	                      "Logins that a verifier is to judge, or is judging.");
	sp_openmetrics_sample(metrics, logins->broker.used, SP_NO_MORE);
}

/* --- responders and portal --- */

static void put_probes(struct sp_openmetrics *metrics, const struct sp_probes *probes,
                       const uint64_t count[SP_TALLY_PROBES + 1])
{
	sp_openmetrics_family(metrics, SP_COUNTER, "responder_probes", "",
	                      "Answers to connectivity probes, by their section of probes.conf.");
	for (size_t i = 0; i < probes->count && i < SP_TALLY_PROBES; i++)
		sp_openmetrics_sample(metrics, count[i], "probe", probes->probe[i].name,
		                      SP_NO_MORE);
	if (probes->count > SP_TALLY_PROBES)
		sp_openmetrics_sample(metrics, count[SP_TALLY_PROBES], "probe", "", SP_NO_MORE);
}

static void put_responders(struct sp_openmetrics *metrics, const struct sp_crew *crew,
                           const struct sp_probes *probes)
{
	static const char *const causes[SP_TALLY_DROPPED] = {
		[SP_TALLY_CROWDED] = "too many of one client",
		[SP_TALLY_EVICTED] = "too many",
		[SP_TALLY_LATE] = "too slow",
	};
	static struct sp_tally sum;

	add_up(crew, SP_ROLE_RESPONDER, &sum);
	sp_openmetrics_family(metrics, SP_COUNTER, "responder_answers", "",
	                      "Answers to captured HTTP requests, by status.");
	put_statuses(metrics, sum.responder.answers);
	put_probes(metrics, probes, sum.responder.probes);
	sp_openmetrics_family(metrics, SP_COUNTER, "responder_dropped", "",
	                      "Captured connections that were closed without an answer.");
	for (unsigned i = 0; i < SP_TALLY_DROPPED; i++)
		sp_openmetrics_sample(metrics, sum.responder.dropped[i], "cause", causes[i],
		                      SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_GAUGE, "responder_connections", "",
	                      "Captured connections that are open.");
	sp_openmetrics_sample(metrics, sum.gauge[SP_TALLY_OPEN], SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_HISTOGRAM, "responder_answer_seconds", "seconds",
	                      "From the acceptance of a captured connection to its answer.");
	sp_openmetrics_histogram(metrics, &sum.responder.latency, SP_NO_MORE);
}

static void put_portal(struct sp_openmetrics *metrics, const struct sp_crew *crew)
{
	static struct sp_tally sum;

	add_up(crew, SP_ROLE_PORTAL, &sum);
	sp_openmetrics_family(metrics, SP_COUNTER, "portal_requests", "",
	                      "Requests to the portal and its API, by the status of the answer.");
	put_statuses(metrics, sum.portal.requests);
	sp_openmetrics_family(metrics, SP_GAUGE, "portal_connections", "",
	                      "Connections to the portal that are open.");
	sp_openmetrics_sample(metrics, sum.gauge[SP_TALLY_OPEN], SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_HISTOGRAM, "portal_login_seconds", "seconds",
	                      "From a login's request to its answer, whatever it is.");
	sp_openmetrics_histogram(metrics, &sum.portal.login, SP_NO_MORE);
}

static void put_garden(struct sp_openmetrics *metrics, const struct sp_keeper *keeper)
{
	static struct sp_tally sum;

	add_up(&keeper->crew, SP_ROLE_GARDEN, &sum);
	sp_openmetrics_family(metrics, SP_COUNTER, "garden_answers", "",
	                      "DNS answers to captive clients that were read for the garden.");
	sp_openmetrics_sample(metrics, sum.garden.answers, SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_COUNTER, "garden_malformed", "",
	                      "Those of them that are no answers of DNS.");
	sp_openmetrics_sample(metrics, sum.garden.malformed, SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_COUNTER, "garden_learnt", "",
	                      "Addresses that they had for names of the garden.");
	sp_openmetrics_sample(metrics, keeper->gardener.opened, "result", "opened", SP_NO_MORE);
	sp_openmetrics_sample(metrics, keeper->gardener.refused, "result", "refused", SP_NO_MORE);
}

/* --- RADIUS --- */

struct radius_kind {
	const char *name;
	const struct sp_ipc_radius *setup;
	const struct sp_tally_radius *tally;
};

static void put_asked(struct sp_openmetrics *metrics, const struct radius_kind *kind)
{
	static const char *const results[SP_TALLY_ASKED] = {
		[SP_TALLY_ACCEPTED] = "accepted",     [SP_TALLY_REJECTED] = "rejected",
		[SP_TALLY_CHALLENGED] = "challenged", [SP_TALLY_SILENT] = "silent",
		[SP_TALLY_UNTRUSTED] = "untrusted",
	};
	char name[SP_RADIUS_SERVER_NAME];

	for (unsigned i = 0; i < kind->setup->server_count; i++)
		for (unsigned result = 0; result < SP_TALLY_ASKED; result++)
			sp_openmetrics_sample(metrics, kind->tally->server[i].asked[result], "kind",
			                      kind->name, "server",
			                      sp_radius_server_name(name, &kind->setup->server[i]),
			                      "result", results[result], SP_NO_MORE);
}

static void put_round_trips(struct sp_openmetrics *metrics, const struct radius_kind *kind)
{
	char name[SP_RADIUS_SERVER_NAME];

	for (unsigned i = 0; i < kind->setup->server_count; i++)
		sp_openmetrics_histogram(
			metrics, &kind->tally->server[i].round_trip, "kind", kind->name, "server",
			sp_radius_server_name(name, &kind->setup->server[i]), SP_NO_MORE);
}

static void put_changes(struct sp_openmetrics *metrics, const struct sp_crew *crew,
                        const struct sp_authority_counts *counts)
{
	static struct sp_tally sum;

	add_up(crew, SP_ROLE_AUTHORITY, &sum);
	sp_openmetrics_family(metrics, SP_COUNTER, "radius_changes", "",
	                      "CoA and Disconnect requests, by what became of them.");
	sp_openmetrics_sample(metrics, counts->done, "result", "done", SP_NO_MORE);
	sp_openmetrics_sample(metrics, counts->refused, "result", "refused", SP_NO_MORE);
	sp_openmetrics_sample(metrics, sum.radius.dropped, "result", "untrusted", SP_NO_MORE);
}

static void put_radius(struct sp_openmetrics *metrics, const struct sp_keeper *keeper)
{
	static struct sp_tally access, accounting;
	const struct radius_kind kinds[] = {
		{"access", &keeper->setup.verifier.radius, &access.radius},
		{"accounting", &keeper->setup.accounting.radius, &accounting.radius},
	};

	if (!kinds[0].setup->server_count && !kinds[1].setup->server_count)
		return;
	add_up(&keeper->crew, SP_ROLE_VERIFIER, &access);
	add_up(&keeper->crew, SP_ROLE_ACCOUNTING, &accounting);
	sp_openmetrics_family(metrics, SP_COUNTER, "radius_requests", "",
	                      "Requests to RADIUS servers, by what became of them.");
	for (unsigned i = 0; i < 2; i++)
		put_asked(metrics, &kinds[i]);
	sp_openmetrics_family(metrics, SP_HISTOGRAM, "radius_round_trip_seconds", "seconds",
	                      "From the packet to a RADIUS server to its answer.");
	for (unsigned i = 0; i < 2; i++)
		put_round_trips(metrics, &kinds[i]);
	sp_openmetrics_family(metrics, SP_GAUGE, "radius_accounting_queue", "",
	                      "Accounting packets that no server has confirmed yet.");
	sp_openmetrics_sample(metrics, accounting.gauge[SP_TALLY_QUEUED], SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_COUNTER, "radius_accounting_given_up", "",
	                      "Starts and stops that no server takes.");
	sp_openmetrics_sample(metrics, accounting.radius.given_up, SP_NO_MORE);
	put_changes(metrics, &keeper->crew, &keeper->changes);
}

void sp_metrics_daemon(struct sp_openmetrics *metrics, const struct sp_keeper *keeper)
{
	put_daemon(metrics, keeper);
	put_children(metrics, &keeper->crew);
	put_ledger(metrics);
	put_logins(metrics, &keeper->logins);
	put_responders(metrics, &keeper->crew, &keeper->scraper.probes);
	put_portal(metrics, &keeper->crew);
	put_garden(metrics, keeper);
	put_radius(metrics, keeper);
}
