/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that is wrong with a configuration file, so that it can be put right in one go.
 */
#ifndef SP_LIB_CONFIG_ERRORS_H
#define SP_LIB_CONFIG_ERRORS_H

#include "lib/error.h"

#define SP_CONFIG_ERRORS 32 /* kept of those that there are */

struct sp_config_errors {
	unsigned count; /* how many there are */
	unsigned kept;  /* how many of them are below, those of the first lines, by line */
	struct {
		int line;                 /* 0: of the whole file, behind all others */
		char text[SP_ERROR_TEXT]; /* "PATH:LINE: what is wrong"; line 0: "PATH: ..." */
	} one[SP_CONFIG_ERRORS];
};

/* Add what is wrong at @line of @path, behind what is known of this line. */
void sp_config_errors_add(struct sp_config_errors *errors, const char *path, int line,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * The entry @index as an error (SP_EXIT_USAGE), @index below sp_config_errors_lines(). The last may
 * be "PATH: and 7 more errors" for those that were not kept.
 */
void sp_config_errors_get(const struct sp_config_errors *errors, const char *path, unsigned index,
                          struct sp_error *err);

/* How many sentences there are to tell. */
unsigned sp_config_errors_lines(const struct sp_config_errors *errors);

#endif
