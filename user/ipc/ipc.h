/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the processes of sallyportd say to each other: fixed-size messages, one per datagram of a
 * SOCK_SEQPACKET socketpair. The keeper trusts no length, no number and no string from a child: a
 * message of another size, kind or form ends that child.
 *
 * A child is started with
 *   fd 0, 1: /dev/null, fd 2: the log,
 *   fd 3: the socket to the keeper,
 *   responder: fd 4 the IPv4 listener, fd 5 the IPv6 listener (bound, listening, non-blocking),
 *   portal:    fd 4 the read-only map `origins`, fd 5.. its listeners (setup.listener_count),
 *   reader:    fd 4 the ring buffer `answers`, fd 5 the read-only map `garden_names`.
 * It reads its setup message, opens the data files it needs, gives up its privileges
 * (sp_drop_privileges), sends SP_IPC_READY and only then reads a byte of any client. End of file on
 * fd 3 means that the keeper is gone: the child exits.
 */
#ifndef SP_IPC_H
#define SP_IPC_H

#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/error.h"

#define SP_IPC_KEEPER_FD 3
#define SP_IPC_FIRST_FD  4
#define SP_IPC_MAGIC     0x53504d31u /* "SPM1" */
#define SP_IPC_URL       280         /* longest login URL without a query, NUL included */
#define SP_IPC_KEY       32          /* bytes of the link key */

enum sp_ipc_kind {
	SP_IPC_RESPONDER_SETUP = 1, /* keeper -> responder, first message */
	SP_IPC_PORTAL_SETUP = 2,    /* keeper -> portal, first message */
	SP_IPC_READY = 3,           /* child -> keeper: privileges dropped, serving */
	SP_IPC_LOGIN = 4,           /* portal -> keeper */
	SP_IPC_LOGOUT = 5,          /* portal -> keeper */
	SP_IPC_QUERY = 6,           /* portal -> keeper */
	SP_IPC_ANSWER = 7,          /* keeper -> portal, one for each of the three above */
	SP_IPC_CLOSE = 8,           /* keeper -> responder */
	SP_IPC_GARDEN_SETUP = 9,    /* keeper -> reader of DNS answers, first message */
	SP_IPC_LEARNT = 10,         /* reader -> keeper: an address of a name */
	SP_IPC_LEARNT_DONE = 11,    /* keeper -> reader, after the last of an answer; a header */
};

struct sp_ipc_header {
	uint32_t magic;
	uint32_t kind; /* enum sp_ipc_kind */
};

/* Strings in setups are NUL-terminated. */
struct sp_ipc_responder_setup {
	struct sp_ipc_header header;
	uint32_t uid, gid;
	uint32_t probe_status;   /* 302 or 511 */
	uint32_t refresh;        /* seconds */
	uint8_t key[SP_IPC_KEY]; /* HMAC-SHA-256 key of the wanted-URL tag, shared with the portal
	                          */
	char login_url4[SP_IPC_URL]; /* "http://10.85.0.1:8080/" for clients that came by IPv4 */
	char login_url6[SP_IPC_URL]; /* "http://[fd85::1]:8080/" */
	char data[256];              /* directory of probes.conf and pages/ */
	char pages[256];             /* directory of the operator's own pages; "": none */
	char root[128];              /* empty directory to chroot into */
};

struct sp_ipc_portal_setup {
	struct sp_ipc_header header;
	uint32_t uid, gid;
	uint32_t listener_count;
	uint32_t interface_count;
	uint32_t ifindex[16]; /* client interfaces: where a connection may have come from */
	uint8_t key[SP_IPC_KEY];
	char data[256];
	char pages[256];
	char root[128];
};

struct sp_ipc_garden_setup {
	struct sp_ipc_header header;
	uint32_t uid, gid;
	char root[128];
};

/* The keeper believes none of it but that an answer may have said so. */
struct sp_ipc_learnt {
	struct sp_ipc_header header;
	struct sp_garden_name_key name; /* the entry of the garden that the name falls under */
	struct sp_address address;
	uint32_t ttl;     /* seconds */
	uint32_t ifindex; /* where the answer came from; 0: from this machine */
	uint32_t last;    /* 1: of its answer */
	uint32_t spare;
};

struct sp_ipc_ready {
	struct sp_ipc_header header;
};

/*
 * A client has logged in: its connections that wait for a request must end. Browsers connect ahead
 * of need, and a request on such a connection would be answered with the login page once more.
 */
struct sp_ipc_close {
	struct sp_ipc_header header;
	struct sp_address client; /* one of its addresses */
};

/* LOGIN, LOGOUT and QUERY: about the client whose connection the portal serves. */
struct sp_ipc_request {
	struct sp_ipc_header header;
	uint64_t id; /* comes back in the answer */
	struct sp_client_key client;
};

enum sp_ipc_result {
	SP_IPC_DONE = 0,
	SP_IPC_REFUSED = 1, /* the client is blocked */
	SP_IPC_FULL = 2,    /* `clients` is full */
	SP_IPC_FAILED = 3,
};

struct sp_ipc_answer {
	struct sp_ipc_header header;
	uint64_t id;
	uint32_t result;       /* enum sp_ipc_result */
	uint32_t authorized;   /* 1: the client is authorized now */
	uint64_t seconds_left; /* UINT64_MAX: no time limit */
	uint64_t bytes_left;   /* UINT64_MAX: no quota */
};

_Static_assert(sizeof(struct sp_ipc_close) == 24, "no padding");
_Static_assert(sizeof(struct sp_ipc_learnt) == 296, "no padding");
_Static_assert(sizeof(struct sp_ipc_request) == 24, "no padding");
_Static_assert(sizeof(struct sp_ipc_answer) == 40, "no padding");

/*
 * Send one message: @message begins with a header whose kind is set; the magic is filled in here.
 * 0 or negative errno (-EAGAIN when the peer does not read).
 */
int sp_ipc_send(int fd, void *message, uint32_t size);

/*
 * Receive one message of exactly @size bytes and @kind. 0; -EPIPE at end of file; -EAGAIN; -EPROTO
 * for anything that is not exactly that.
 */
int sp_ipc_receive(int fd, enum sp_ipc_kind kind, void *message, uint32_t size);

/* Receive a LOGIN, LOGOUT or QUERY about a client that can exist: a unicast MAC that is not zero, a
 * VLAN id in range. Results as above. */
int sp_ipc_receive_request(int fd, struct sp_ipc_request *request);

/*
 * Give up root for good: chroot into the empty directory @root, groups, gid and uid set to @gid and
 * @uid (both not 0), no_new_privs, no core file, no further files than @max_files. Checks that root
 * cannot be had back. 0 or negative errno; a caller that gets an error must exit.
 */
int sp_drop_privileges(const char *root, uint32_t uid, uint32_t gid, unsigned max_files);

/* The steps of a child that waits for its setup, with a sentence for the log when one fails: read
 * the setup message of @kind, */
int sp_ipc_begin(enum sp_ipc_kind kind, void *setup, uint32_t size, struct sp_error *err);

/* give up privileges (@root comes from the setup and has @room bytes), */
int sp_ipc_confine(const char *root, uint32_t room, uint32_t uid, uint32_t gid, unsigned max_files,
                   struct sp_error *err);

/* and say so. */
int sp_ipc_tell_ready(struct sp_error *err);

#endif
