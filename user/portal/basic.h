/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Basic authentication (RFC 7617), in UTF-8. */
#ifndef SP_PORTAL_BASIC_H
#define SP_PORTAL_BASIC_H

#include "ipc/ipc.h"

struct sp_basic {
	char name[SP_IPC_NAME];
	char secret[SP_IPC_SECRET];
};

/*
 * Read the value of an Authorization field, NULL where there is none. Name and secret are UTF-8
 * without control characters; bytes behind their ends are zero. -ENOENT: none, or of another
 * scheme; -EINVAL: malformed; -ENOSPC: longer than anybody's. @basic is all zero then.
 */
int sp_basic_read(const char *value, struct sp_basic *basic);

#endif
