/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keeper and verifiers say to each other about sessions that a RADIUS server gave. */
#ifndef SP_IPC_RADIUS_H
#define SP_IPC_RADIUS_H

#include "ipc/ipc.h"

/* What limits of a session can be, as lib/text.h reads them. */
#define SP_IPC_TIME_MOST (36525ull * 86400) /* seconds: 100 years */
#define SP_IPC_RATE_MOST 400000000000ull    /* bit/s */

/* Acct-Status-Type (RFC 2866, 5.1). */
enum sp_ipc_account_status {
	SP_IPC_ACCOUNT_START = 1,
	SP_IPC_ACCOUNT_STOP = 2,
	SP_IPC_ACCOUNT_INTERIM = 3,
	SP_IPC_ACCOUNT_ON = 7, /* this gateway begins: about no session */
	SP_IPC_ACCOUNT_OFF = 8,
};

/* keeper -> accounting: tell the server. */
struct sp_ipc_account {
	struct sp_ipc_header header;
	uint64_t id;     /* of the session in the ledger */
	uint32_t status; /* enum sp_ipc_account_status */
	uint32_t cause;  /* enum sp_cause (lib/who.h), of a stop */
	struct sp_client_key client;
	uint64_t at;      /* seconds since 1970 when it happened */
	uint64_t seconds; /* that the session has lasted */
	uint64_t up_packets, up_bytes, down_packets, down_bytes;
	uint8_t ipv6[16]; /* zero: none */
	uint32_t ipv4;    /* network order; 0: none */
	uint32_t class_length;
	uint8_t class_bytes[SP_IPC_CLASS + 7];
	char name[SP_IPC_NAME];
	char zone[SP_ZONE_NAME]; /* where it signed in; "": in none */
};

/* accounting -> keeper: the server knows, or never will. One for each ACCOUNT but INTERIM, which is
 * given up without a word, ON and OFF. */
struct sp_ipc_accounted {
	struct sp_ipc_header header;
	uint64_t id;
	uint32_t status;
	uint32_t given_up; /* 1: the server answers others, but not this one */
};

/* Bits of sp_ipc_change.given: by what the sessions are named (all of it must be so), */
enum sp_ipc_named {
	SP_IPC_NAMED_SESSION = 1 << 0,
	SP_IPC_NAMED_USER = 1 << 1,
	SP_IPC_NAMED_CLIENT = 1 << 2,
	SP_IPC_NAMED_VLAN = 1 << 3,
	SP_IPC_NAMED_IPV4 = 1 << 4,
	SP_IPC_NAMED_IPV6 = 1 << 5,
	SP_IPC_NAMED = (1 << 6) - 1,
};

/* and of .changed: which limits are new ones. */
enum sp_ipc_changes {
	SP_IPC_CHANGES_SECONDS = 1 << 0,
	SP_IPC_CHANGES_IDLE = 1 << 1,
	SP_IPC_CHANGES_QUOTA = 1 << 2,
	SP_IPC_CHANGES_QUOTA_UP = 1 << 3,
	SP_IPC_CHANGES_QUOTA_DOWN = 1 << 4,
	SP_IPC_CHANGES_RATE_UP = 1 << 5,
	SP_IPC_CHANGES_RATE_DOWN = 1 << 6,
	SP_IPC_CHANGES_INTERIM = 1 << 7,
	SP_IPC_CHANGES = (1 << 8) - 1,
};

/* authority -> keeper: a RADIUS server ends sessions (changed 0) or changes their limits. */
struct sp_ipc_change {
	struct sp_ipc_header header;
	uint64_t id;      /* comes back in the answer */
	uint64_t session; /* in the ledger */
	uint32_t named;
	uint32_t changed;
	struct sp_client_key client;
	uint8_t ipv6[16];
	uint32_t ipv4; /* network order */
	uint32_t spare;
	struct sp_ipc_limits limits; /* 0: no such limit */
	char name[SP_IPC_NAME];
};

/* Error-Cause (RFC 5176, 3.5), as far as the keeper knows. */
enum sp_ipc_error_cause {
	SP_IPC_CHANGE_DONE = 0,
	SP_IPC_CHANGE_INVALID = 407,   /* Invalid Attribute Value: a quota that is used up */
	SP_IPC_CHANGE_NOT_FOUND = 503, /* Session Context Not Found */
	SP_IPC_CHANGE_FAILED = 506,    /* Resources Unavailable */
	SP_IPC_CHANGE_MANY = 508,      /* Multiple Session Selection Unsupported: too many */
};

/* keeper -> authority, one for each CHANGE. */
struct sp_ipc_changed {
	struct sp_ipc_header header;
	uint64_t id;
	uint32_t result; /* enum sp_ipc_error_cause */
	uint32_t count;  /* of sessions */
};

_Static_assert(sizeof(struct sp_ipc_account) == 104 + SP_IPC_CLASS + 7 + SP_IPC_NAME + SP_ZONE_NAME,
               "no padding");
_Static_assert(sizeof(struct sp_ipc_change) == 64 + sizeof(struct sp_ipc_limits) + SP_IPC_NAME,
               "no padding");

/* Receive a CHANGE that could be meant: it names something, with names and numbers in their range.
 * Results as of sp_ipc_receive. */
int sp_ipc_receive_change(int fd, struct sp_ipc_change *change);

/* Receive an ACCOUNTED about a start or a stop. */
int sp_ipc_receive_accounted(int fd, struct sp_ipc_accounted *accounted);

/* "10.0.0.5:1812" or "[fd00::5]:1812". Returns @out. */
#define SP_RADIUS_SERVER_NAME 64
char *sp_radius_server_name(char out[SP_RADIUS_SERVER_NAME],
                            const struct sp_ipc_radius_server *server);

#endif
