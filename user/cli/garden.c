/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * garden add, remove, list, test.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/garden_output.h"
#include "cli/open.h"
#include "cli/output.h"
#include "lib/garden.h"
#include "lib/zones.h"

/* The words of the command line; @ruled: whether rules were given. */
static int read_entry(const struct sp_invocation *invocation, struct sp_garden_entry *entry,
                      struct sp_error *err)
{
	const char *words[1 + SP_MORE_WORDS] = {invocation->operand};

	memcpy(words + 1, invocation->more, invocation->more_count * sizeof(*words));
	return sp_garden_entry_read(entry, words, 1 + invocation->more_count, err);
}

static int put_changed(const struct sp_invocation *invocation, const struct sp_garden_entry *entry,
                       bool open, struct sp_error *err)
{
	char target[SP_GARDEN_TEXT], rules[SP_GARDEN_TEXT];
	const char *zone = invocation->option[SP_OPTION_ZONE];
	bool all = !open && !invocation->more_count;

	sp_garden_put_target(target, &entry->target);
	sp_garden_put_rules(rules, entry->rule, entry->count);
	if (invocation->json)
		return sp_put_json(json_pack("{s:s, s:o, s:b, s:s?}", "entry", target, "open",
		                             all ? json_null()
		                                 : sp_garden_rules_json(entry->rule, entry->count),
		                             "in_garden", open, "zone", zone),
		                   err);
	printf("%s%s%s%s is %s the garden%s%s\n", target, all ? "" : " (", all ? "" : rules,
	       all ? "" : ")", open ? "in" : "out of", zone ? " of zone " : "", zone ? zone : "");
	return 0;
}

/* Open what was asked for, or close it. */
static int change(const struct sp_invocation *invocation, bool open, struct sp_error *err)
{
	struct sp_garden_entry entry;
	struct sp_clock clock;
	struct sp_maps maps;
	int code = read_entry(invocation, &entry, err);

	if (!code)
		code = sp_open_maps(invocation, &maps, &clock, err);
	if (code)
		return code;
	code = sp_open_zone(invocation, &maps, &entry.target.zone, err);
	if (!code && open)
		code = sp_garden_add(&maps, &entry, err);
	else if (!code)
		code = sp_garden_remove(&maps, &entry, !invocation->more_count, err);
	sp_maps_close(&maps);
	return code ? code : put_changed(invocation, &entry, open, err);
}

int sp_garden_add_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	return change(invocation, true, err);
}

int sp_garden_remove_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	return change(invocation, false, err);
}

/* The garden as it is, read in one go, and the zone that is asked for. */
static int read_set(const struct sp_invocation *invocation, const struct sp_maps *maps,
                    struct sp_garden_set *set, struct sp_garden_output *output,
                    struct sp_error *err)
{
	const struct sp_garden_maps garden = sp_garden_maps_of(maps);
	const struct sp_zone_maps zones = sp_zone_maps_of(maps);
	int code = sp_maps_lock(maps, err);

	if (code)
		return code;
	code = sp_garden_read(set, &garden, err);
	if (!code)
		code = sp_zone_names(&zones, output->zones, err);
	if (!code)
		code = sp_open_zone(invocation, maps, &output->zone, err);
	sp_maps_unlock(maps);
	return code;
}

/* With --zone: what holds there. */
static bool is_listed(const struct sp_garden_output *output, const struct sp_garden_target *target)
{
	return !output->zone || !target->zone || target->zone == output->zone;
}

static int list_names(const struct sp_garden_output *output, const struct sp_garden_set *set,
                      struct sp_error *err)
{
	int code = 0;

	for (size_t i = 0; i < set->name_count && !code; i++)
		if (is_listed(output, &set->name[i].target))
			code = sp_put_garden_name(output, &set->name[i], err);
	return code;
}

static int list_prefixes(const struct sp_garden_output *output, const struct sp_garden_set *set,
                         const struct sp_garden_maps *maps, struct sp_error *err)
{
	struct sp_garden_seen seen;
	int code = 0;

	for (size_t i = 0; i < set->count && !code; i++) {
		if (!is_listed(output, &set->prefix[i].target))
			continue;
		code = sp_garden_use(maps, set->prefix[i].now.slot, &seen, err);
		if (!code)
			code = sp_put_garden_prefix(output, &set->prefix[i], &seen, err);
	}
	return code;
}

int sp_garden_list_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_garden_set set = {.count = 0};
	struct sp_garden_output output = {.set = &set, .json = invocation->json};
	struct sp_garden_maps garden;
	struct sp_maps maps;
	int code = sp_open_maps(invocation, &maps, &output.clock, err);

	if (code)
		return code;
	garden = sp_garden_maps_of(&maps);
	code = read_set(invocation, &maps, &set, &output, err);
	if (!code) {
		sp_put_garden_header(&output);
		code = list_names(&output, &set, err);
	}
	if (!code)
		code = list_prefixes(&output, &set, &garden, err);
	sp_garden_set_free(&set);
	sp_maps_close(&maps);
	return code;
}

