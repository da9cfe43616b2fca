/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/census.h"

void sp_census_add(struct sp_census *census, const struct sp_session *session)
{
	const unsigned said = session->policy.method;
	const unsigned method = said < SP_METHODS ? said : SP_METHOD_NONE;

	if (session->effective == SP_CLIENT_AUTHORIZED)
		census->authorized[method]++;
	else if (session->effective == SP_CLIENT_BLOCKED)
		census->blocked++;
	else
		census->ended[method]++;
}

static int visit(const struct sp_session *session, void *context)
{
	sp_census_add(context, session);
	return 0;
}

int sp_census_take(struct sp_census *census, const struct sp_maps *maps,
                   const struct sp_clock *clock, struct sp_error *err)
{
	*census = (struct sp_census){.blocked = 0};
	return sp_session_each(maps, clock, visit, census, err);
}

uint32_t sp_census_sum(const uint32_t by_method[SP_METHODS])
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < SP_METHODS; i++)
		sum += by_method[i];
	return sum;
}
