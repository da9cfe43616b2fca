/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_LIB_MONOTONIC_H
#define SP_LIB_MONOTONIC_H

#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC: for deadlines inside one process. */
uint64_t sp_monotonic_ms(void);
uint64_t sp_monotonic_us(void); /* the same in microseconds */
uint64_t sp_monotonic_ns(void); /* and in nanoseconds */

#endif
