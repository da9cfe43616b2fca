/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_LIB_LEDGER_WHOLE_H
#define SP_LIB_LEDGER_WHOLE_H

#include "lib/error.h"
#include "lib/instance.h"

/*
 * Whether the ledger of @instance, which exists, is whole: opened for reading only, so that nothing
 * of it is changed or migrated, and read for two seconds at most; what is beyond that counts as
 * whole. 0 or a negative errno, -EUCLEAN: it is damaged.
 */
int sp_ledger_whole(const struct sp_instance *instance, struct sp_error *err);

#endif
