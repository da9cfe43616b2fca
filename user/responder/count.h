/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a worker counts of its answers, in its tally. */
#ifndef SP_RESPONDER_COUNT_H
#define SP_RESPONDER_COUNT_H

#include <stdint.h>

/* What is in @answer, "HTTP/1.1 511 ...", was sent to a request that @came then (monotonic, us). */
void sp_count_answer(const char *answer, uint64_t came);

#endif
