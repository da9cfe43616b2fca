/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/output.h"

struct words {
	const char *name, *text;
};

#define REASON_ENTRY(number, name, text) [number] = {#name, text},
static const struct words words[SP_MAX_REASONS] = {SP_REASONS(REASON_ENTRY)};
#undef REASON_ENTRY

static int put_json(uint32_t reason, const struct sp_count *total, struct sp_error *err)
{
	return sp_put_json(json_pack("{s:i, s:s, s:s, s:s, s:I, s:I}", "reason", (int)reason,
	                             "name", words[reason].name, "text", words[reason].text,
	                             "verdict", reason < SP_REASON_FIRST_DROP ? "pass" : "drop",
	                             "packets", (json_int_t)total->packets, "bytes",
	                             (json_int_t)total->bytes),
	                   err);
}

static void put_text(uint32_t reason, const struct sp_count *total)
{
	bool passes = reason < SP_REASON_FIRST_DROP;

	printf("%6u  %s%-7s%s  %14llu  %16llu  %-16s  %s\n", reason,
	       sp_colour(passes ? SP_GOOD : SP_BAD), passes ? "pass" : "drop", sp_colour(SP_PLAIN),
	       (unsigned long long)total->packets, (unsigned long long)total->bytes,
	       words[reason].name, words[reason].text);
}

/* Sum of @reason over the CPUs. */
static int read_reason(const struct sp_maps *maps, uint32_t reason, struct sp_count *cells,
                       int cpus, struct sp_count *total, struct sp_error *err)
{
	int code;

	*total = (struct sp_count){.packets = 0};
	code = bpf_map_lookup_elem(maps->reasons, &reason, cells);
	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED, "cannot read %s/reasons: %s",
		               maps->instance.pins, strerror(-code));
	for (int cpu = 0; cpu < cpus; cpu++) {
		total->packets += cells[cpu].packets;
		total->bytes += cells[cpu].bytes;
	}
	return 0;
}

static int put_all(const struct sp_invocation *invocation, const struct sp_maps *maps,
                   struct sp_count *cells, int cpus, struct sp_error *err)
{
	struct sp_count total;
	int code = 0;

	if (!invocation->json)
		printf("%6s  %-7s  %14s  %16s  %-16s  %s\n", "REASON", "VERDICT", "PACKETS",
		       "BYTES", "NAME", "TEXT");
	for (uint32_t reason = 1; reason < SP_MAX_REASONS && !code; reason++) {
		if (!words[reason].name)
			continue;
		code = read_reason(maps, reason, cells, cpus, &total, err);
		if (code || !total.packets)
			continue;
		if (invocation->json)
			code = put_json(reason, &total, err);
		else
			put_text(reason, &total);
	}
	return code;
}

int sp_stats_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	int cpus = libbpf_num_possible_cpus(), code;
	struct sp_count *cells;
	struct sp_clock clock;
	struct sp_maps maps;

	if (cpus < 0)
		return sp_fail(err, cpus, SP_EXIT_FAILED, "cannot tell the number of CPUs: %s",
		               strerror(-cpus));
	code = sp_open_maps(invocation, &maps, &clock, err);
	if (code)
		return code;
	cells = calloc((size_t)cpus, sizeof(*cells));
	if (cells)
		code = put_all(invocation, &maps, cells, cpus, err);
	else
		code = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	free(cells);
	sp_maps_close(&maps);
	return code;
}
