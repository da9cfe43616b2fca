/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Sallyport asks of and tells the kernel over rtnetlink (libmnl): interfaces, addresses, the
 * rule and route that deliver captured packets locally. No ip or tc is ever run.
 */
#ifndef SP_LIB_NETLINK_H
#define SP_LIB_NETLINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/error.h"

/* Marks rules and routes as ours (rtm_protocol, FRA_PROTOCOL); not used by anyone in iproute2's
 * rt_protos. */
#define SP_RTPROT 83

struct sp_interface {
	char name[IF_NAMESIZE];
	uint32_t ifindex;
	uint8_t mac[6];
	bool up;
	uint32_t mtu;
	char kind[16];           /* "veth", "bridge", "vlan", ...; "" for a physical NIC */
	uint32_t xdp_program_id; /* 0: none attached */
	const char *xdp_mode;    /* "native", "generic", "offload", or NULL */
};

/* Look up one interface. -ENODEV (SP_EXIT_NOT_FOUND): the sentence lists the interfaces there are.
 */
int sp_netlink_link(const char *name, struct sp_interface *interface, struct sp_error *err);

/*
 * The addresses of interface @ifindex, at most @room of them, IPv4 mapped; link-local IPv6
 * addresses too, tentative ones too. Returns the number or a negative errno (-ENOSPC: more).
 */
int sp_netlink_addresses(uint32_t ifindex, struct sp_address *list, unsigned room,
                         struct sp_error *err);

/* The MAC addresses of all Ethernet interfaces of this network namespace, each once, none zero.
 * Returns the number or a negative errno (-ENOSPC: more than @room). */
int sp_netlink_macs(struct sp_mac *list, unsigned room, struct sp_error *err);

/*
 * The addresses at which this network namespace's neighbour tables (ARP, ND) know @mac, on any
 * interface, at most @room of them, IPv4 mapped. Returns the number or a negative errno.
 */
int sp_netlink_neighbours(const uint8_t mac[6], struct sp_address *list, unsigned room,
                          struct sp_error *err);

/*
 * For IPv4 and IPv6: rule "fwmark mark/mask lookup table" at @priority and route "local default dev
 * lo table". Idempotent: what is there and ours stays. A rule of the same priority or a route in
 * the same table that is not ours is -EEXIST with a sentence that names the configuration key to
 * change. On failure what this call added is taken away again.
 */
int sp_netlink_capture_add(uint32_t mark, uint32_t mask, uint32_t table, uint32_t priority,
                           struct sp_error *err);

/* Take them away again; what is not there or not ours is left alone and no error. */
int sp_netlink_capture_remove(uint32_t mark, uint32_t mask, uint32_t table, uint32_t priority,
                              struct sp_error *err);

/* Whether rule and route are in place for both families: 1, 0 or a negative errno. */
int sp_netlink_capture_present(uint32_t mark, uint32_t mask, uint32_t table, uint32_t priority,
                               struct sp_error *err);

#endif
