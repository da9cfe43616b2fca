/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many connections each client has. libmicrohttpd counts by address, of which a client can have
 * any number (IPv6); these are of the client that the datapath saw.
 */
#ifndef SP_PORTAL_SEATS_H
#define SP_PORTAL_SEATS_H

#include <sallyport/abi.h>

/* Connections at a time, of all. */
#define SP_PORTAL_CONNECTIONS 512u

/* Of one client. Behind one MAC there may be a router with several hosts, and a browser opens six
 * to a host. */
#define SP_PORTAL_CONNECTIONS_EACH 32u

struct sp_seats {
	struct sp_client_key seat[SP_PORTAL_CONNECTIONS]; /* of each connection; all zero: free */
};

/* Take a seat for one more connection of @client; NULL: it has as many as it may, or none is left.
 */
struct sp_client_key *sp_seats_take(struct sp_seats *seats, const struct sp_client_key *client);

/* The connection of @seat is over; NULL is fine. */
void sp_seats_leave(struct sp_client_key *seat);

#endif
