/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dates and times as operators write them, in the gateway's time zone. */
#ifndef SP_CLI_MOMENT_H
#define SP_CLI_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"
#include "lib/error.h"

/*
 * "2026-08-01", "2026-08-01 14:00" or "2026-08-01T14:00:30" as seconds since 1970. A date alone is
 * its first second, or if @end the first one behind it. -EINVAL.
 */
int sp_moment_read(const char *text, bool end, uint64_t *seconds);

/* The same for the option @option, if it is given: a sentence (SP_EXIT_USAGE) names it. */
int sp_moment_option(const struct sp_invocation *invocation, enum sp_option option, bool end,
                     uint64_t *seconds, struct sp_error *err);

/* The same for a time in the past, which may also be said as how long ago it is: "90s", "2h". */
int sp_moment_past_option(const struct sp_invocation *invocation, enum sp_option option, bool end,
                          uint64_t *seconds, struct sp_error *err);

#define SP_MOMENT 32 /* buffer for sp_moment_text */

/* "2026-08-01 14:00", or "-" for 0. Returns @out. */
char *sp_moment_text(char out[SP_MOMENT], uint64_t seconds);

/* The same with seconds. */
char *sp_moment_second(char out[SP_MOMENT], uint64_t seconds);

#endif
