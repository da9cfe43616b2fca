/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who asks for metrics gets them: `sallyport metrics` at the socket /run/INSTANCE/metrics, which
 * only root can open, and the process that serves them over HTTP. Both get a file of memory that
 * nobody can change, so that nothing here waits for a reader; neither says anything that would have
 * to be understood.
 */
#ifndef SP_KEEPER_SCRAPER_H
#define SP_KEEPER_SCRAPER_H

#include <stdint.h>

#include "lib/error.h"
#include "web/probes.h"

struct sp_keeper;
struct sp_child;

struct sp_scraper {
	int socket; /* callers come here; -1: closed */
	char path[108];
	int text;                /* the text that was made last; -1: none */
	uint64_t made;           /* ms: when that was */
	uint64_t took;           /* us: to make it */
	uint64_t started;        /* seconds since 1970: when the daemon was */
	struct sp_probes probes; /* the names of what responders count */
};

/* 0 or negative errno; sp_scraper_close in either case. */
int sp_scraper_open(struct sp_keeper *keeper, struct sp_error *err);
void sp_scraper_close(struct sp_keeper *keeper);

/* keeper->scraper.socket is readable: tell who calls there. */
void sp_scraper_call(struct sp_keeper *keeper);

/* @child serves metrics and asks for them; what it gets may be a second old. 0 or negative errno,
 * -EAGAIN: it does not take them. */
int sp_scraper_tell(struct sp_keeper *keeper, const struct sp_child *child);

#endif
