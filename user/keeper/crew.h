/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The children of the keeper: which there are, and what is due with them. */
#ifndef SP_KEEPER_CREW_H
#define SP_KEEPER_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "keeper/child.h"
#include "keeper/setup.h"

#define SP_CREW_LOG  2000u
#define SP_CREW_MOST (SP_MAX_WORKERS + 5 + SP_MAX_VERIFIERS)

struct sp_crew {
	struct sp_child child[SP_CREW_MOST];
	unsigned count;
	int epoll; /* their sockets are watched there, with their index as data, and their logs,
	              with SP_CREW_LOG and their index */
};

/* Plan every child of @setup, to be started by sp_crew_attend. @setup must outlive the crew. */
void sp_crew_plan(struct sp_crew *crew, struct sp_setup *setup, int epoll);

/* Start and end what is due. Returns when something is due again, in ms of CLOCK_MONOTONIC;
 * UINT64_MAX: not by itself. */
uint64_t sp_crew_attend(struct sp_crew *crew);

/* Begin anew with every child of @role (SP_ROLES: with all), as sp_child_renew. */
void sp_crew_renew(struct sp_crew *crew, enum sp_role role, const char *reason);

/* The only child of @role, NULL if there is none. */
struct sp_child *sp_crew_find(struct sp_crew *crew, enum sp_role role);

/* Whether each of them serves. */
bool sp_crew_ready(const struct sp_crew *crew);

#endif
