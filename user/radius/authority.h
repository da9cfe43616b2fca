/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disconnect and CoA requests (RFC 5176): who may send them, whether they are authentic, new and
 * understood, and what is answered. No sockets, no clock.
 */
#ifndef SP_RADIUS_AUTHORITY_H
#define SP_RADIUS_AUTHORITY_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/radius.h"
#include "radius/packet.h"

#define SP_RADIUS_WINDOW  300u   /* seconds that a request may be old, or a clock be wrong */
#define SP_RADIUS_SEEN    16384u /* requests of a window that are remembered */
#define SP_RADIUS_ANSWERS 64u    /* that are kept for who asks again */

struct sp_radius_answer {
	uint8_t asked[SP_RADIUS_AUTHENTICATOR]; /* of the request */
	struct sp_address from;
	uint16_t port;
	struct sp_radius_packet packet; /* length 0: none */
};

struct sp_radius_authority {
	const struct sp_ipc_verifier_setup *setup;
	struct {
		uint8_t authenticator[SP_RADIUS_AUTHENTICATOR];
		uint64_t until; /* seconds since 1970: then it is too old by itself */
	} seen[SP_RADIUS_SEEN];
	unsigned next_seen;
	struct sp_radius_answer answer[SP_RADIUS_ANSWERS];
	unsigned next_answer;
	/* The request that is being looked at. */
	struct sp_radius_packet request;
	struct sp_address from;
	uint16_t port;
};

enum sp_radius_step {
	SP_RADIUS_DROP,   /* say nothing */
	SP_RADIUS_REPEAT, /* send the answer that it was given before */
	SP_RADIUS_REFUSE, /* answer with an Error-Cause */
	SP_RADIUS_APPLY,  /* have the keeper do it */
};

/*
 * Look at a packet from @from and @port that came at the Unix time @now. DROP: *@why says why, for
 * the log, or is NULL where it is nothing to speak of; REPEAT: *@answer; REFUSE: *@cause; APPLY:
 * @change, without its header and id.
 */
enum sp_radius_step sp_radius_authority_read(struct sp_radius_authority *authority,
                                             const void *data, size_t length,
                                             const struct sp_address *from, uint16_t port,
                                             uint64_t now, struct sp_ipc_change *change,
                                             const struct sp_radius_packet **answer,
                                             uint32_t *cause, const char **why);

/* The answer to the request that was looked at last: an ACK if @cause (RFC 5176, 3.5) is 0, else a
 * NAK. It is kept for REPEAT. NULL: it cannot be made. */
const struct sp_radius_packet *sp_radius_authority_answer(struct sp_radius_authority *authority,
                                                          uint32_t cause);

#endif
