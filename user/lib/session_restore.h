/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For sp_session_restore (lib/session.h). */
#ifndef SP_LIB_SESSION_RESTORE_H
#define SP_LIB_SESSION_RESTORE_H

#include <stdint.h>

#include "lib/ledger.h"
#include "lib/limits.h"

/*
 * What is left to the session @record at @now, which is not before the wall clock that the ledger
 * has seen: its limits with the time until its end, its quotas less what it used, and the address
 * that it was bound to. SP_CAUSE_NONE, or why nothing is left.
 */
enum sp_cause sp_session_left(const struct sp_record *record, uint64_t now, struct sp_limits *left);

#endif
