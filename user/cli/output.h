/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands write: JSON or text, one place for each.
 */
#ifndef SP_CLI_OUTPUT_H
#define SP_CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"

/* Write @object as one line of JSON and give it up. NULL (no memory) is -ENOMEM. */
int sp_put_json(json_t *object, struct sp_error *err);

/* One line "name:     value"; without a name it goes on below the one before. */
void sp_put_field(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A number, or null if not @present. */
json_t *sp_json_number(uint64_t value, bool present);

/* The colours of a terminal; "" when stdout is none or NO_COLOR is set. */
enum sp_colour { SP_PLAIN, SP_GOOD, SP_BAD, SP_FAINT };
const char *sp_colour(enum sp_colour colour);

/* Flush stdout: what could not be written is an error. -EPIPE when the reader went away, which
 * nobody needs to be told. */
int sp_put_end(struct sp_error *err);

/* "sallyport: ..." on stderr, or an object {"error", "exit_code"}. */
void sp_put_error(const struct sp_error *err, bool json);

#endif
