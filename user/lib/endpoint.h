/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An address with a port, as configurations name servers. */
#ifndef SP_LIB_ENDPOINT_H
#define SP_LIB_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

struct sp_endpoint {
	struct sp_address address;
	uint16_t port; /* 0: the usual one */
};

/* Read "10.0.0.5", "10.0.0.5:1812", "fd00::5" or "[fd00::5]:1812". False: it is none of them. */
bool sp_endpoint_read(const char *text, struct sp_endpoint *endpoint);

#endif
