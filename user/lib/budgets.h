/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The budgets of captive clients, from the operator's words to the numbers of the datapath
 * (bpf/budget.h).
 */
#ifndef SP_LIB_BUDGETS_H
#define SP_LIB_BUDGETS_H

#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

/* So many a second in the long run, and so many at once. */
struct sp_allowance {
	uint64_t rate;  /* a second; 0: no limit */
	uint64_t burst; /* at least 1 where rate is not 0 */
};

#define SP_ALLOWANCE_MOST 100000000u /* of rate and of burst */

/* The budgets that hold where the configuration says nothing: each client's, and all clients'
 * together. */
extern const struct sp_allowance sp_allowance_client[SP_BUDGETS];
extern const struct sp_allowance sp_allowance_all[SP_BUDGETS];

/* Read "RATE BURST" (each may end in K, M) or "none". 0, or -EINVAL. */
int sp_allowance_read(const char *text, struct sp_allowance *allowance);

/* What the datapath calculates with, on a kernel of @hz jiffies a second. */
struct sp_budget sp_allowance_budget(enum sp_budget_kind kind, const struct sp_allowance *allowance,
                                     uint32_t hz);

#endif
