/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a line of `sallyport import` says of a client. */
#ifndef SP_CLI_IMPORT_LINE_H
#define SP_CLI_IMPORT_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/session_bulk.h"

/* All of these change @line, and @client points into it. 0 or -EINVAL with a sentence. */

/* `MAC [options of client allow]`, words as a shell has them: 'quoted', "quoted", escaped\ by a
 * backslash. */
int sp_import_list_line(char *line, struct sp_bulk_client *client, struct sp_error *err);

/* The first line of an export, which says its version. */
int sp_import_head_line(char *line, struct sp_error *err);

/* A client of an export, or its last line: @clients is then how many there were, else untouched.
 * @ended: its session is over at @now. */
int sp_import_json_line(char *line, uint64_t now, struct sp_bulk_client *client, bool *ended,
                        uint64_t *clients, struct sp_error *err);

#endif
