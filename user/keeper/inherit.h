/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listening sockets that outlive what made them: a daemon that starts again, for an `up` of another
 * version, and a setup that is made again, for a changed configuration. Connections wait in their
 * backlogs meanwhile. A keeper gets those of the one before as systemd's services get theirs
 * (sd_listen_fds(3)), so that systemd may keep them over a restart too.
 */
#ifndef SP_KEEPER_INHERIT_H
#define SP_KEEPER_INHERIT_H

#include <stdbool.h>
#include <sys/socket.h>

#define SP_INHERIT_RESPONDER "responder"
#define SP_INHERIT_PORTAL    "portal"

/* Take what was handed over ($LISTEN_FDS), to be offered. First of all in the process. */
void sp_inherit_open(void);

/*
 * A socket of @name that is offered and listens at @address (port 0: at any), the caller's from now
 * on and still kept here; -1: there is none.
 */
int sp_inherit_take(const char *name, const struct sockaddr *address, socklen_t length);

/* Keep the socket @fd, which stays the caller's. */
void sp_inherit_keep(const char *name, int fd);

/* Offer every socket that is kept: a setup is made again. */
void sp_inherit_offer(void);

/* Close what is still offered: nobody listens there any more. */
void sp_inherit_settle(void);

/* Close every socket that is kept. */
void sp_inherit_close(void);

/* Start @program anew in this process with @arguments, and hand over what is kept. Returns only if
 * that fails: a negative errno. */
int sp_inherit_exec(const char *program, char *const arguments[]);

/* Call @visit for each socket that is kept. */
void sp_inherit_each(void (*visit)(const char *name, int fd));

#endif
