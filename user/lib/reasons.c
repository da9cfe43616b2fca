/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/reasons.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *text;
} words[SP_MAX_REASONS] = {
#define REASON_ENTRY(number, name, text) [number] = {#name, text},
	SP_REASONS(REASON_ENTRY)
#undef REASON_ENTRY
};

const char *sp_reason_name(uint32_t reason)
{
	return reason < SP_MAX_REASONS ? words[reason].name : NULL;
}

const char *sp_reason_text(uint32_t reason)
{
	return reason < SP_MAX_REASONS ? words[reason].text : NULL;
}

const char *sp_reason_verdict(uint32_t reason)
{
	return reason < SP_REASON_FIRST_DROP ? "pass" : "drop";
}

static int read_all(const struct sp_maps *maps, struct sp_count *cells, int cpus,
                    struct sp_count total[SP_MAX_REASONS], struct sp_error *err)
{
	for (uint32_t reason = 0; reason < SP_MAX_REASONS; reason++) {
		int code = bpf_map_lookup_elem(maps->reasons, &reason, cells);

		if (code)
			return sp_fail(err, code, SP_EXIT_FAILED, "cannot read %s/reasons: %s",
			               maps->instance.pins, strerror(-code));
		for (int cpu = 0; cpu < cpus; cpu++) {
			total[reason].packets += cells[cpu].packets;
			total[reason].bytes += cells[cpu].bytes;
		}
	}
	return 0;
}

int sp_reasons_read(const struct sp_maps *maps, struct sp_count total[SP_MAX_REASONS],
                    struct sp_error *err)
{
	int cpus = libbpf_num_possible_cpus(), code;
	struct sp_count *cells;

	memset(total, 0, SP_MAX_REASONS * sizeof(*total));
	if (cpus < 0)
		return sp_fail(err, cpus, SP_EXIT_FAILED, "cannot tell the number of CPUs: %s",
		               strerror(-cpus));
	cells = calloc((size_t)cpus, sizeof(*cells));
	if (!cells)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	code = read_all(maps, cells, cpus, total, err);
	free(cells);
	return code;
}
