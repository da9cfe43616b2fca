/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run-time switches of the datapath, from the configuration.
 */
#ifndef SP_LIB_SETTINGS_H
#define SP_LIB_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/config.h"
#include "lib/instance.h"

/* `settings` of another version may be larger: bytes to read one into. abi_version is in front in
 * each. */
#define SP_SETTINGS_ROOM 4096u

/* Put what @config says into @settings, whose hz is set, and a key if there is none. What a command
 * switches (bypass) and what the daemon writes (workers) stay. 0, or -EIO: the kernel has no random
 * numbers. */
int sp_settings_fill(struct sp_settings *settings, const struct sp_config *config);

/* The ABI version of the maps that @instance has pinned; 0: there are none, or they say nothing. */
uint32_t sp_settings_version(const struct sp_instance *instance);

/*
 * Whether an `up` of @instance went through: `settings` has its time. True also for what is there
 * but is of another version or cannot be read; sp_maps_open says why.
 */
bool sp_settings_loaded(const struct sp_instance *instance);

#endif
