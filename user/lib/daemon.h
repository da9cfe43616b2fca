/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running daemon of an instance, known by /run/INSTANCE/sallyportd.pid, which it keeps locked:
 * a number in a file that nobody locks is an old one, perhaps another process's by now.
 */
#ifndef SP_LIB_DAEMON_H
#define SP_LIB_DAEMON_H

#include "lib/error.h"
#include "lib/instance.h"

/* Its process id, 0: not running. */
int sp_daemon_pid(const struct sp_instance *instance);

/* End it: SIGTERM, and SIGKILL when it is still there after five seconds. Not running is no error.
 */
int sp_daemon_stop(const struct sp_instance *instance, struct sp_error *err);

/*
 * Have it take the configuration of the last `up`, and wait until it has: 0, also when it is not
 * running. A negative errno with what it says is wrong, or -ETIMEDOUT: it does not say.
 */
int sp_daemon_reload(const struct sp_instance *instance, struct sp_error *err);

/* The daemon's side: how the reload of @token went. */
void sp_daemon_answer(const struct sp_instance *instance, int token, enum sp_exit code,
                      const char *text);

#endif
