/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work that is large enough to be done by all CPUs at once. For root's own commands: what parses a
 * client's bytes makes no threads (ipc/sandbox.h). */
#ifndef SP_LIB_PARALLEL_H
#define SP_LIB_PARALLEL_H

#include <stdint.h>

#define SP_PARTS_MAX  8u
#define SP_PART_LEAST 8192u /* things: about 5 ms, of which starting a thread is a hundredth */

/* Into how many parts work on @count things is divided: one for each CPU that this process may use,
 * but none smaller than SP_PART_LEAST. 1 to SP_PARTS_MAX. */
unsigned sp_parallel_parts(uint32_t count);

/* Where part @part of @parts (or @parts: the end) of @count things begins. */
uint32_t sp_parallel_begin(uint32_t count, unsigned part, unsigned parts);

/*
 * Call @work for each part from 0 to @parts - 1 (at most SP_PARTS_MAX), at the same time, and wait
 * for all of them; part 0 in this thread. Where no thread is to be had it takes longer.
 */
void sp_parallel(unsigned parts, void (*work)(unsigned part, void *context), void *context);

#endif
