/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gardener's reader: reads the DNS answers that the datapath copies, in a process without
 * privileges, and tells the keeper of addresses that names of the garden have. See ipc/ipc.h for
 * how it is started.
 *
 * An answer is done with, for the datapath too, when the keeper has said that the addresses are
 * open: until then packets of that client wait (bpf/dns.h).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "garden/answer.h"
#include "garden/sandbox.h"
#include "ipc/ipc.h"
#include "ipc/tally.h"
#include "lib/error.h"
#include "lib/garden_entry.h"
#include "lib/log.h"

#define ANSWERS_FD SP_IPC_FIRST_FD
#define NAMES_FD   (SP_IPC_FIRST_FD + 1)

/* Entries that one name falls under: as many as are told. */
#define MATCHES 8u

static struct sp_ipc_garden_setup setup;

static int wait_for_keeper(short events)
{
	struct pollfd keeper = {.fd = SP_IPC_KEEPER_FD, .events = events};

	return poll(&keeper, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

static int tell(struct sp_ipc_learnt *learnt)
{
	int ret;

	do
		ret = sp_ipc_send(SP_IPC_KEEPER_FD, learnt, sizeof(*learnt));
	while (ret == -EAGAIN && !(ret = wait_for_keeper(POLLOUT)));
	return ret;
}

/* Until the keeper has opened what it was told of. */
static int wait_until_open(void)
{
	struct sp_ipc_ready done;
	int ret;

	do
		ret = sp_ipc_receive(SP_IPC_KEEPER_FD, SP_IPC_LEARNT_DONE, &done, sizeof(done));
	while (ret == -EAGAIN && !(ret = wait_for_keeper(POLLIN)));
	return ret;
}

/* The entries of the garden of @zone that @name falls under, behind the @count that were found.
 * Returns how many there are then. */
static unsigned find_entries(const char *name, uint32_t zone,
                             struct sp_garden_name_key found[MATCHES], unsigned count)
{
	struct sp_garden_name value;
	unsigned at = 0;

	while (count < MATCHES && sp_garden_name_next(name, &at, &found[count])) {
		found[count].zone = zone;
		if (!bpf_map_lookup_elem(NAMES_FD, &found[count], &value))
			count++;
	}
	return count;
}

/* Called by libbpf for each record of the ring. A negative errno ends the reading. */
static int on_answer(void *context, void *data, size_t size)
{
	static struct sp_garden_name_key entries[MATCHES];
	static struct sp_answer answer;
	const struct sp_dns_answer *record = data;
	struct sp_ipc_learnt learnt = {.header.kind = SP_IPC_LEARNT};
	unsigned count;
	int ret = 0;

	(void)context;
	sp_tally->garden.answers++;
	ret = size < sizeof(*record) || record->length > sizeof(record->data)
	              ? -EBADMSG
	              : sp_answer_read(&answer, record->data, record->length);
	sp_tally->garden.malformed += ret == -EBADMSG;
	if (ret)
		return 0;
	count = find_entries(answer.name, 0, entries, 0);
	if (record->zone)
		count = find_entries(answer.name, record->zone, entries, count);
	learnt.ifindex = record->ifindex;
	for (unsigned i = 0; i < count * answer.count && !ret; i++) {
		learnt.name = entries[i / answer.count];
		learnt.address = answer.record[i % answer.count].address;
		learnt.ttl = answer.record[i % answer.count].ttl;
		learnt.last = i + 1 == count * answer.count;
		ret = tell(&learnt);
	}
	if (count && !ret)
		ret = wait_until_open();
	return ret;
}

static int start(struct ring_buffer **ring, struct sp_error *err)
{
	int ret = sp_ipc_begin(SP_IPC_GARDEN_SETUP, &setup, sizeof(setup), err);

	if (ret)
		return ret;
	*ring = ring_buffer__new(ANSWERS_FD, on_answer, NULL, NULL);
	if (!*ring)
		return sp_fail(err, -errno, SP_EXIT_FAILED, "cannot read the map answers: %s",
		               strerror(errno));
	ret = sp_ipc_confine(setup.root, sizeof(setup.root), setup.uid, setup.gid,
	                     &sp_garden_sandbox, err);
	return ret ? ret : sp_ipc_tell_ready(err);
}

/* Wait for answers, or for the end of the keeper: it says nothing that was not asked for. */
static int serve(struct ring_buffer *ring)
{
	struct pollfd files[] = {{.fd = ring_buffer__epoll_fd(ring), .events = POLLIN},
	                         {.fd = SP_IPC_KEEPER_FD, .events = POLLIN}};
	int ret;

	do {
		/* Also what came before anybody was there to be told. */
		ret = ring_buffer__consume(ring);
		if (ret >= 0 && poll(files, 2, -1) < 0 && errno != EINTR)
			ret = -errno;
	} while (ret >= 0 && !files[1].revents);
	return ret < 0 ? ret : -EPIPE;
}

int main(void)
{
	struct ring_buffer *ring = NULL;
	struct sp_error err;
	int ret;

	sp_log_name("sallyport-garden");
	if (start(&ring, &err)) {
		sp_log(SP_LOG_ERROR, "%s", err.text);
		return EXIT_FAILURE;
	}
	ret = serve(ring);
	ring_buffer__free(ring);
	if (ret == -EPIPE)
		return EXIT_SUCCESS;
	sp_log(SP_LOG_ERROR, "cannot go on: %s", strerror(-ret));
	return EXIT_FAILURE;
}
