/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_LIB_NETLINK_GUEST_H
#define SP_LIB_NETLINK_GUEST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Have the kernel believe for a short time that the IPv4 address @address (network order) is at
 * @mac on interface @ifindex, or, if not @there, forget it again. -EEXIST: it knows that address
 * already. 0 or negative errno.
 */
int sp_netlink_guest(uint32_t ifindex, uint32_t address, const uint8_t mac[6], bool there);

#endif
