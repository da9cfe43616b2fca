/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as the datapath stores them: IPv4 as IPv4-mapped IPv6. */
#ifndef SP_LIB_ADDRESS_H
#define SP_LIB_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>

#include <sallyport/abi.h>

bool sp_address_is_ipv4(const struct sp_address *address);

/* 169.254.0.0/16 or fe80::/10. */
bool sp_address_is_link_local(const struct sp_address *address);

/* Whether @address is one of the @count addresses of @list. */
bool sp_address_listed(const struct sp_address *list, unsigned count,
                       const struct sp_address *address);

/* NULL, or why no client reaches a host at this address: a sentence's end, " is ...". */
const char *sp_address_refuse(const struct sp_address *address);

/* Read an address of either family. False: it is none. */
bool sp_address_read(const char *text, struct sp_address *address);

/* "10.85.0.1" or "fd85::1". Returns @out. */
char *sp_address_text(const struct sp_address *address, char out[INET6_ADDRSTRLEN]);

#endif
