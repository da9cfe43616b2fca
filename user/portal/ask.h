/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to the keeper and their answers, which may come in any order or never: each question
 * has a deadline.
 */
#ifndef SP_PORTAL_ASK_H
#define SP_PORTAL_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/ipc.h"

#define SP_ASK_DEADLINE 20000u /* ms; the keeper answers in less, whatever it waits for itself */

struct sp_ask; /* one question */

/* Called once for each question that sp_ask_send took: it is answered, or its time is up. */
typedef void (*sp_ask_done)(struct sp_ask *ask);

struct sp_ask {
	struct sp_ask *next, *previous; /* NULL when it is not waiting */
	uint64_t deadline;              /* ms, CLOCK_MONOTONIC */
	bool answered;
	struct sp_ipc_answer answer; /* valid if answered; its id is that of the question */
};

struct sp_asker {
	int fd;
	sp_ask_done done;
	uint64_t last_id;
	struct sp_ask waiting; /* head of a ring, oldest first */
};

void sp_ask_init(struct sp_asker *asker, int fd, sp_ask_done done);

/* Ask what @request says; its id is filled in here. 0 or negative errno (nothing is waiting then).
 */
int sp_ask_send(struct sp_asker *asker, struct sp_ask *ask, struct sp_ipc_request *request);

/* Take one answer. 0; -EAGAIN when there is none; -EPIPE: the keeper is gone; other errno: it
 * cannot be understood. */
int sp_ask_receive(struct sp_asker *asker);

/* Give up the questions whose time is up at @now; UINT64_MAX: all. */
void sp_ask_expire(struct sp_asker *asker, uint64_t now);

/* The deadline of the oldest question in ms; UINT64_MAX: none is waiting. */
uint64_t sp_ask_due(const struct sp_asker *asker);

/* Nobody wants the answer any more: it is not waiting, and done is not called. */
void sp_ask_forget(struct sp_ask *ask);

#endif
