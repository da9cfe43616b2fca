/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which client a connection comes from: the datapath wrote it down when it saw the first packet. */
#ifndef SP_PORTAL_VISITOR_H
#define SP_PORTAL_VISITOR_H

#include <microhttpd.h>
#include <stdint.h>
#include <sys/socket.h>

#include <sallyport/abi.h>

#include "portal/server.h"

struct sp_visitor {
	struct sp_client_key client;
	uint32_t zone;               /* where the connection came from */
	struct sp_origin_key origin; /* the connection */
};

/* Fill the addresses and ports of @key for a connection from @peer to @local; IPv4 addresses become
 * IPv4-mapped ones. -EAFNOSUPPORT for another family. */
int sp_visitor_key(struct sp_origin_key *key, const struct sockaddr *peer,
                   const struct sockaddr *local);

/*
 * Find who is behind the connected socket @fd in the map @origins, among the @count interfaces of
 * @ifindex. -ENOENT: in none of them, or in several: then nobody can tell who it is.
 */
int sp_visitor_find(struct sp_visitor *visitor, int origins, const uint32_t *ifindex,
                    unsigned count, int fd);

/*
 * MHD_NotifyConnectionCallback; @cls is the struct sp_portal. Notes whose each new connection is:
 * an entry of `origins` that was pushed out by a flood and written anew by somebody else is then
 * found to be another one. One connection too many of a client is ended.
 */
void sp_visitor_notify(void *cls, struct MHD_Connection *connection, void **note,
                       enum MHD_ConnectionNotificationCode code);

/* Who is behind @connection: the same client when it was accepted and now. -ENOENT: nobody can
 * tell. */
int sp_visitor_of(const struct sp_portal *portal, struct MHD_Connection *connection,
                  struct sp_visitor *visitor);

/* Where @connection comes from; IPv4 addresses become IPv4-mapped ones. -EAFNOSUPPORT for another
 * family. */
int sp_visitor_address(struct MHD_Connection *connection, struct sp_address *address);

#endif
