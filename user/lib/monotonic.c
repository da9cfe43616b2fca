/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/monotonic.h"

#include <time.h>

uint64_t sp_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t sp_monotonic_us(void)
{
	return sp_monotonic_ns() / 1000;
}

uint64_t sp_monotonic_ms(void)
{
	return sp_monotonic_us() / 1000;
}
