/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `sallyport top` shows: who moves how much, by two looks at the counters. They are read from
 * the mapping of `usage`, without a system call for each client; whose they are is known from a
 * walk through `clients` that is repeated only now and then, less often the longer it takes.
 */
#ifndef SP_CLI_TOP_DATA_H
#define SP_CLI_TOP_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/whose.h"
#include "lib/clock.h"
#include "lib/error.h"
#include "lib/maps.h"
#include "lib/reasons.h"

enum sp_top_sort { SP_TOP_RATE, SP_TOP_UP, SP_TOP_DOWN, SP_TOP_BYTES, SP_TOP_LEFT, SP_TOP_SORTS };

#define SP_TOP_FILTER 64

struct sp_top_row {
	struct sp_client_key key;
	struct sp_session session;   /* of this moment */
	uint64_t rate_up, rate_down; /* bit/s since the look before */
};

struct sp_top_reason {
	uint32_t reason;
	uint64_t rate, packets; /* a second; in all */
};

struct sp_top {
	struct sp_maps *maps;
	struct sp_clock clock;
	struct sp_whose whose;
	struct sp_top_cell *cells;     /* by slot */
	uint64_t at, walked, walk_due; /* ms */
	uint32_t authorized, ended, blocked;
	uint64_t rate_up, rate_down; /* bit/s of all */
	struct sp_count before[SP_MAX_REASONS], now[SP_MAX_REASONS];
	uint64_t reasons_ms; /* between both */
	enum sp_top_sort sort;
	char filter[SP_TOP_FILTER]; /* part of a MAC, an address or a name; "": all */
};

/* @maps must stay. 0 or negative errno; sp_top_close in either case. */
int sp_top_open(struct sp_top *top, struct sp_maps *maps, struct sp_error *err);
void sp_top_close(struct sp_top *top);

/* Look again. 0 or negative errno: SP_EXIT_NOT_LOADED when the instance was taken down. */
int sp_top_look(struct sp_top *top, struct sp_error *err);

/* The rows from @first on by `sort` and `filter`, at most @room. Returns how many. */
uint32_t sp_top_rows(struct sp_top *top, uint32_t first, struct sp_top_row *rows, uint32_t room);

/* Reasons that were met since the look before, most packets first, then those of before. */
uint32_t sp_top_reasons(const struct sp_top *top, struct sp_top_reason reasons[SP_MAX_REASONS]);

#endif
