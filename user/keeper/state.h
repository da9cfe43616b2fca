/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the keeper's main loop share. */
#ifndef SP_KEEPER_STATE_H
#define SP_KEEPER_STATE_H

#include <stdbool.h>

#include "keeper/accountant.h"
#include "keeper/authority.h"
#include "keeper/crew.h"
#include "keeper/gardener.h"
#include "keeper/herald.h"
#include "keeper/interfaces.h"
#include "keeper/login.h"
#include "keeper/pruner.h"
#include "keeper/scraper.h"
#include "keeper/scribe.h"
#include "keeper/setup.h"
#include "lib/config.h"
#include "lib/maps.h"
#include "lib/netlink.h"

/* As they were when the kernel was last asked (desk.c). */
struct sp_neighbours {
	struct sp_neighbour *list;
	int count;      /* -1: not asked */
	uint64_t until; /* us: then they are too old */
	bool fresh;     /* asked since sp_desk_begin */
};

struct sp_keeper {
	struct sp_config *config;
	struct sp_maps maps;
	struct sp_setup setup;
	struct sp_crew crew;
	struct sp_herald herald;
	struct sp_interfaces interfaces;
	struct sp_gardener gardener;
	struct sp_logins logins;
	struct sp_scribe scribe;
	struct sp_pruner pruner;
	struct sp_accountant accountant;
	struct sp_authority_counts changes;
	struct sp_scraper scraper;
	struct sp_neighbours neighbours;
	int epoll, signals, timer;
	uint64_t pages;   /* sp_pages_stamp of those that the children have */
	uint64_t secrets; /* what the files of secrets were like when they were read */
	int token;        /* of who waits for the answer to a reload; 0: nobody */
	bool stop;
	bool again; /* it stops to begin anew at once, with the program that is installed now */
	bool announced;
	int gone; /* why serving makes no sense any more: a negative errno, else 0 */
};

#endif
