/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What maps of one layout hold, put into those of another. See lib/carry.h for what becomes of
 * which.
 */
#ifndef SP_LIB_CARRY_COPY_H
#define SP_LIB_CARRY_COPY_H

#include "lib/config.h"
#include "lib/error.h"
#include "lib/instance.h"
#include "lib/objects.h"

/*
 * Fill the maps of @objects that are not those pinned by @from, and pin `base`, which tells
 * sp_carry_merge what was copied, in @to. -ENOSPC (SP_EXIT_FAILED): more clients than max_clients
 * of
 * @config. 0 or negative errno.
 */
int sp_carry_copy(const struct sp_objects *objects, const struct sp_instance *from,
                  const struct sp_instance *to, const struct sp_config *config,
                  struct sp_error *err);

/* Copy what BPF has put meanwhile into the LRU maps of @from and not into those of @to. 0 or
 * negative errno. */
int sp_carry_copy_new(const struct sp_instance *from, const struct sp_instance *to,
                      struct sp_error *err);

#endif
