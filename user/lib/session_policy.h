/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the datapath is told of a session. */
#ifndef SP_LIB_SESSION_POLICY_H
#define SP_LIB_SESSION_POLICY_H

#include <sallyport/abi.h>

#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/maps.h"

/* Whether there can be a client @key, and whether @note (may be NULL) has room and can be shown: 0
 * or -EINVAL (SP_EXIT_USAGE). */
int sp_policy_check_key(const struct sp_client_key *key, struct sp_error *err);
int sp_policy_check_note(const char *note, struct sp_error *err);

/* Put @limits in force in @policy, which has none, from the time of @clock on. */
void sp_policy_limit(struct sp_client_policy *policy, const struct sp_limits *limits,
                     const struct sp_clock *clock);

typedef int (*sp_policy_visit)(const struct sp_client_key *key,
                               const struct sp_client_policy *policy, void *context);

/* As sp_session_each, without the counters. */
int sp_policy_each(const struct sp_maps *maps, sp_policy_visit visit, void *context,
                   struct sp_error *err);

/*
 * The same for part @part of @parts: all parts together visit each client once, also when they do
 * so at the same time. That goes by the order in which the kernel walks through its hash, which it
 * promises nobody: who asks must be able to tell whether all were there.
 */
int sp_policy_each_of(const struct sp_maps *maps, unsigned part, unsigned parts,
                      sp_policy_visit visit, void *context, struct sp_error *err);

#endif
