/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By what a client was let in. */
#ifndef SP_LIB_METHOD_H
#define SP_LIB_METHOD_H

/* Numbers are stable: the ledger keeps them. */
enum sp_method {
	SP_METHOD_NONE = 0,
	SP_METHOD_CLICK = 1,    /* accepted the terms */
	SP_METHOD_VOUCHER = 2,  /* a code of the ledger */
	SP_METHOD_USER = 3,     /* a user of the ledger, by password */
	SP_METHOD_RADIUS = 4,   /* a user of a RADIUS server */
	SP_METHOD_EXTERNAL = 5, /* another portal, by a signed token */
	SP_METHOD_OPERATOR = 6, /* the command line */
	SP_METHODS
};

#define SP_METHOD_BIT(method) (1u << (method))

/* "click", "voucher", "user", "radius", "external", "operator"; "unknown" for other numbers. */
const char *sp_method_name(unsigned method);

#endif
