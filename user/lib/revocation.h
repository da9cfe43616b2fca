/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where clients ask whether a certificate was revoked. */
#ifndef SP_LIB_REVOCATION_H
#define SP_LIB_REVOCATION_H

#include <stdint.h>

#include "lib/certificate.h"

#define SP_REVOCATION_SERVERS 16  /* that are looked for */
#define SP_REVOCATION_HOST    256 /* bytes of a host, NUL included */

struct sp_revocation_server {
	char host[SP_REVOCATION_HOST]; /* a name or an address, IPv6 without brackets */
	uint16_t port;                 /* TCP */
};

/*
 * The servers of OCSP (RFC 6960, by the authority information access of RFC 5280 section 4.2.2.1)
 * and of revocation lists (section 4.2.1.13) that the certificates of the chain name, each once.
 * Others than those of http and https are left out. Returns how many.
 */
unsigned sp_revocation_servers(const struct sp_certificate *certificate,
                               struct sp_revocation_server servers[SP_REVOCATION_SERVERS]);

#endif
