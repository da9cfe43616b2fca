/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_CLI_CONFIG_CHECK_H
#define SP_CLI_CONFIG_CHECK_H

#include "lib/config.h"
#include "lib/error.h"

/* Whether what @config names (pages, secrets, certificate) is as the daemon needs it. 0 or negative
 * errno. */
int sp_config_check_files(const struct sp_config *config, struct sp_error *err);

#endif
