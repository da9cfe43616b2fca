/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unprivileged processes: starting, ending and starting them again. A child is started as
 * ipc/ipc.h says, with an empty environment and no file but those listed there.
 */
#ifndef SP_KEEPER_CHILD_H
#define SP_KEEPER_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "keeper/tally.h"
#include "lib/log.h"

enum sp_role {
	SP_ROLE_RESPONDER,
	SP_ROLE_GARDEN,
	SP_ROLE_PORTAL,
	SP_ROLE_VERIFIER,   /* judges logins */
	SP_ROLE_ACCOUNTING, /* tells RADIUS servers of sessions */
	SP_ROLE_AUTHORITY,  /* hears what RADIUS servers want of sessions */
	SP_ROLE_METRICS,    /* serves metrics over HTTP */
	SP_ROLES
};

/* What stays the same from one start to the next. Nothing here is owned. */
struct sp_child_plan {
	enum sp_role role;
	unsigned number;     /* which of this role */
	char name[32];       /* for the log: "responder 0" */
	const char *program; /* path */
	const int *files;    /* descriptors that become SP_IPC_FIRST_FD and following */
	unsigned file_count;
	void *setup; /* first message */
	uint32_t setup_size;
};

struct sp_child {
	struct sp_child_plan plan;
	pid_t pid;           /* 0: not running */
	int socket;          /* -1: closed; the child is ending or not running */
	uint64_t kill_at;    /* ms: when it closed its socket, the end of its time to exit */
	bool ready;          /* SP_IPC_READY came */
	uint64_t started;    /* ms, CLOCK_MONOTONIC */
	uint64_t start_at;   /* ms: when to start it (again) */
	uint32_t delay;      /* ms: the next wait before a restart */
	const char *stopped; /* why the keeper ended it, NULL if it ended by itself */
	bool renewed;        /* it was ended to be started again at once */
	int log, log_end;    /* a pipe: what it writes to its log, and where; -1, and ours */
	struct sp_log_limit log_limit;
	uint64_t restarts; /* how often it was started again because it had ended */
	struct sp_tally_book tally;
};

/* Prepare @child, to be started at once by sp_child_start, with a pipe for its log if there can be
 * one. */
void sp_child_init(struct sp_child *child, const struct sp_child_plan *plan);

/* Start it and send its setup. On failure it is tried again later, as after an early end, and the
 * log says why. 0 or negative errno. */
int sp_child_start(struct sp_child *child);

/* End it for @reason (static text). sp_child_reap has the rest to do. */
void sp_child_stop(struct sp_child *child, const char *reason);

/* The same for what has to begin anew with a changed setup: it is started again at once. Nothing if
 * it is not running. */
void sp_child_renew(struct sp_child *child, const char *reason);

/* Hand on what it has written to its log since the last time. */
void sp_child_relay(struct sp_child *child);

/* It closed its side of the socket: it is most likely dying already, of what its status will tell,
 * and gets a moment to do so. */
void sp_child_hung_up(struct sp_child *child);

/* If it has ended: say so in the log, plan its restart, return true. */
bool sp_child_reap(struct sp_child *child);

/* When this child next needs sp_child_attend, in ms; UINT64_MAX: not by itself. */
uint64_t sp_child_due(const struct sp_child *child);

/* End a child that does not get ready, or does not exit, in time. */
void sp_child_attend(struct sp_child *child);

/* Shutdown: close the sockets of all, which tells them to exit; kill those that do not. */
void sp_child_end_all(struct sp_child *children, unsigned count);

#endif
