/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who a session was given to, by what, and why it ended. */
#ifndef SP_LIB_WHO_H
#define SP_LIB_WHO_H

#include <stdint.h>

#include "lib/method.h"

#define SP_LEDGER_NAME  256 /* a user's name, NUL included */
#define SP_LEDGER_ZONE  16  /* a zone's name, NUL included */
#define SP_LEDGER_CLASS 505 /* bytes of RADIUS Class attributes, each behind its length */

struct sp_who {
	enum sp_method method;
	char name[SP_LEDGER_NAME]; /* user; voucher: its id in digits; else "" */
	uint64_t voucher;          /* 0: none */
	uint32_t class_length;     /* RADIUS Class, returned in accounting */
	uint8_t class_bytes[SP_LEDGER_CLASS];
	uint32_t interim;          /* seconds between accounting updates; 0: as configured */
	char zone[SP_LEDGER_ZONE]; /* where it is; "": that of the gateway as a whole */
};

/* Numbers are stable: the ledger keeps them. RADIUS names in brackets (RFC 2866, 5.10). */
enum sp_cause {
	SP_CAUSE_NONE = 0,     /* it goes on */
	SP_CAUSE_TIME = 1,     /* its time was up (Session-Timeout) */
	SP_CAUSE_IDLE = 2,     /* (Idle-Timeout) */
	SP_CAUSE_QUOTA = 3,    /* (Session-Timeout) */
	SP_CAUSE_CLIENT = 4,   /* signed out (User-Request) */
	SP_CAUSE_OPERATOR = 5, /* removed or blocked (Admin-Reset) */
	SP_CAUSE_REPLACED = 6, /* by another session of the same client (User-Request) */
	SP_CAUSE_LOST = 7,     /* the maps do not know it any more: down, reboot (NAS-Reboot) */
	SP_CAUSES
};

const char *sp_cause_name(unsigned cause); /* "time", "idle", ..., "" for NONE */

#endif
