/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One keeper per instance: an exclusive lock on /run/INSTANCE/sallyportd.pid, held for life. */
#ifndef SP_KEEPER_PIDFILE_H
#define SP_KEEPER_PIDFILE_H

#include "lib/error.h"
#include "lib/instance.h"

/* Take the lock and write the pid. Returns a file descriptor to keep open, or a negative errno. */
int sp_pidfile_take(const struct sp_instance *instance, struct sp_error *err);

/* Remove the file and give the lock back. A negative @fd is fine. */
void sp_pidfile_release(const struct sp_instance *instance, int fd);

#endif
