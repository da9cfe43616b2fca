/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which sessions the RADIUS servers have to be told of, by what the ledger knows. The process that
 * tells them may die, and so may this one: the ledger remembers what was confirmed, and what was
 * not is told again.
 */
#ifndef SP_KEEPER_ACCOUNTANT_H
#define SP_KEEPER_ACCOUNTANT_H

#include <stdbool.h>
#include <stdint.h>

#include "keeper/child.h"
#include "lib/config.h"
#include "lib/log.h"
#include "lib/maps.h"

/* Starts and stops that the child has and has not confirmed; at most as many as it keeps room for
 * (SP_RADIUS_RESERVED), and its answers are fewer than its socket holds. */
#define SP_ACCOUNTANT_HANDED 64u

struct sp_accountant {
	struct sp_maps *maps;
	const struct sp_config *config;
	struct sp_child *child; /* NULL: there are no servers to tell */
	struct {
		uint64_t id; /* 0: free */
		uint32_t status;
	} handed[SP_ACCOUNTANT_HANDED];
	uint64_t due;      /* ms: when to look at the ledger */
	uint64_t from, to; /* seconds since 1970: updates that have become due after from, until
	                    * to, are being told */
	uint64_t told;     /* until the session of this id */
	bool unfinished;   /* and there are more, */
	bool full;         /* as well as starts and stops */
	struct sp_log_limit log;
};

/* @child may be NULL. */
void sp_accountant_init(struct sp_accountant *accountant, struct sp_maps *maps,
                        const struct sp_config *config, struct sp_child *child);

/* The child serves (again): it knows nothing. The first time also the gateway's own beginning is
 * told, if no session goes on over it. */
void sp_accountant_begin(struct sp_accountant *accountant);

/* A session may have begun or ended just now. */
void sp_accountant_hurry(struct sp_accountant *accountant);

/* Tell what is due. Returns the ms at which to call this again. */
uint64_t sp_accountant_attend(struct sp_accountant *accountant);

/* Take what the child says. 0 or negative errno, as sp_ipc_receive. */
int sp_accountant_hear(struct sp_accountant *accountant);

/* The gateway ends; told, if no session goes on over it. */
void sp_accountant_end(struct sp_accountant *accountant);

#endif
