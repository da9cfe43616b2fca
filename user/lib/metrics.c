/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation: everything here costs the same whatever the number of clients. How many
 * entries `clients` has is seen in `slots`, one bit for each; who walks through them brings the
 * census.
 */
#include "lib/metrics.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "lib/events.h"
#include "lib/ledger.h"
#include "lib/reasons.h"
#include "lib/slots.h"
#include "lib/version.h"

/* What was read before anything is written. */
struct numbers {
	struct sp_settings settings;
	struct sp_count reasons[SP_MAX_REASONS];
	struct sp_total totals[SP_TOTALS];
};

static int read_settings(struct numbers *numbers, const struct sp_maps *maps, struct sp_error *err)
{
	uint32_t zero = 0;
	int code = bpf_map_lookup_elem(maps->settings, &zero, &numbers->settings);

	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED, "cannot read %s/settings: %s",
		               maps->instance.pins, strerror(-code));
	return 0;
}

static int read_totals(struct numbers *numbers, const struct sp_maps *maps, struct sp_error *err)
{
	for (uint32_t i = 0; i < SP_TOTALS; i++) {
		int code = bpf_map_lookup_elem(maps->budgets, &i, &numbers->totals[i]);

		if (code)
			return sp_fail(err, code, SP_EXIT_FAILED, "cannot read %s/budgets: %s",
			               maps->instance.pins, strerror(-code));
	}
	return 0;
}

static int read_numbers(struct numbers *numbers, const struct sp_maps *maps, struct sp_error *err)
{
	int code = read_settings(numbers, maps, err);

	if (!code)
		code = sp_reasons_read(maps, numbers->reasons, err);
	return code ? code : read_totals(numbers, maps, err);
}

/* --- the instance --- */

static void put_build(struct sp_openmetrics *metrics, const struct numbers *numbers)
{
	char abi[16];
	struct utsname kernel;

	if (uname(&kernel))
		*kernel.release = '\0';
	snprintf(abi, sizeof(abi), "%u", numbers->settings.abi_version);
	sp_openmetrics_family(metrics, SP_INFO, "build", "",
	                      "Version of the program, of the layout of its maps, and of the "
	                      "kernel.");
	sp_openmetrics_sample(metrics, 1, "version", SP_VERSION, "abi", abi, "kernel",
	                      kernel.release, SP_NO_MORE);
}

static void put_state(struct sp_openmetrics *metrics, const struct numbers *numbers, bool daemon)
{
	sp_openmetrics_family(metrics, SP_GAUGE, "loaded_timestamp_seconds", "seconds",
	                      "When the datapath was loaded, in seconds since 1970.");
	sp_openmetrics_sample(metrics, numbers->settings.loaded_unix, SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_GAUGE, "daemon_up", "",
	                      "Whether the daemon runs: without it captive clients get no page.");
	sp_openmetrics_sample(metrics, daemon, SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_GAUGE, "bypass", "",
	                      "Whether the gate is open for everybody (sallyport bypass on).");
	sp_openmetrics_sample(metrics, numbers->settings.bypass != 0, SP_NO_MORE);
}

static void put_interfaces(struct sp_openmetrics *metrics, const struct sp_dataplane_status *status)
{
	const struct sp_attachment *one = status->attachment;

	sp_openmetrics_family(metrics, SP_INFO, "interface", "",
	                      "How the interfaces are attached.");
	for (unsigned i = 0; i < status->attachment_count; i++, one++)
		sp_openmetrics_sample(metrics, 1, "interface", one->interface, "role",
		                      one->uplink ? "uplink" : "client", "mode", one->mode,
		                      "tc_hook", one->tc_hook, "forward",
		                      one->routed ? "route" : "stack", SP_NO_MORE);
	one = status->attachment;
	sp_openmetrics_family(metrics, SP_GAUGE, "interface_attached", "",
	                      "Whether what comes in at the interface is judged.");
	for (unsigned i = 0; i < status->attachment_count; i++, one++)
		sp_openmetrics_sample(metrics,
		                      one->presence == SP_ATTACHED || one->presence == SP_RENAMED,
		                      "interface", one->interface, SP_NO_MORE);
}

