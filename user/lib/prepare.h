/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `up` looks at before it touches anything.
 */
#ifndef SP_LIB_PREPARE_H
#define SP_LIB_PREPARE_H

#include <stdbool.h>

#include "lib/config.h"
#include "lib/error.h"
#include "lib/instance.h"
#include "lib/record.h"

/* Root, and a kernel with BTF. */
int sp_prepare_machine(struct sp_error *err);

/* The record of what @config wants: each interface must be there, once. */
int sp_prepare_record(struct sp_record *record, const struct sp_config *config,
                      struct sp_error *err);

/*
 * Whether an earlier `up` went through: `settings` has its time. True also for what is there but
 * cannot be understood; sp_maps_open says why.
 */
bool sp_prepare_is_loaded(const struct sp_instance *instance);

#endif
