/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run-time switches of the datapath, from the configuration.
 */
#ifndef SP_LIB_SETTINGS_H
#define SP_LIB_SETTINGS_H

#include <sallyport/abi.h>

#include "lib/config.h"

/* Put what @config says into @settings, whose hz is set. What a command switches (bypass) and what
 * the daemon writes (workers) stay. */
void sp_settings_fill(struct sp_settings *settings, const struct sp_config *config);

#endif
