/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The portal process: one thread that waits for connections, for libmicrohttpd's sockets and for
 * the keeper.
 */
#ifndef SP_PORTAL_SERVER_H
#define SP_PORTAL_SERVER_H

#include "ipc/ipc.h"
#include "portal/ask.h"
#include "portal/http.h"
#include "portal/seats.h"
#include "web/pages.h"

/* Each address for HTTPS and plain HTTP. */
#define SP_PORTAL_LISTENERS (2 * SP_MAX_ADDRESSES)

struct sp_portal {
	struct sp_ipc_portal_setup setup;
	struct sp_pages own[SP_ZONES];          /* those that differ */
	const struct sp_pages *pages[SP_ZONES]; /* by zone */
	struct sp_asker asker;
	struct sp_http http;
	struct sp_seats seats;
	int origins;
	uint64_t accept_at; /* ms, CLOCK_MONOTONIC: no connection is accepted before */
};

/* Be the portal, with the files that ipc/ipc.h lists, until the keeper goes away. Returns the exit
 * status of the process. */
int sp_portal_run(void);

#endif
