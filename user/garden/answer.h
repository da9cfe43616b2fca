/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a DNS answer says: which addresses the name has that was asked for. Parsed by c-ares.
 */
#ifndef SP_GARDEN_ANSWER_H
#define SP_GARDEN_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include <sallyport/abi.h>

/* An answer of SP_ANSWER_SIZE has no room for more: 16 bytes a record, the name compressed. */
#define SP_ANSWER_ADDRESSES 96

struct sp_answer {
	char name[SP_GARDEN_NAME]; /* lower case, no dot at its end */
	unsigned count;
	struct {
		struct sp_address address;
		uint32_t ttl; /* seconds; the least of its own and of the CNAMEs that led to it */
	} record[SP_ANSWER_ADDRESSES];
};

/*
 * Read a DNS message: the answer to one question for A or AAAA. Only addresses that the chain of
 * CNAMEs from that name leads to count. 0; -ENODATA: it says of no address; -EBADMSG: it is no such
 * answer, or broken.
 */
int sp_answer_read(struct sp_answer *answer, const uint8_t *message, size_t length);

#endif
