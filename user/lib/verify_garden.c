/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The garden: what each prefix has of the wider ones, and how many entries `settings` says. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "lib/garden.h"
#include "lib/verify.h"

static void compare_count(struct sp_verify *verify, const char *map, uint32_t said, uint32_t found)
{
	if (said != found)
		sp_verify_add(verify, SP_DIFFERENCE_GARDEN, map, "",
		              "`settings` says %u entries, there are %u", said, found);
}

/* Under the lock. */
static int compare_garden(struct sp_verify *verify, struct sp_garden_set *set, struct sp_error *err)
{
	const struct sp_garden_maps garden = sp_garden_maps_of(verify->maps);
	struct sp_garden_totals totals;
	struct sp_settings settings;
	uint32_t zero = 0;
	int code = bpf_map_lookup_elem(verify->maps->settings, &zero, &settings);

	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED, "%s/settings: %s", verify->instance->pins,
		               strerror(-code));
	code = sp_garden_read(set, &garden, err);
	if (code)
		return code;
	totals = sp_garden_set_totals(set);
	compare_count(verify, "garden4", settings.garden4, totals.ipv4);
	compare_count(verify, "garden6", settings.garden6, totals.ipv6);
	compare_count(verify, "garden_names", settings.garden_names, totals.names);
	code = sp_garden_set_settle(set, err);
	if (!code && sp_garden_set_changed(set))
		sp_verify_add(verify, SP_DIFFERENCE_GARDEN, "garden", "",
		              "a prefix does not open what those that cover it open");
	return code;
}

int sp_verify_garden(struct sp_verify *verify, struct sp_error *err)
{
	struct sp_garden_set set = {.count = 0};
	int code = sp_maps_lock(verify->maps, err);

	if (code)
		return code;
	code = compare_garden(verify, &set, err);
	sp_maps_unlock(verify->maps);
	sp_garden_set_free(&set);
	return code;
}

int sp_verify_repair_garden(const struct sp_verify *verify, struct sp_error *err)
{
	const struct sp_garden_maps garden = sp_garden_maps_of(verify->maps);
	struct sp_garden_set set = {.count = 0};
	int code;

	code = sp_maps_lock(verify->maps, err);
	if (code)
		return code;
	code = sp_garden_read(&set, &garden, err);
	if (!code)
		code = sp_garden_set_settle(&set, err);
	if (!code)
		code = sp_garden_write(&set, &garden, err);
	sp_maps_unlock(verify->maps);
	sp_garden_set_free(&set);
	return code;
}
