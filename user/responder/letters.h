/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that come as datagrams, each whole (bpf/letter.h), and their answers. A request is read
 * and answered when it comes and nothing is kept of it; whoever does not get the answer asks again.
 *
 * Only of connections that were opened and have not asked for anything yet is something kept, in a
 * table that forgets the old for the new: when their client logs in they have to end.
 */
#ifndef SP_RESPONDER_LETTERS_H
#define SP_RESPONDER_LETTERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "responder/date.h"
#include "responder/respond.h"

#define SP_LETTERS_BATCH  32   /* read, and answered, by one system call */
#define SP_LETTERS_OPENED 4096 /* connections known that have not asked yet; a power of two */

union sp_letters_address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

/* A connection without a request. */
struct sp_letters_opened {
	union sp_letters_address client; /* AF_UNSPEC: nothing is here */
	struct sp_address own;           /* of the gateway: where what it sends arrives */
	struct sp_letter letter;         /* with which it was opened */
};

struct sp_letters {
	const struct sp_knowledge *knowledge;
	int answers[2]; /* by is_ipv6: the socket of what is sent */
	struct sp_letters_opened opened[SP_LETTERS_OPENED];
};

/* What is sent goes from the sockets @answers, by is_ipv6, which stay the caller's. */
void sp_letters_init(struct sp_letters *letters, const struct sp_knowledge *knowledge,
                     const int answers[2]);

/*
 * Answer what has come to @socket, which is of the zone @zone of the setup: some batches of it, the
 * rest with the next call. @date and @now_us (monotonic) are those of this turn.
 */
void sp_letters_serve(struct sp_letters *letters, int socket, unsigned zone, bool is_ipv6,
                      const struct sp_date *date, uint64_t now_us);

/* Reset the connections of @client (one of its addresses) that have not asked for anything. */
void sp_letters_end(struct sp_letters *letters, const struct sp_address *client);

#endif
