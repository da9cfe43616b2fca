/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that hold secrets shared with servers: one to a line, comments and empty lines between. */
#ifndef SP_LIB_SECRETS_H
#define SP_LIB_SECRETS_H

#include <stddef.h>

#include "lib/error.h"

#define SP_SECRET 128 /* bytes of a secret, NUL included */

/*
 * Read the secrets of the file @path, named by the configuration key @option: one, or as many as
 * there are servers, @most of them at most. Returns how many, or a negative errno with
 * SP_EXIT_USAGE and a sentence: there is no such file, others than root may read or change it, it
 * holds none, too many, or one that is too long or is not plain text.
 */
int sp_secrets_read(const char *option, const char *path, char (*list)[SP_SECRET], unsigned most,
                    struct sp_error *err);

#endif
