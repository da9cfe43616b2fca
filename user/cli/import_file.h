/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of `sallyport import`: what `sallyport export` wrote, or a list of an operator's, one
 * `MAC [options of client allow]` a line.
 */
#ifndef SP_CLI_IMPORT_FILE_H
#define SP_CLI_IMPORT_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/error.h"
#include "lib/session_bulk.h"

#define SP_EXPORT_VERSION                                                      \
	1u /* of the lines; a reader passes over members that it does not know \
	    */

struct sp_import {
	struct sp_bulk bulk;
	uint32_t room;
	uint32_t ended;               /* sessions that have ended since they were exported */
	struct sp_import_text *texts; /* names and notes */
};

/*
 * Read all of @file, named @path in sentences; @now is the time by the wall clock. Each line that
 * is wrong is told to @wrong, the first SP_IMPORT_WRONG of them. Sorted when done. 0, or a negative
 * errno (SP_EXIT_USAGE for wrong lines); sp_import_free in either case.
 */
#define SP_IMPORT_WRONG 20u
int sp_import_read(struct sp_import *import, FILE *file, const char *path, uint64_t now,
                   void (*wrong)(const struct sp_error *err, void *context), void *context,
                   struct sp_error *err);

void sp_import_free(struct sp_import *import);

#endif
