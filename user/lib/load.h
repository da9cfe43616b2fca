/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct sp_load, the load-time configuration of the datapath: what the file says, and what is
 * asked from the kernel where it says nothing.
 */
#ifndef SP_LIB_LOAD_H
#define SP_LIB_LOAD_H

#include <sallyport/abi.h>

#include "lib/config.h"
#include "lib/error.h"

/* 0 or negative errno. */
int sp_load_fill(struct sp_load *load, const struct sp_config *config, struct sp_error *err);

#endif
