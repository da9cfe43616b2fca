/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two ways of speaking HTTP: over TLS and plain, a libmicrohttpd daemon for each, in one loop.
 */
#ifndef SP_PORTAL_HTTP_H
#define SP_PORTAL_HTTP_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct sp_portal;

enum sp_http_way { SP_HTTP_TLS, SP_HTTP_PLAIN, SP_HTTP_WAYS };

struct sp_http {
	struct MHD_Daemon *daemon[SP_HTTP_WAYS]; /* NULL: nobody comes this way */
};

/* Start what the setup of @portal has listeners for. 0 or -EIO. */
int sp_http_start(struct sp_portal *portal);

/* Connections there are. */
unsigned sp_http_connections(const struct sp_http *http);

/* Whether one more connection may come. */
bool sp_http_has_room(const struct sp_http *http);

/* Serve the accepted connection @fd, which is given away, of @peer. */
void sp_http_add(struct sp_http *http, enum sp_http_way way, int fd, const struct sockaddr *peer,
                 socklen_t size);

/* A descriptor that is readable when sp_http_run has work; -1: there is none. */
int sp_http_file(const struct sp_http *http, enum sp_http_way way);

/* The ms until sp_http_run is due by itself; UINT64_MAX: it is not. */
uint64_t sp_http_due(const struct sp_http *http);

/* Read, answer and write what can be. False: it does not work any more. */
bool sp_http_run(struct sp_http *http);

void sp_http_stop(struct sp_http *http);

#endif
