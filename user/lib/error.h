/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the library says what went wrong: a negative errno for the caller's code and one sentence for
 * the operator, which names the file and line, argument or object, says what was expected and,
 * where there is something to do, what to do next. The exit code travels with it so that every
 * command fails alike.
 */
#ifndef SP_LIB_ERROR_H
#define SP_LIB_ERROR_H

#define SP_ERROR_TEXT 512

/* Exit codes of `sallyport` (stable interface). */
enum sp_exit {
	SP_EXIT_DONE = 0,
	SP_EXIT_FAILED = 1,
	SP_EXIT_USAGE = 2,      /* wrong command line or configuration file */
	SP_EXIT_NOT_FOUND = 3,  /* no such client, interface, ... */
	SP_EXIT_NOT_LOADED = 4, /* `sallyport up` has not been run for this instance */
	SP_EXIT_PERMISSION = 5,
};

struct sp_error {
	enum sp_exit exit_code;
	char text[SP_ERROR_TEXT];
};

/*
 * Fill @err (may be NULL) with @exit_code and a formatted sentence; a sentence that does not fit is
 * cut and ends in "...". Keeps errno. Returns @code, a negative errno, so that a caller can write
 * `return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "...", ...);`.
 */
int sp_fail(struct sp_error *err, int code, enum sp_exit exit_code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
