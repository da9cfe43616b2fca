/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a RADIUS server grants: the attributes of an Access-Accept and of a CoA-Request alike. */
#ifndef SP_RADIUS_TERMS_H
#define SP_RADIUS_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/ipc.h"
#include "radius/packet.h"

/* Bits of sp_radius_terms.given. */
enum sp_radius_given {
	SP_RADIUS_GIVEN_SECONDS = 1 << 0,
	SP_RADIUS_GIVEN_IDLE = 1 << 1,
	SP_RADIUS_GIVEN_QUOTA = 1 << 2,
	SP_RADIUS_GIVEN_QUOTA_UP = 1 << 3,
	SP_RADIUS_GIVEN_QUOTA_DOWN = 1 << 4,
	SP_RADIUS_GIVEN_RATE_UP = 1 << 5,
	SP_RADIUS_GIVEN_RATE_DOWN = 1 << 6,
	SP_RADIUS_GIVEN_INTERIM = 1 << 7,
};

struct sp_radius_terms {
	unsigned given; /* what the packet says; all else of limits is 0 */
	bool over;      /* by its WISPr-Session-Terminate-Time the session would have ended */
	struct sp_ipc_limits limits;
};

/* Acct-Interim-Interval must not be shorter (RFC 2869, 5.16). */
#define SP_RADIUS_INTERIM_LEAST 60u

/* Read the terms of @packet at the Unix time @now. Attributes of a wrong length or form, and what
 * is not known here, are passed over. */
void sp_radius_terms_read(struct sp_radius_terms *terms, const struct sp_radius_packet *packet,
                          uint64_t now);

/* Whether @attribute is one that sp_radius_terms_read takes. */
bool sp_radius_terms_has(const struct sp_radius_attribute *attribute);

/* The first @type that is text for people (UTF-8, no control characters), or all of them with a
 * blank between them; cut to fit. "" if there is none. */
void sp_radius_text(const struct sp_radius_packet *packet, uint8_t type, bool all, char *out,
                    size_t room);

#endif
