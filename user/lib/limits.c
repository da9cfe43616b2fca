/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/limits.h"

#include <errno.h>
#include <stdbool.h>

struct sp_limits sp_limits_merge(const struct sp_limits *own, const struct sp_limits *defaults)
{
	const struct sp_limits *up = own->rate_up ? own : defaults;
	const struct sp_limits *down = own->rate_down ? own : defaults;
	const struct sp_limits *binding = own->bind ? own : defaults;

	return (struct sp_limits){
		.seconds = own->seconds ?: defaults->seconds,
		.idle = own->idle ?: defaults->idle,
		.quota = own->quota ?: defaults->quota,
		.quota_up = own->quota_up ?: defaults->quota_up,
		.quota_down = own->quota_down ?: defaults->quota_down,
		.rate_up = up->rate_up,
		.burst_up = up->burst_up,
		.rate_down = down->rate_down,
		.burst_down = down->burst_down,
		.bind = binding->bind,
		.ipv4 = binding->ipv4,
	};
}

int sp_limits_until(struct sp_limits *limits, uint64_t until, uint64_t now)
{
	if (!until)
		return 0;
	if (now >= until)
		return -ESTALE;
	if (!limits->seconds || limits->seconds > until - now)
		limits->seconds = until - now;
	return 0;
}

static bool take_off(uint64_t *quota, uint64_t used)
{
	if (*quota && used >= *quota)
		return false;
	*quota -= *quota ? used : 0;
	return true;
}

int sp_limits_take_off(struct sp_limits *limits, uint64_t up, uint64_t down)
{
	return take_off(&limits->quota, up + down) && take_off(&limits->quota_up, up) &&
	                       take_off(&limits->quota_down, down)
	               ? 0
	               : -EDQUOT;
}

uint64_t sp_limits_end(const struct sp_limits *limits, uint64_t begun)
{
	uint64_t until = 0;

	if (limits->seconds && __builtin_add_overflow(begun, limits->seconds, &until))
		return UINT64_MAX;
	return until;
}