/* --- test --- */

static bool is_open(const struct sp_garden_rule *rule, const struct sp_clock *clock)
{
	return !rule->expires || rule->expires > clock->jiffies;
}

/* Whether one of @rules is open and allows @asked; without rules asked for, whether one is open. */
static bool any_allows(const struct sp_invocation *invocation, const struct sp_garden_rule *asked,
                       const struct sp_garden_rule *rules, uint32_t count,
                       const struct sp_clock *clock)
{
	for (uint32_t i = 0; i < count; i++)
		if (is_open(&rules[i], clock) &&
		    (!invocation->more_count || sp_garden_rule_covers(&rules[i], asked)))
			return true;
	return false;
}

/* Whether all that @entry asks for is open by one of @found, the zone's or everybody's. */
static bool prefixes_allow(const struct sp_invocation *invocation,
                           const struct sp_garden_output *output,
                           const struct sp_garden_entry *entry,
                           const struct sp_garden_prefix *const found[SP_GARDEN_PARTS])
{
	for (uint32_t i = 0; i < entry->count; i++) {
		struct sp_garden_rule asked = entry->rule[i];
		bool open = false;

		if (entry->target.family == 6 && asked.protocol == IPPROTO_ICMP)
			asked.protocol = IPPROTO_ICMPV6;
		for (unsigned k = 0; k < SP_GARDEN_PARTS; k++)
			open = open ||
			       (found[k] && any_allows(invocation, &asked, found[k]->now.rule,
			                               found[k]->now.count, &output->clock));
		if (!open)
			return false;
	}
	return true;
}

static int test_prefix(const struct sp_invocation *invocation,
                       const struct sp_garden_output *output, const struct sp_garden_entry *entry,
                       bool *open, struct sp_error *err)
{
	const struct sp_garden_prefix *found[SP_GARDEN_PARTS] = {NULL};
	struct sp_garden_target target = entry->target;

	for (unsigned i = 0; i < SP_GARDEN_PARTS; i++) {
		target.zone = i ? 0 : output->zone;
		if (!i && !output->zone)
			continue;
		found[i] = sp_garden_set_cover(output->set, &target, target.length);
	}
	*open = prefixes_allow(invocation, output, entry, found);
	return sp_put_garden_test_prefix(output, entry, found, *open, invocation->more_count > 0,
	                                 err);
}

static bool name_allows(const struct sp_invocation *invocation,
                        const struct sp_garden_output *output, const struct sp_garden_entry *entry,
                        const struct sp_garden_known_name *name)
{
	for (uint32_t i = 0; i < entry->count; i++)
		if (!any_allows(invocation, &entry->rule[i], name->now.rule, name->now.count,
		                &output->clock))
			return false;
	return true;
}

/* The first entry of @zone that @name falls under and that allows what is asked; else the first at
 * all. */
static const struct sp_garden_known_name *find_name(const struct sp_invocation *invocation,
                                                    const struct sp_garden_output *output,
                                                    const struct sp_garden_entry *entry,
                                                    uint32_t zone, bool *open)
{
	const struct sp_garden_known_name *first = NULL, *name;
	struct sp_garden_name_key key;
	unsigned at = 0;

	*open = false;
	while (!*open && sp_garden_name_next(entry->target.name, &at, &key)) {
		name = sp_garden_set_name(output->set, zone, key.name);
		if (!name)
			continue;
		*open = name_allows(invocation, output, entry, name);
		if (!first || *open)
			first = name;
	}
	return first;
}

static int test_name(const struct sp_invocation *invocation, const struct sp_garden_output *output,
                     const struct sp_garden_entry *entry, bool *open, struct sp_error *err)
{
	const struct sp_garden_known_name *own =
		find_name(invocation, output, entry, output->zone, open);
	const struct sp_garden_known_name *name = own;

	if (output->zone && !*open)
		name = find_name(invocation, output, entry, 0, open);
	return sp_put_garden_test_name(output, entry, name ? name : own, *open, err);
}

int sp_garden_test_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_garden_set set = {.count = 0};
	struct sp_garden_output output = {.set = &set, .json = invocation->json};
	struct sp_garden_entry entry;
	struct sp_maps maps;
	bool open = false;
	int code = read_entry(invocation, &entry, err);

	if (!code)
		code = sp_open_maps(invocation, &maps, &output.clock, err);
	if (code)
		return code;
	output.daemon = maps.loaded.workers > 0;
	output.bypass = maps.loaded.bypass;
	code = read_set(invocation, &maps, &set, &output, err);
	if (!code)
		code = entry.target.family ? test_prefix(invocation, &output, &entry, &open, err)
		                           : test_name(invocation, &output, &entry, &open, err);
	sp_garden_set_free(&set);
	sp_maps_close(&maps);
	if (!code && !open)
		return sp_fail(err, -EACCES, SP_EXIT_FAILED, "%s", ""); /* it is said already */
	return code;
}
