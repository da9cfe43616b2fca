/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The datapath tells time in jiffies because reading them costs nothing per packet (1 ns against 32
 * for bpf_ktime_get_ns). This module relates them to the wall clock of the operator.
 */
#ifndef SP_LIB_CLOCK_H
#define SP_LIB_CLOCK_H

#include <stdint.h>

#include "lib/error.h"

struct sp_clock {
	uint64_t jiffies;   /* now */
	uint64_t unix_time; /* now, seconds since 1970 */
	uint32_t hz;        /* jiffies per second */
};

/* Jiffies per second of the running kernel, from the resolution of CLOCK_MONOTONIC_COARSE, which is
 * one tick (kernel/time/posix-timers.c, KTIME_LOW_RES). 0, or a negative errno if that is
 * implausible. */
int sp_clock_hz(uint32_t *hz, struct sp_error *err);

/* Read both clocks by running the pinned `clock` program @clock_fd once. 0 or negative errno. */
int sp_clock_read(struct sp_clock *clock, int clock_fd, struct sp_error *err);

/* The jiffies value @seconds after now; saturates at UINT64_MAX. */
uint64_t sp_clock_after(const struct sp_clock *clock, uint64_t seconds);

/* Jiffies in @seconds; saturates. */
uint64_t sp_clock_jiffies(const struct sp_clock *clock, uint64_t seconds);

/* Whole seconds from now until @jiffies, rounded up; 0 if that is past. */
uint64_t sp_clock_until(const struct sp_clock *clock, uint64_t jiffies);

/* Whole seconds since @jiffies; 0 if that is in the future. */
uint64_t sp_clock_since(const struct sp_clock *clock, uint64_t jiffies);

/* Unix time of @jiffies, in seconds; 0 for @jiffies 0 (never). */
uint64_t sp_clock_unix(const struct sp_clock *clock, uint64_t jiffies);

#endif
