/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/accounting.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "lib/monotonic.h"
#include "radius/queue.h"

static struct sp_radius_queue queue;
static int lost; /* an answer that the keeper did not take: a negative errno */

static void tell_keeper(const struct sp_ipc_account *what, bool given_up)
{
	struct sp_ipc_accounted message = {.header.kind = SP_IPC_ACCOUNTED,
	                                   .id = what->id,
	                                   .status = what->status,
	                                   .given_up = given_up};
	int ret = sp_ipc_send(SP_IPC_KEEPER_FD, &message, sizeof(message));

	/* The keeper hands over fewer than its socket holds the answers of. */
	if (ret)
		lost = ret;
}

int sp_verifier_accounting_open(const struct sp_ipc_radius *setup, struct sp_error *err)
{
	int ret = sp_radius_queue_open(&queue, setup, tell_keeper, err);

	/* A server that cannot be reached yet is tried again as one that is silent. */
	for (unsigned i = 0; i < setup->server_count && !ret; i++)
		(void)sp_radius_client_connect(&queue.client, i);
	return ret;
}

/* What has no room is no loss: the keeper hands over no more starts and stops than there is room
 * for, and an update comes again. */
static int read_keeper(void)
{
	static struct sp_ipc_account what;
	int ret = sp_ipc_receive(SP_IPC_KEEPER_FD, SP_IPC_ACCOUNT, &what, sizeof(what));

	if (!ret)
		(void)sp_radius_queue_take(&queue, &what, sp_monotonic_ms());
	return ret;
}

static int wait(uint64_t until)
{
	struct pollfd files[1 + SP_IPC_RADIUS_SERVERS] = {
		{.fd = SP_IPC_KEEPER_FD, .events = POLLIN}};
	const unsigned count = sp_radius_queue_files(&queue, files + 1);
	uint64_t now = sp_monotonic_ms();
	int timeout = until == UINT64_MAX     ? -1
	              : until <= now          ? 0
	              : until - now > INT_MAX ? INT_MAX
	                                      : (int)(until - now);

	if (poll(files, 1 + count, timeout) < 0)
		return errno == EINTR ? 0 : -errno;
	for (unsigned i = 0; i < count; i++)
		if (files[1 + i].revents)
			sp_radius_queue_read(&queue, i, sp_monotonic_ms());
	return 0;
}

int sp_verifier_account(void)
{
	uint64_t next;
	int ret;

	do {
		do
			ret = read_keeper();
		while (!ret);
		/* What came last before the keeper's end is sent too, once. */
		next = sp_radius_queue_attend(&queue, sp_monotonic_ms());
		if (ret == -EAGAIN)
			ret = wait(next);
	} while (!ret && !lost);
	return lost ? lost : ret;
}
