/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One netlink request and its answer: what the other netlink files stand on.
 */
#ifndef SP_LIB_NETLINK_REQUEST_H
#define SP_LIB_NETLINK_REQUEST_H

#include <libmnl/libmnl.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/error.h"

#define SP_NETLINK_REASON 128

struct sp_netlink {
	struct mnl_socket *socket;
	int bus; /* NETLINK_ROUTE, NETLINK_GENERIC, NETLINK_NETFILTER */
	unsigned sequence;
	char reason[SP_NETLINK_REASON]; /* the kernel's own words about the last failure, or "" */
	union {
		struct nlmsghdr header;
		char bytes[1024];
	} request;
};

/* Open a socket in this network namespace. 0 or negative errno. */
int sp_netlink_open(struct sp_netlink *netlink, struct sp_error *err);

/* The same for generic netlink, and for netfilter. */
int sp_netlink_open_generic(struct sp_netlink *netlink, struct sp_error *err);
int sp_netlink_open_netfilter(struct sp_netlink *netlink, struct sp_error *err);

void sp_netlink_close(struct sp_netlink *netlink);

/* Begin a request of @type in netlink->request; @flags are added to NLM_F_REQUEST. */
struct nlmsghdr *sp_netlink_begin(struct sp_netlink *netlink, uint16_t type, uint16_t flags);

/* The number of the generic netlink family @name. 0 or a negative errno (-ENOENT: there is none).
 */
int sp_netlink_family(struct sp_netlink *netlink, const char *name, uint16_t *family);

/* As sp_netlink_begin, with the header of generic netlink. */
struct nlmsghdr *sp_netlink_begin_generic(struct sp_netlink *netlink, uint16_t family,
                                          uint8_t command, uint16_t flags);

/*
 * Send what was begun and give each answer to @visit (may be NULL), which returns MNL_CB_OK or
 * MNL_CB_ERROR with errno set. A dump that changed while it was read is read again, so @visit must
 * bear repetition. 0 or the kernel's negative errno.
 */
int sp_netlink_send(struct sp_netlink *netlink, mnl_cb_t visit, void *context);

/* The IPv4 or IPv6 address in @attribute, IPv4 mapped; all zero for anything else. */
void sp_netlink_address(struct sp_address *out, const struct nlattr *attribute);

/* The kernel's words about the failure @code, else errno's. */
const char *sp_netlink_reason(const struct sp_netlink *netlink, int code);

#endif
