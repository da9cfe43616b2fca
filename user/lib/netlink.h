/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Sallyport asks the kernel over rtnetlink (libmnl): interfaces, addresses, neighbours. No ip
 * or tc is ever run.
 */
#ifndef SP_LIB_NETLINK_H
#define SP_LIB_NETLINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/error.h"

struct sp_interface {
	char name[IF_NAMESIZE];
	uint32_t ifindex;
	uint8_t mac[6];
	bool up;
	uint32_t mtu;
	char kind[16];           /* "veth", "bridge", "vlan", ...; "" for a physical NIC */
	uint32_t master;         /* the bridge or bond that it is part of; 0: none */
	bool carrier;            /* a wire, or what stands for one, is there */
	uint32_t lower;          /* "vlan": the interface of this namespace that it is on; else 0 */
	uint16_t vlan;           /* its tag ... */
	uint16_t vlan_protocol;  /* ... and which kind of tag, network order */
	uint32_t xdp_program_id; /* 0: none attached */
	const char *xdp_mode;    /* "native", "generic", "offload", or NULL */
};

/* Look up one interface. -ENODEV (SP_EXIT_NOT_FOUND): the sentence lists the interfaces there are.
 */
int sp_netlink_link(const char *name, struct sp_interface *interface, struct sp_error *err);

/* The same by number. -ENODEV: there is none of that number. */
int sp_netlink_link_at(uint32_t ifindex, struct sp_interface *interface, struct sp_error *err);

/* Give each interface of this namespace to @visit, some of them again when they changed meanwhile.
 * 0 or negative errno. */
int sp_netlink_each(void (*visit)(const struct sp_interface *interface, void *context),
                    void *context, struct sp_error *err);

/* Whether frames can be sent from XDP to interface @ifindex (ndo_xdp_xmit): 1, 0, or negative when
 * the kernel does not say, which it does from Linux 6.3. */
int sp_netlink_redirects(uint32_t ifindex);

/* The same: whether the driver runs XDP programs at all, and whether it does so with packets that
 * are longer than a page. */
int sp_netlink_native(uint32_t ifindex);
int sp_netlink_fragments(uint32_t ifindex);

/*
 * The addresses of interface @ifindex, at most @room of them, IPv4 mapped; link-local IPv6
 * addresses too, tentative ones too. Returns the number or a negative errno (-ENOSPC: more).
 */
int sp_netlink_addresses(uint32_t ifindex, struct sp_address *list, unsigned room,
                         struct sp_error *err);

/* The MAC addresses of all Ethernet interfaces of this network namespace, each once, none zero.
 * Returns the number or a negative errno (-ENOSPC: more than @room). */
int sp_netlink_macs(struct sp_mac *list, unsigned room, struct sp_error *err);

/* A VLAN interface. */
struct sp_vlan_device {
	uint32_t ifindex;
	uint32_t lower;    /* the interface whose frames it tags */
	uint16_t vlan;     /* id of its tag */
	uint16_t protocol; /* of its tag, network order */
};
#define SP_VLAN_DEVICES 4096u /* enough for one interface full of them */

/* The VLAN interfaces of this network namespace. Returns the number or a negative errno (-ENOSPC:
 * more than @room). */
int sp_netlink_vlans(struct sp_vlan_device *list, unsigned room, struct sp_error *err);

struct sp_neighbour {
	uint8_t mac[6];
	struct sp_address address; /* IPv4 mapped */
};

/*
 * This network namespace's neighbour tables (ARP, ND): what has a MAC, on any interface. One may be
 * there twice. @list is the caller's to free. Returns the number or a negative errno, and no list
 * then.
 */
int sp_netlink_neighbours(struct sp_neighbour **list, struct sp_error *err);

#endif
