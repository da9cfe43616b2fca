/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the children are told and given at their start. */
#ifndef SP_KEEPER_SETUP_H
#define SP_KEEPER_SETUP_H

#include "ipc/ipc.h"
#include "keeper/paths.h"
#include "lib/config.h"
#include "lib/instance.h"
#include "lib/maps.h"

/* Each address is listened at twice. */
#define SP_SETUP_PORTAL_FILES (1 + 2 * SP_MAX_ADDRESSES)

struct sp_setup {
	struct sp_paths paths;
	struct sp_ipc_responder_setup responder;
	struct sp_ipc_portal_setup portal;
	struct sp_ipc_garden_setup garden;
	struct sp_ipc_metrics_setup metrics;
	struct sp_ipc_verifier_setup verifier;              /* of those that judge logins */
	struct sp_ipc_verifier_setup accounting, authority; /* of those that speak of sessions */
	unsigned workers;                                   /* responders */
	unsigned verifiers;
	int responder_files[SP_MAX_WORKERS][SP_IPC_RESPONDER_FILES(SP_ZONES)];
	unsigned responder_zone[SP_ZONES]; /* which zone the one of that number in its setup is */
	int portal_files[SP_SETUP_PORTAL_FILES]; /* `origins`, then the listeners, TLS first */
	int authority_file;                      /* its UDP socket; -1: there is no authority */
	char metrics_socket[SP_CONFIG_SOCKET];   /* its file; "": none */
	int metrics_file;                        /* where metrics are served; -1: nowhere */
	int garden_files[2];                     /* `answers`, and `garden_names` to read */
};

/*
 * Fill @setup: accounts, key, login URLs, directories; open every file. The responders' sockets are
 * put into the map `listeners`. On failure nothing stays open. 0 or negative errno.
 */
int sp_setup_make(struct sp_setup *setup, const struct sp_maps *maps,
                  const struct sp_config *config, struct sp_error *err);

/* Pass over the DNS answers that wait: what was answered while no daemon ran may be long out of
 * date. Not while a child reads them. 0 or negative errno. */
int sp_setup_forget_answers(const struct sp_setup *setup, struct sp_error *err);

/* Close the files and remove the empty directory. */
void sp_setup_close(struct sp_setup *setup);

#endif
