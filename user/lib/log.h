/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines on stderr: "NAME: LEVEL: text". One write(2) each, so that the lines of several
 * processes that share a log do not run into each other.
 */
#ifndef SP_LIB_LOG_H
#define SP_LIB_LOG_H

#include <stdint.h>

enum sp_log_level { SP_LOG_ERROR, SP_LOG_WARNING, SP_LOG_NOTICE };

/* Set NAME (not copied). */
void sp_log_name(const char *name);

/* Write one line; control characters become '?', a line that is too long is cut. Keeps errno. */
void sp_log(enum sp_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For lines that outsiders can cause: at most @burst lines at once and one more per second. */
struct sp_log_limit {
	uint32_t burst;
	uint32_t spent;
	uint64_t since;   /* seconds, CLOCK_MONOTONIC */
	uint64_t dropped; /* lines since the last one written */
};

/* As sp_log, within @limit; says how many lines were left out when there is room again. */
void sp_log_limited(struct sp_log_limit *limit, enum sp_log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
