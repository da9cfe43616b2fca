/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to the network. The sockets are made here; what comes back is read by the prober, a
 * process without privileges (user/prober).
 */
#ifndef SP_DOCTOR_PROBE_H
#define SP_DOCTOR_PROBE_H

#include <stdint.h>

#include <sallyport/abi.h>

#include "ipc/prober.h"
#include "lib/error.h"

struct sp_probe {
	int file[SP_PROBE_FILES];
	unsigned files, questions;
	struct sp_probe_question question[SP_PROBE_QUESTIONS];
	struct sp_ipc_probed said;
};

/* A socket to @address, for the questions; a TCP one is connected within a second or not at all.
 * Returns which one it is or a negative errno: -ENOSPC: there are enough of them; else why it
 * cannot be connected. Link-local addresses cannot be asked: -EAFNOSUPPORT. */
int sp_probe_udp(struct sp_probe *probe, const struct sp_address *address, uint16_t port);
int sp_probe_tcp(struct sp_probe *probe, const struct sp_address *address, uint16_t port);

/* Take the descriptor @fd, or say why there is none: the same results. */
int sp_probe_take(struct sp_probe *probe, int fd);

/* Ask @name on the socket @file. Returns the number of the question, or -ENOSPC. */
int sp_probe_ask(struct sp_probe *probe, enum sp_probe_kind kind, int file, const char *name);

/* Have all questions answered, in probe->said. 0 or negative errno. */
int sp_probe_run(struct sp_probe *probe, struct sp_error *err);

/* Close the sockets. */
void sp_probe_end(struct sp_probe *probe);

#endif
