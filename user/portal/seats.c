/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/seats.h"

#include <stddef.h>
#include <string.h>

static const struct sp_client_key nobody;

struct sp_client_key *sp_seats_take(struct sp_seats *seats, const struct sp_client_key *client)
{
	struct sp_client_key *free = NULL;
	unsigned taken = 0;

	for (unsigned i = 0; i < SP_PORTAL_CONNECTIONS; i++) {
		struct sp_client_key *one = &seats->seat[i];

		taken += !memcmp(one, client, sizeof(*one));
		if (!free && !memcmp(one, &nobody, sizeof(*one)))
			free = one;
	}
	if (!free || taken >= SP_PORTAL_CONNECTIONS_EACH)
		return NULL;
	*free = *client;
	return free;
}

void sp_seats_leave(struct sp_client_key *seat)
{
	if (seat)
		*seat = nobody;
}
