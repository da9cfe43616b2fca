/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `sallyport doctor` and its prober say to each other. The prober reads what comes from the
 * network, without privileges; the doctor makes the sockets, which are connected, and gets one
 * answer of fixed size for each question. It is started like the children of the keeper
 * (ipc/ipc.h), with its sockets at fd 5 and following.
 */
#ifndef SP_IPC_PROBER_H
#define SP_IPC_PROBER_H

#include <stdint.h>

#include <sallyport/abi.h>

#include "ipc/ipc.h"

#define SP_PROBE_FILES     24u /* sockets */
#define SP_PROBE_QUESTIONS 64u
#define SP_PROBE_ADDRESSES 8u
#define SP_PROBE_NAME      256u
#define SP_PROBE_TEXT      256u

enum sp_probe_kind {
	SP_PROBE_A = 1,    /* DNS over UDP: which IPv4 addresses has `name`? */
	SP_PROBE_AAAA = 2, /* IPv6 */
	SP_PROBE_HTTP = 3, /* is there a web server? `name` is the Host */
	/* Not asked, but waited for on a packet socket: what the doctor sent as a client. */
	SP_PROBE_WIRE_TCP = 4,  /* the answer to the SYN from port `port` */
	SP_PROBE_WIRE_DNS = 5,  /* to the question for the IPv4 addresses of `name`, from there */
	SP_PROBE_WIRE_DHCP = 6, /* to the DHCPDISCOVER with the transaction `id` */
	SP_PROBE_WIRE_HTTP = 7, /* to the HTTP request from port `port` */
};

struct sp_probe_question {
	uint32_t kind; /* enum sp_probe_kind */
	uint32_t file; /* which of the sockets */
	uint32_t id;   /* WIRE: of the DNS message or the DHCP transaction */
	uint32_t port; /* WIRE: the client's */
	char name[SP_PROBE_NAME];
};

struct sp_ipc_prober_setup {
	struct sp_ipc_header header;
	uint32_t uid, gid;
	uint32_t files, questions;
	uint32_t milliseconds; /* to wait for answers */
	struct sp_probe_question question[SP_PROBE_QUESTIONS];
	char root[128];
};

enum sp_probe_outcome {
	SP_PROBE_SILENT = 0,   /* no answer */
	SP_PROBE_ANSWERED = 1, /* one that makes sense */
	SP_PROBE_REFUSED = 2,  /* nobody is there */
	SP_PROBE_NONSENSE = 3, /* an answer of another protocol, or broken */
};

struct sp_probe_answer {
	uint32_t outcome;  /* enum sp_probe_outcome */
	uint32_t code;     /* ANSWERED: of DNS the RCODE, of HTTP the status, of DHCP the type */
	uint32_t count;    /* addresses */
	uint32_t sequence; /* ANSWERED: of the segment that answers a SYN */
	struct sp_address address[SP_PROBE_ADDRESSES];
	char text[SP_PROBE_TEXT]; /* of DHCP option 114 (RFC 8910); "": it was not there */
};

/* All answers in one message, in the order of the questions. */
struct sp_ipc_probed {
	struct sp_ipc_header header;
	struct sp_probe_answer answer[SP_PROBE_QUESTIONS];
};

/* Whether @probed, which a process without privileges has sent, is of the form above. */
bool sp_ipc_probed_fits(const struct sp_ipc_probed *probed);

#endif
