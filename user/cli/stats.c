/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/output.h"
#include "lib/reasons.h"

static int put_json(uint32_t reason, const struct sp_count *total, struct sp_error *err)
{
	return sp_put_json(json_pack("{s:i, s:s, s:s, s:s, s:I, s:I}", "reason", (int)reason,
	                             "name", sp_reason_name(reason), "text", sp_reason_text(reason),
	                             "verdict", sp_reason_verdict(reason), "packets",
	                             (json_int_t)total->packets, "bytes", (json_int_t)total->bytes),
	                   err);
}

static void put_text(uint32_t reason, const struct sp_count *total)
{
	bool passes = reason < SP_REASON_FIRST_DROP;

	printf("%6u  %s%-7s%s  %14llu  %16llu  %-16s  %s\n", reason,
	       sp_colour(passes ? SP_GOOD : SP_BAD), sp_reason_verdict(reason), sp_colour(SP_PLAIN),
	       (unsigned long long)total->packets, (unsigned long long)total->bytes,
	       sp_reason_name(reason), sp_reason_text(reason));
}

static int put_all(const struct sp_invocation *invocation,
                   const struct sp_count total[SP_MAX_REASONS], struct sp_error *err)
{
	int code = 0;

	if (!invocation->json)
		printf("%6s  %-7s  %14s  %16s  %-16s  %s\n", "REASON", "VERDICT", "PACKETS",
		       "BYTES", "NAME", "TEXT");
	for (uint32_t reason = 1; reason < SP_MAX_REASONS && !code; reason++) {
		if (!sp_reason_name(reason) || !total[reason].packets)
			continue;
		if (invocation->json)
			code = put_json(reason, &total[reason], err);
		else
			put_text(reason, &total[reason]);
	}
	return code;
}

int sp_stats_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_count total[SP_MAX_REASONS];
	struct sp_clock clock;
	struct sp_maps maps;
	int code = sp_open_maps(invocation, &maps, &clock, err);

	if (code)
		return code;
	code = sp_reasons_read(&maps, total, err);
	sp_maps_close(&maps);
	return code ? code : put_all(invocation, total, err);
}
