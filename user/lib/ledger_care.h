/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a ledger needs that is used for years: what is old goes, copies are made, damage is found.
 */
#ifndef SP_LIB_LEDGER_CARE_H
#define SP_LIB_LEDGER_CARE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ledger.h"

#define SP_LEDGER_REFUSED 100000u /* refused logins that the log holds at most */

/*
 * Delete a piece of what is older than @before (seconds since 1970): at most @most rows of each
 * kind. Of sessions those that have ended, and whose end the accounting server knows; what they
 * used of a voucher stays counted. Refused logins also when there are too many of them. @removed:
 * how many rows; as long as there are some, there may be more.
 */
int sp_ledger_prune(struct sp_ledger *ledger, uint64_t before, unsigned most, unsigned *removed,
                    struct sp_error *err);

/*
 * Write a copy as of now to the new file @path, readable by its owner alone, while others go on
 * reading and writing. -EEXIST: there is such a file. After other errors there is none.
 */
int sp_ledger_backup(struct sp_ledger *ledger, const char *path, struct sp_error *err);

/* Read all of it and compare what is there more than once. @visit gets a sentence for each thing
 * that is wrong; what it returns is not looked at. Returns how many, or a negative errno. */
typedef void (*sp_damage_visit)(const char *sentence, void *context);
int sp_ledger_check(struct sp_ledger *ledger, sp_damage_visit visit, void *context,
                    struct sp_error *err);

/* Whether it can be written at this moment: counts how often this was asked. */
int sp_ledger_probe(struct sp_ledger *ledger, struct sp_error *err);

#endif
