/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vouchers and users may use, as JSON and in few words. */
#ifndef SP_CLI_LIMITS_OUTPUT_H
#define SP_CLI_LIMITS_OUTPUT_H

#include <jansson.h>
#include <stddef.h>

#include "lib/limits.h"

/* Add the limits to @object, by the names of `client list`; null: as the configuration says. Other
 * than 0: no memory. */
int sp_put_limits(json_t *object, const struct sp_limits *limits);

/* "8h, 2.0 GB, down 20 Mbit/s"; "" when there are none. Returns @out. */
char *sp_limits_text(char *out, size_t size, const struct sp_limits *limits);

#endif
