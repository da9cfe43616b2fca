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

/* The record of what @config wants: each interface once, and one client interface at least must be
 * there. */
int sp_prepare_record(struct sp_record *record, const struct sp_config *config,
                      struct sp_error *err);

#endif
