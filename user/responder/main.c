/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Responder: answers captured HTTP (see ipc/ipc.h for how it is started). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/ipc.h"
#include "lib/error.h"
#include "lib/log.h"
#include "responder/respond.h"
#include "responder/sandbox.h"
#include "responder/server.h"

/* ms that connections get when the keeper is gone: a second less than it waits for us at most. */
#define FINISH_MS 1000u

static struct sp_ipc_responder_setup setup;
static struct sp_knowledge knowledge;
static struct sp_server server;
static int listener[SP_ZONES][2], letters[SP_ZONES][2];

static int start(struct sp_error *err)
{
	int ret = sp_ipc_begin(SP_IPC_RESPONDER_SETUP, &setup, sizeof(setup), err);
	const struct sp_server_files files = {
		.listener = listener,
		.letters = letters,
		.answers = {SP_IPC_FIRST_FD, SP_IPC_FIRST_FD + 1},
		.zones = setup.zone_count,
		.keeper = SP_IPC_KEEPER_FD,
	};

	if (!ret)
		ret = sp_knowledge_load(&knowledge, &setup, err);
	for (int i = 0; i < (int)SP_ZONES; i++)
		for (int k = 0; k < 2; k++) {
			listener[i][k] = SP_IPC_FIRST_FD + (int)SP_IPC_ANSWER_FILES + 2 * i + k;
			letters[i][k] = listener[i][k] + 2 * (int)setup.zone_count;
		}
	if (!ret)
		ret = sp_server_init(&server, &sp_server_defaults, &knowledge, &files, err);
	if (!ret)
		ret = sp_ipc_confine(setup.root, sizeof(setup.root), setup.uid, setup.gid,
		                     &sp_responder_sandbox, err);
	return ret ? ret : sp_ipc_tell_ready(err);
}

int main(void)
{
	struct sp_error err;
	int ret;

	sp_log_name("sallyport-responder");
	if (start(&err)) {
		sp_log(SP_LOG_ERROR, "%s", err.text);
		return EXIT_FAILURE;
	}
	do
		ret = sp_server_turn(&server, -1);
	while (ret == 0);
	if (ret < 0)
		sp_log(SP_LOG_ERROR, "epoll: %s", strerror(-ret));
	else
		sp_server_finish(&server, FINISH_MS);
	/* The keeper is gone, and so are we. */
	return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
