/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listening sockets. The keeper makes and keeps them, so that a process that is restarted finds
 * the connections that came meanwhile waiting.
 */
#ifndef SP_KEEPER_LISTEN_H
#define SP_KEEPER_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/error.h"

/*
 * A listener for captured HTTP. Its own address is of no importance: the datapath hands it
 * connections whatever it is bound to (bpf_sk_assign). It must not be in a SO_REUSEPORT group:
 * bpf_sk_assign refuses those before Linux 6.6. Returns a descriptor or a negative errno.
 */
int sp_listen_responder(bool ipv6, struct sp_error *err);

/* A UDP socket for captured requests that come as datagrams (bpf/letter.h), bound to loopback,
 * which tells where each was sent. Returns a descriptor or a negative errno. */
int sp_listen_letters(bool ipv6, struct sp_error *err);

/* A UDP socket from which those are answered, bound to loopback. Another one, since what can be
 * sent from the first may come from anywhere (IP_TRANSPARENT). Returns a descriptor or a negative
 * errno.
 */
int sp_listen_answers(bool ipv6, struct sp_error *err);

/* A listener of the portal at @address, @port (host order), which is the value of @key in [portal].
 */
int sp_listen_portal(const struct sp_address *address, const char *key, uint16_t port,
                     struct sp_error *err);

/* A listener for metrics at @address, @port (host order); a descriptor or a negative errno. */
int sp_listen_metrics(const struct sp_address *address, uint16_t port, struct sp_error *err);

/* The same at a socket in the file system, which everybody on this machine may connect to, as on
 * the loopback interface. One that nobody serves any more is replaced. */
int sp_listen_path(const char *path, struct sp_error *err);

/* A UDP socket at every address of this machine, of both families (IPv4 as IPv4-mapped), that tells
 * at which a packet came in. The descriptor or a negative errno. */
int sp_listen_authority(uint16_t port, struct sp_error *err);

#endif
