/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines. As they are they go to stderr, as "NAME: LEVEL: text": one write(2) each, so that the
 * lines of several processes that share a log do not run into each other. A process that has
 * another log (the keeper, user/keeper/logbook.h) takes them by sp_log_to.
 *
 * No line holds a credential, a cookie, or what a client asks of others.
 */
#ifndef SP_LIB_LOG_H
#define SP_LIB_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

#define SP_LOG_TEXT 1000 /* buffer for the longest text */

/* From the worst on; the numbers are those of syslog (RFC 5424, 6.2.1) less 3. */
enum sp_log_level { SP_LOG_ERROR, SP_LOG_WARNING, SP_LOG_NOTICE, SP_LOG_INFO, SP_LOG_DEBUG };

/* What a line is about, besides its text; any of it may be missing. */
struct sp_log_about {
	const struct sp_client_key *client;
	const char *method; /* of a login */
	const char *user;   /* the account's name: personal, only if sp_log_has_names */
	uint64_t session;   /* its number in the ledger; 0: none */
	int pid;            /* of another process, whose line is handed on; 0: ours */
};

/* The place in the source. */
struct sp_log_place {
	const char *file, *function;
	int line;
};

struct sp_log_entry {
	enum sp_log_level level;
	const char *process;
	const char *text; /* one line, printable, without its end */
	const struct sp_log_about *about;
	const struct sp_log_place *place; /* NULL: another process's */
};

/* Set NAME (not copied). */
void sp_log_name(const char *name);

/* Hand each entry to @sink from now on; NULL: stderr again. */
void sp_log_to(void (*sink)(const struct sp_log_entry *entry));

/* Leave out what is below @level. At first nothing is. */
void sp_log_least(enum sp_log_level level);

/* Whether names of accounts may be written. At first they may not. */
void sp_log_names(bool on);
bool sp_log_has_names(void);

/* "error" ... "debug". */
const char *sp_log_word(enum sp_log_level level);

/* Write one line; control characters become '?', a line that is too long is cut. Keeps errno. */
#define sp_log(level, ...) sp_log_about(NULL, NULL, level, __VA_ARGS__)

/* For lines that outsiders can cause: at most @burst lines at once and one more per second. */
struct sp_log_limit {
	uint32_t burst;
	uint32_t spent;
	uint64_t since;   /* seconds, CLOCK_MONOTONIC */
	uint64_t dropped; /* lines since the last one written */
};

/* As sp_log, within @limit; says how many lines were left out when there is room again. */
#define sp_log_limited(limit, level, ...) sp_log_about(limit, NULL, level, __VA_ARGS__)

/* The same with what it is about; @limit and @about may be NULL. */
#define sp_log_about(limit, about, level, ...)                                                   \
	sp_log_put(&(const struct sp_log_place){__FILE__, __func__, __LINE__}, (limit), (about), \
	           (level), __VA_ARGS__)

void sp_log_put(const struct sp_log_place *place, struct sp_log_limit *limit,
                const struct sp_log_about *about, enum sp_log_level level, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Hand on @length bytes that another process, which may be anybody's by now, wrote as a line of its
 * log. They are of @process unless they begin with that, and a warning unless they say a level.
 * Within @limit. */
void sp_log_relay(struct sp_log_limit *limit, const char *process, int pid, const char *line,
                  unsigned length);

#endif
