/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many clients the map has, by what they are and by what they were let in. */
#ifndef SP_LIB_CENSUS_H
#define SP_LIB_CENSUS_H

#include <stdint.h>

#include "lib/method.h"
#include "lib/session.h"

struct sp_census {
	uint32_t authorized[SP_METHODS]; /* by enum sp_method */
	uint32_t ended[SP_METHODS];      /* not swept away yet */
	uint32_t blocked;
};

/* Count one more. */
void sp_census_add(struct sp_census *census, const struct sp_session *session);

/* Count all of @maps, by a walk through them. 0 or negative errno. */
int sp_census_take(struct sp_census *census, const struct sp_maps *maps,
                   const struct sp_clock *clock, struct sp_error *err);

/* Of one kind, by whatever method. */
uint32_t sp_census_sum(const uint32_t by_method[SP_METHODS]);

#endif
