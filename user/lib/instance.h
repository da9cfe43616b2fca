/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An instance is one gateway of this machine. Its name decides where everything of it lives:
 * /sys/fs/bpf/NAME (pins), /run/NAME (run-time files), /var/lib/NAME (what survives a reboot).
 */
#ifndef SP_LIB_INSTANCE_H
#define SP_LIB_INSTANCE_H

#include "lib/error.h"

#define SP_INSTANCE_DEFAULT "sallyport"
#define SP_INSTANCE_NAME    32 /* longest name, terminating NUL included */
#define SP_INSTANCE_PATH    64 /* longest directory below, terminating NUL included */

struct sp_instance {
	char name[SP_INSTANCE_NAME];
	char pins[SP_INSTANCE_PATH];  /* /sys/fs/bpf/NAME */
	char run[SP_INSTANCE_PATH];   /* /run/NAME */
	char state[SP_INSTANCE_PATH]; /* /var/lib/NAME */
};

/*
 * Fill @instance for @name; NULL means the environment's SALLYPORT_INSTANCE, and "sallyport" when
 * that is unset or empty. A name is 1 to 31 of a-z, A-Z, 0-9, '-', '_', beginning with a letter or
 * digit. -EINVAL (SP_EXIT_USAGE) otherwise.
 */
int sp_instance_init(struct sp_instance *instance, const char *name, struct sp_error *err);

#endif
