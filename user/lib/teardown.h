/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removing a datapath: a working one, or what a failed `up` or a crash left of one.
 */
#ifndef SP_LIB_TEARDOWN_H
#define SP_LIB_TEARDOWN_H

#include "lib/error.h"
#include "lib/instance.h"
#include "lib/record.h"

/*
 * Detach and remove all that @record and the pins of @instance name, in the reverse order of `up`.
 * Goes on after an error and returns the first. The caller holds the lock.
 */
int sp_teardown(const struct sp_instance *instance, struct sp_record *record, struct sp_error *err);

#endif