/* --- packets --- */

static void put_verdicts(struct sp_openmetrics *metrics, const struct numbers *numbers, bool bytes)
{
	sp_openmetrics_family(metrics, SP_COUNTER, bytes ? "verdict_bytes" : "verdict_packets",
	                      bytes ? "bytes" : "",
	                      bytes ? "Bytes of IP packets by why they passed or were dropped."
	                            : "Packets by why they passed or were dropped.");
	for (uint32_t reason = 1; reason < SP_MAX_REASONS; reason++) {
		const struct sp_count *count = &numbers->reasons[reason];

		if (sp_reason_name(reason))
			sp_openmetrics_sample(metrics, bytes ? count->bytes : count->packets,
			                      "reason", sp_reason_name(reason), "verdict",
			                      sp_reason_verdict(reason), SP_NO_MORE);
	}
}

static void put_authorized(struct sp_openmetrics *metrics, const struct numbers *numbers,
                           bool bytes)
{
	const struct sp_count *count = numbers->reasons;
	const struct sp_count *up[] = {&count[SP_REASON_AUTHORIZED], &count[SP_REASON_ROUTED]};
	const struct sp_count *down[] = {&count[SP_REASON_DOWN_AUTHORIZED],
	                                 &count[SP_REASON_DOWN_ROUTED]};

	sp_openmetrics_family(metrics, SP_COUNTER,
	                      bytes ? "authorized_bytes" : "authorized_packets",
	                      bytes ? "bytes" : "",
	                      bytes ? "Bytes of IP packets of authorized clients."
	                            : "Packets of authorized clients.");
	sp_openmetrics_sample(metrics,
	                      bytes ? up[0]->bytes + up[1]->bytes : up[0]->packets + up[1]->packets,
	                      "direction", "up", SP_NO_MORE);
	sp_openmetrics_sample(metrics,
	                      bytes ? down[0]->bytes + down[1]->bytes
	                            : down[0]->packets + down[1]->packets,
	                      "direction", "down", SP_NO_MORE);
}

/* What a budget of all stopped. New clients are counted in `reasons` alone (struct sp_total). */
static uint64_t refused_of_all(const struct numbers *numbers, unsigned kind)
{
	return kind == SP_BUDGET_GUEST ? numbers->reasons[SP_REASON_TOTAL_GUEST].packets
	                               : numbers->totals[kind].refused;
}

static void put_budgets(struct sp_openmetrics *metrics, const struct numbers *numbers)
{
	static const char *const names[SP_BUDGETS] = {
		[SP_BUDGET_NEIGHBOUR] = "neighbour", [SP_BUDGET_DNS] = "dns",
		[SP_BUDGET_DNS_BYTES] = "dns_bytes", [SP_BUDGET_HTTP] = "http",
		[SP_BUDGET_PORTAL] = "portal",       [SP_BUDGET_ECHO] = "echo",
		[SP_BUDGET_GARDEN] = "garden",       [SP_BUDGET_REFUSAL] = "refusals",
		[SP_BUDGET_GUEST] = "new_clients",
	};

	sp_openmetrics_family(metrics, SP_COUNTER, "budget_refused", "",
	                      "What the budgets of all captive clients together stopped.");
	for (unsigned i = 0; i < SP_BUDGETS; i++)
		if (names[i])
			sp_openmetrics_sample(metrics, refused_of_all(numbers, i), "budget",
			                      names[i], SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_COUNTER, "events_lost", "",
	                      "Events of the datapath that were too many to be told.");
	for (unsigned kind = 1; SP_TOTAL_OF_EVENT(kind) < SP_TOTALS; kind++)
		if (strcmp(sp_event_word(kind), "?") != 0)
			sp_openmetrics_sample(metrics,
			                      numbers->totals[SP_TOTAL_OF_EVENT(kind)].refused,
			                      "event", sp_event_word(kind), SP_NO_MORE);
}

