/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a RADIUS server grants: the attributes of an Access-Accept and of a CoA-Request alike. */
#ifndef SP_RADIUS_TERMS_H
#define SP_RADIUS_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/radius.h"
#include "radius/packet.h"

struct sp_radius_terms {
	unsigned given; /* enum sp_ipc_changes: what the packet says; all else of limits is 0 */
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
