/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a CoA or Disconnect request: as they are, and as attributes of one that is signed.
 * What is made of them is something that the keeper takes, and each has one answer.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "radius/authority.h"

#define SECRET "fuzzed"
#define NOW    1700000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sp_ipc_verifier_setup setup;
static struct sp_radius_authority authority;
static struct sp_radius_packet packet;

static void demand(int condition)
{
	if (!condition)
		abort();
}

/* As the keeper does. */
static void check_change(struct sp_ipc_change *change)
{
	struct sp_ipc_change got;
	int pair[2];

	demand(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair));
	change->header.kind = SP_IPC_CHANGE;
	demand(!sp_ipc_send(pair[0], change, sizeof(*change)));
	demand(!sp_ipc_receive_change(pair[1], &got));
	close(pair[0]);
	close(pair[1]);
}

static void check_answer(uint32_t cause)
{
	static struct sp_radius_packet again;
	const struct sp_radius_packet *answer = sp_radius_authority_answer(&authority, cause);
	const uint8_t asked = sp_radius_code(&authority.request);

	if (!answer)
		return;
	demand(sp_radius_receive(&again, answer->data, answer->length));
	demand(sp_radius_code(answer) == asked + (cause ? 2 : 1));
	demand(sp_radius_id(answer) == sp_radius_id(&authority.request));
}

static void hear(const void *data, size_t size, int authentic)
{
	const struct sp_radius_packet *answer = NULL;
	struct sp_ipc_change change;
	const char *why = NULL;
	uint32_t cause = 0;

	switch (sp_radius_authority_read(&authority, data, size, &setup.source[0], 4000, NOW,
	                                 &change, &answer, &cause, &why)) {
	case SP_RADIUS_DROP:
		demand(why != NULL);
		break;
	case SP_RADIUS_REPEAT:
		demand(authentic && answer && answer->length);
		break;
	case SP_RADIUS_REFUSE:
		demand(authentic && cause);
		check_answer(cause);
		break;
	case SP_RADIUS_APPLY:
		demand(authentic && !cause);
		check_change(&change);
		check_answer(0);
		break;
	}
}

/* The next input finds nothing of this one. */
static void forget(void)
{
	if (authority.next_seen)
		authority.seen[--authority.next_seen].until = 0;
	while (authority.next_answer)
		authority.answer[--authority.next_answer].packet.length = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	setup.source_count = 1;
	memcpy(setup.source_secret, SECRET, sizeof(SECRET));
	memcpy(setup.radius.nas_identifier, "lobby", sizeof("lobby"));
	authority.setup = &setup;
	hear(data, size, 0);
	if (size < 2 || size > SP_RADIUS_MOST - 64)
		return 0;
	sp_radius_begin(&packet, data[0] & 1 ? SP_RADIUS_COA_REQUEST : SP_RADIUS_DISCONNECT_REQUEST,
	                data[0], NULL);
	if (data[0] & 2)
		sp_radius_put_number(&packet, SP_RADIUS_EVENT_TIMESTAMP, NOW);
	memcpy(packet.data + packet.length, data + 1, size - 1);
	packet.length += (unsigned)size - 1;
	demand(!sp_radius_seal(&packet, SECRET));
	hear(packet.data, packet.length, 1);
	hear(packet.data, packet.length, 1); /* again */
	forget();
	return 0;
}