/* --- clients and maps --- */

static void put_sessions(struct sp_openmetrics *metrics, const struct sp_census *census)
{
	if (!census)
		return;
	sp_openmetrics_family(metrics, SP_GAUGE, "sessions", "",
	                      "Sessions by state and by what they were let in; those that have "
	                      "ended are kept for a minute.");
	for (unsigned method = SP_METHOD_NONE; method < SP_METHODS; method++) {
		const char *name = sp_method_name(method);

		sp_openmetrics_sample(metrics, census->authorized[method], "state", "authorized",
		                      "method", name, SP_NO_MORE);
		sp_openmetrics_sample(metrics, census->ended[method], "state", "ended", "method",
		                      name, SP_NO_MORE);
	}
	sp_openmetrics_family(metrics, SP_GAUGE, "blocked_clients", "",
	                      "Clients that the operator has blocked.");
	sp_openmetrics_sample(metrics, census->blocked, SP_NO_MORE);
}

static void put_maps(struct sp_openmetrics *metrics, const struct sp_maps *maps,
                     const struct sp_settings *settings)
{
	const struct {
		const char *name;
		uint64_t entries, capacity;
	} fill[] = {
		{"clients", sp_slots_used(maps), maps->max_clients},
		{"garden4", settings->garden4, SP_GARDEN_PREFIXES},
		{"garden6", settings->garden6, SP_GARDEN_PREFIXES},
		{"garden_names", settings->garden_names, SP_GARDEN_NAMES},
	};
	const unsigned count = sizeof(fill) / sizeof(*fill);

	sp_openmetrics_family(metrics, SP_GAUGE, "map_entries", "",
	                      "Entries in the maps of the datapath.");
	for (unsigned i = 0; i < count; i++)
		sp_openmetrics_sample(metrics, fill[i].entries, "map", fill[i].name, SP_NO_MORE);
	sp_openmetrics_family(metrics, SP_GAUGE, "map_capacity", "",
	                      "Entries that they have room for.");
	for (unsigned i = 0; i < count; i++)
		sp_openmetrics_sample(metrics, fill[i].capacity, "map", fill[i].name, SP_NO_MORE);
}

/* SQLite keeps what was written last beside the database, in ledger.db-wal. */
static void put_ledger(struct sp_openmetrics *metrics, const struct sp_instance *instance)
{
	static const char *const files[][2] = {{"database", ""}, {"wal", "-wal"}};
	char path[SP_INSTANCE_PATH + 24];
	struct stat status;

	sp_openmetrics_family(metrics, SP_GAUGE, "ledger_size_bytes", "bytes",
	                      "Size of the ledger's files.");
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/ledger.db%s", instance->state, files[i][1]);
		sp_openmetrics_sample(metrics, stat(path, &status) ? 0 : (uint64_t)status.st_size,
		                      "file", files[i][0], SP_NO_MORE);
	}
}

int sp_metrics_write(struct sp_openmetrics *metrics, const struct sp_metrics_source *source,
                     struct sp_error *err)
{
	static struct numbers numbers;
	int code = read_numbers(&numbers, source->maps, err);

	if (code)
		return code;
	put_build(metrics, &numbers);
	put_state(metrics, &numbers, source->daemon);
	put_interfaces(metrics, source->status);
	put_sessions(metrics, source->census);
	put_authorized(metrics, &numbers, false);
	put_authorized(metrics, &numbers, true);
	put_verdicts(metrics, &numbers, false);
	put_verdicts(metrics, &numbers, true);
	put_budgets(metrics, &numbers);
	put_maps(metrics, source->maps, &numbers.settings);
	put_ledger(metrics, &source->maps->instance);
	return 0;
}
