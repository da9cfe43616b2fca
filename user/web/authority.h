/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host [ ":" port ] as in a Host field or behind "http://". Narrower than RFC 3986: a host is what
 * DNS and browsers know (letters, digits, '-', '_', '~', single dots between) or an address, so
 * that nothing that could be taken for markup or an encoding trick ever gets further.
 */
#ifndef SP_WEB_AUTHORITY_H
#define SP_WEB_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sp_authority {
	size_t host_length; /* the host is the first bytes of the text; [...] of IPv6 included */
	bool has_port;      /* a port number is given */
	uint16_t port;      /* not 0; 80 when none is given */
};

/* Whether the @length bytes of @text are exactly that; fills @authority. */
bool sp_authority_parse(const char *text, size_t length, struct sp_authority *authority);

#endif
