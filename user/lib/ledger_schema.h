/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of the ledger and how they came to be: one step of SQL for each version of the schema,
 * counted in the database's user_version. A released step is never changed; a change is a new step.
 */
#ifndef SP_LIB_LEDGER_SCHEMA_H
#define SP_LIB_LEDGER_SCHEMA_H

#include "lib/ledger_db.h"

#define SP_LEDGER_APPLICATION 0x53504c31 /* "SPL1": application_id in the file's header */

extern const char *const sp_schema_steps[];
extern const unsigned sp_schema_version; /* how many */

/* How many steps the database has gone. -EUCLEAN when it is somebody else's, -EPROTONOSUPPORT when
 * it has gone more than @latest. */
int sp_schema_read(struct sp_ledger *ledger, unsigned latest, unsigned *version,
                   struct sp_error *err);

/* Go what is left of @count @steps, all of them or none. */
int sp_schema_migrate(struct sp_ledger *ledger, const char *const *steps, unsigned count,
                      struct sp_error *err);

#endif
