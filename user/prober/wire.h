/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames that the gateway sends to the client that the doctor plays: IPv4 in Ethernet. */
#ifndef SP_PROBER_WIRE_H
#define SP_PROBER_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/prober.h"

/*
 * Read the @frame into @answer if it answers @question, one of SP_PROBE_WIRE_*. 0; -EAGAIN: it
 * answers something else or nothing; -EBADMSG: it is broken, and @answer says so.
 */
int sp_wire_read(struct sp_probe_answer *answer, const struct sp_probe_question *question,
                 const uint8_t *frame, size_t length);

#endif
