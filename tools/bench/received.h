/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became of frames: how many an interface of another network namespace has received, and what
 * the program `sink` of fixed.bpf.c has counted on one. Errors are told on standard error.
 */
#ifndef SP_BENCH_RECEIVED_H
#define SP_BENCH_RECEIVED_H

#include <net/if.h>
#include <stdint.h>

#include "frame.h"

/* Where to look; both zero-initialized, and -1 in a file descriptor where there is nothing. */
struct sp_bench_place {
	char name[IF_NAMESIZE];
	int interfaces;     /* /proc/net/dev of its namespace */
	int counts, delays; /* maps of its sink */
};

struct sp_bench_received {
	uint64_t packets; /* by the interface's own count */
	struct sp_bench_count counts[SP_BENCH_ARRIVALS];
	uint64_t delays[SP_BENCH_BUCKETS];
};

/* Open @where, "NAMESPACE:INTERFACE", the namespace as the path of a file; with its sink if @sink.
 * Leaves the process in the namespace that it was in. 0 or negative errno. */
int sp_bench_place_open(struct sp_bench_place *place, const char *where, int sink);
void sp_bench_place_close(struct sp_bench_place *place);

/* What has been received up to now. 0 or negative errno. */
int sp_bench_place_look(const struct sp_bench_place *place, struct sp_bench_received *received);

/* Turn @now into what has come since @before. */
void sp_bench_since(struct sp_bench_received *now, const struct sp_bench_received *before);

/* The delay in ns that @part of a thousand stamped frames were not above, within 3 %; 0: none came.
 */
uint64_t sp_bench_delay(const struct sp_bench_received *received, uint32_t part);

#endif
