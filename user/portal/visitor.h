/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which client a connection comes from: the datapath wrote it down when it saw the first packet. */
#ifndef SP_PORTAL_VISITOR_H
#define SP_PORTAL_VISITOR_H

#include <stdint.h>
#include <sys/socket.h>

#include <sallyport/abi.h>

/* Fill the addresses and ports of @key for a connection from @peer to @local; IPv4 addresses become
 * IPv4-mapped ones. -EAFNOSUPPORT for another family. */
int sp_visitor_key(struct sp_origin_key *key, const struct sockaddr *peer,
                   const struct sockaddr *local);

/*
 * Find the client of the connected socket @fd in the map @origins, among the @count interfaces of
 * @ifindex. -ENOENT: in none of them, or in several: then nobody can tell who it is.
 */
int sp_visitor_find(struct sp_client_key *client, int origins, const uint32_t *ifindex,
                    unsigned count, int fd);

#endif
