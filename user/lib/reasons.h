/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the datapath has counted by reason, and what the reasons are called. */
#ifndef SP_LIB_REASONS_H
#define SP_LIB_REASONS_H

#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/maps.h"

/* "ARP", and a sentence; NULL: there is no such reason. */
const char *sp_reason_name(uint32_t reason);
const char *sp_reason_text(uint32_t reason);

/* "pass" or "drop". */
const char *sp_reason_verdict(uint32_t reason);

/* Read every reason into @total, the sum over the CPUs. 0 or negative errno. */
int sp_reasons_read(const struct sp_maps *maps, struct sp_count total[SP_MAX_REASONS],
                    struct sp_error *err);

#endif
