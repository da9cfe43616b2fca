/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ipc/radius.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/address.h"

static bool limits_make_sense(const struct sp_ipc_limits *limits)
{
	return limits->seconds <= SP_IPC_TIME_MOST && limits->idle <= SP_IPC_TIME_MOST &&
	       limits->interim <= SP_IPC_TIME_MOST && limits->rate_up <= SP_IPC_RATE_MOST &&
	       limits->rate_down <= SP_IPC_RATE_MOST;
}

static bool is_text(const char text[SP_IPC_NAME])
{
	size_t length = strnlen(text, SP_IPC_NAME);

	for (size_t i = length; i < SP_IPC_NAME; i++)
		if (text[i])
			return false;
	return length < SP_IPC_NAME;
}

int sp_ipc_receive_change(int fd, struct sp_ipc_change *change)
{
	int ret = sp_ipc_receive(fd, SP_IPC_CHANGE, change, sizeof(*change));

	if (ret)
		return ret;
	if (!change->named || (change->named & ~(uint32_t)SP_IPC_NAMED) ||
	    (change->changed & ~(uint32_t)SP_IPC_CHANGES) || change->client.vlan > SP_VLAN_MAX ||
	    !is_text(change->name) || !limits_make_sense(&change->limits))
		return -EPROTO;
	return 0;
}

int sp_ipc_receive_accounted(int fd, struct sp_ipc_accounted *accounted)
{
	int ret = sp_ipc_receive(fd, SP_IPC_ACCOUNTED, accounted, sizeof(*accounted));

	if (ret)
		return ret;
	if ((accounted->status != SP_IPC_ACCOUNT_START &&
	     accounted->status != SP_IPC_ACCOUNT_STOP) ||
	    accounted->given_up > 1)
		return -EPROTO;
	return 0;
}

char *sp_radius_server_name(char out[SP_RADIUS_SERVER_NAME],
                            const struct sp_ipc_radius_server *server)
{
	char text[INET6_ADDRSTRLEN];

	snprintf(out, SP_RADIUS_SERVER_NAME,
	         sp_address_is_ipv4(&server->address) ? "%s:%u" : "[%s]:%u",
	         sp_address_text(&server->address, text), server->port);
	return out;
}
