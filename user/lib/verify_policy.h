/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of `clients` against what was granted. */
#ifndef SP_LIB_VERIFY_POLICY_H
#define SP_LIB_VERIFY_POLICY_H

#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/clock.h"
#include "lib/ledger.h"

/* What is wrong with an entry by itself ("of a state that does not exist"), or NULL. */
const char *sp_verify_entry(const struct sp_client_key *key, const struct sp_client_policy *policy);

/* The limits that @record was granted, as the map has them, whose counters may have begun later
 * than the session; of a time, only that it is limited. */
struct sp_client_policy sp_verify_granted(const struct sp_record *record,
                                          const struct sp_clock *clock);

/* The limit that differs ("quota"), or NULL. */
const char *sp_verify_limit(const struct sp_client_policy *policy,
                            const struct sp_client_policy *granted);

/* A number that is the same for two policies if sp_verify_limit finds no difference but in the
 * address, and, but for one pair in 2^64, another one otherwise. */
uint64_t sp_verify_digest(const struct sp_client_policy *policy);

/* Put the limits of @granted into @policy; its time, if it has none though one was granted to
 * @record, ends with that. */
void sp_verify_restrict(struct sp_client_policy *policy, const struct sp_client_policy *granted,
                        const struct sp_record *record, const struct sp_clock *clock);

#endif
