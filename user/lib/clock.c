/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/clock.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include <sallyport/abi.h>

#define NS_PER_SECOND 1000000000l

/* Kernels are built with 24 (um, alpha) to 1200 (MIPS: 1024) ticks a second. */
#define LEAST_HZ    24
#define GREATEST_HZ 1200

int sp_clock_hz(uint32_t *hz, struct sp_error *err)
{
	struct timespec tick;
	long ticks;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick))
		return sp_fail(err, -errno, SP_EXIT_FAILED, "clock_getres: %s", strerror(errno));
	ticks = tick.tv_sec == 0 && tick.tv_nsec > 0
	                ? (NS_PER_SECOND + tick.tv_nsec / 2) / tick.tv_nsec
	                : 0;
	if (ticks < LEAST_HZ || ticks > GREATEST_HZ)
		return sp_fail(err, -ENOTSUP, SP_EXIT_FAILED,
		               "one tick of this kernel lasts %lld.%09ld s, which is no known HZ: "
		               "sallyport cannot tell its time",
		               (long long)tick.tv_sec, tick.tv_nsec);
	*hz = (uint32_t)ticks;
	return 0;
}

int sp_clock_read(struct sp_clock *clock, int clock_fd, struct sp_error *err)
{
	struct sp_clock_now now = {0};
	struct timespec wall;
	uint32_t hz;
	int result;
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &now, .ctx_size_in = sizeof(now));

	result = sp_clock_hz(&hz, err);
	if (result)
		return result;
	result = bpf_prog_test_run_opts(clock_fd, &run);
	if (result)
		return sp_fail(err, result, result == -EPERM ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
		               "cannot run the pinned clock program: %s", strerror(-result));
	if (now.jiffies == 0)
		return sp_fail(err, -EPROTO, SP_EXIT_FAILED,
		               "the pinned clock program told no time; run `sallyport down`, then "
		               "`sallyport up`");
	if (clock_gettime(CLOCK_REALTIME, &wall))
		return sp_fail(err, -errno, SP_EXIT_FAILED, "clock_gettime: %s", strerror(errno));
	*clock = (struct sp_clock){now.jiffies, (uint64_t)wall.tv_sec, hz};
	return 0;
}

uint64_t sp_clock_jiffies(const struct sp_clock *clock, uint64_t seconds)
{
	uint64_t jiffies;

	return __builtin_mul_overflow(seconds, clock->hz, &jiffies) ? UINT64_MAX : jiffies;
}

uint64_t sp_clock_after(const struct sp_clock *clock, uint64_t seconds)
{
	uint64_t jiffies;

	return __builtin_add_overflow(clock->jiffies, sp_clock_jiffies(clock, seconds), &jiffies)
	               ? UINT64_MAX
	               : jiffies;
}

uint64_t sp_clock_until(const struct sp_clock *clock, uint64_t jiffies)
{
	uint64_t left;

	if (jiffies <= clock->jiffies)
		return 0;
	left = jiffies - clock->jiffies;
	return left / clock->hz + (left % clock->hz != 0);
}

uint64_t sp_clock_since(const struct sp_clock *clock, uint64_t jiffies)
{
	return jiffies < clock->jiffies ? (clock->jiffies - jiffies) / clock->hz : 0;
}

uint64_t sp_clock_unix(const struct sp_clock *clock, uint64_t jiffies)
{
	uint64_t seconds;

	if (jiffies == 0)
		return 0;
	if (jiffies <= clock->jiffies) {
		seconds = sp_clock_since(clock, jiffies);
		return seconds < clock->unix_time ? clock->unix_time - seconds : 0;
	}
	return __builtin_add_overflow(clock->unix_time, sp_clock_until(clock, jiffies), &seconds)
	               ? UINT64_MAX
	               : seconds;
}
