/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether captured connections can do without a socket until they need one (bpf/handshake.h).
 */
#ifndef SP_LIB_COOKIES_H
#define SP_LIB_COOKIES_H

#include <stdbool.h>

/*
 * Whether this kernel makes sockets of SYN cookies that it has not sent: it has the function
 * bpf_sk_assign_tcp_reqsk (Linux 6.9), and SYN cookies are not switched off in this network
 * namespace (sysctl net.ipv4.tcp_syncookies). What cannot be read counts as no.
 */
bool sp_cookies_possible(void);

#endif
