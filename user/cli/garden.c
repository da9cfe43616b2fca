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
	bool all = !open && !invocation->more_count;

	sp_garden_put_target(target, &entry->target);
	sp_garden_put_rules(rules, entry->rule, entry->count);
	if (invocation->json)
		return sp_put_json(json_pack("{s:s, s:o, s:b}", "entry", target, "open",
		                             all ? json_null()
		                                 : sp_garden_rules_json(entry->rule, entry->count),
		                             "in_garden", open),
		                   err);
	if (all)
		printf("%s is out of the garden\n", target);
	else
		printf("%s (%s) is %s the garden\n", target, rules, open ? "in" : "out of");
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
	if (open)
		code = sp_garden_add(&maps, &entry, err);
	else
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

/* The garden as it is, read in one go. */
static int read_set(const struct sp_maps *maps, struct sp_garden_set *set, struct sp_error *err)
{
	const struct sp_garden_maps garden = sp_garden_maps_of(maps);
	int code = sp_maps_lock(maps, err);

	if (code)
		return code;
	code = sp_garden_read(set, &garden, err);
	sp_maps_unlock(maps);
	return code;
}

static int list_names(const struct sp_garden_output *output, const struct sp_garden_set *set,
                      struct sp_error *err)
{
	int code = 0;

	for (size_t i = 0; i < set->name_count && !code; i++)
		code = sp_put_garden_name(output, &set->name[i], err);
	return code;
}

static int list_prefixes(const struct sp_garden_output *output, const struct sp_garden_set *set,
                         const struct sp_garden_maps *maps, struct sp_error *err)
{
	struct sp_garden_seen seen;
	int code = 0;

	for (size_t i = 0; i < set->count && !code; i++) {
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
	code = read_set(&maps, &set, err);
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

/* Whether all that @entry asks for is among @rules; without rules asked for, whether any is. */
static bool allows(const struct sp_invocation *invocation, const struct sp_garden_entry *entry,
                   const struct sp_garden_rule *rules, uint32_t count, const struct sp_clock *clock)
{
	for (uint32_t i = 0; i < entry->count; i++) {
		struct sp_garden_rule asked = entry->rule[i];
		bool found = false;

		if (entry->target.family == 6 && asked.protocol == IPPROTO_ICMP)
			asked.protocol = IPPROTO_ICMPV6;
		for (uint32_t k = 0; k < count; k++)
			found = found || (is_open(&rules[k], clock) &&
			                  (!invocation->more_count ||
			                   sp_garden_rule_covers(&rules[k], &asked)));
		if (!found)
			return false;
	}
	return true;
}

static int test_prefix(const struct sp_invocation *invocation,
                       const struct sp_garden_output *output, const struct sp_garden_entry *entry,
                       bool *open, struct sp_error *err)
{
	const struct sp_garden_prefix *prefix =
		sp_garden_set_cover(output->set, &entry->target, entry->target.length);

	*open = prefix &&
	        allows(invocation, entry, prefix->now.rule, prefix->now.count, &output->clock);
	return sp_put_garden_test_prefix(output, entry, prefix, *open, invocation->more_count > 0,
	                                 err);
}

/* The first entry that @name falls under and that allows what is asked; else the first at all. */
static const struct sp_garden_known_name *find_name(const struct sp_invocation *invocation,
                                                    const struct sp_garden_output *output,
                                                    const struct sp_garden_entry *entry, bool *open)
{
	const struct sp_garden_known_name *first = NULL, *name;
	struct sp_garden_name_key key;
	unsigned at = 0;

	*open = false;
	while (!*open && sp_garden_name_next(entry->target.name, &at, &key)) {
		name = sp_garden_set_name(output->set, 0, key.name);
		if (!name)
			continue;
		*open = allows(invocation, entry, name->now.rule, name->now.count, &output->clock);
		if (!first || *open)
			first = name;
	}
	return first;
}

static int test_name(const struct sp_invocation *invocation, const struct sp_garden_output *output,
                     const struct sp_garden_entry *entry, bool *open, struct sp_error *err)
{
	const struct sp_garden_known_name *name = find_name(invocation, output, entry, open);

	return sp_put_garden_test_name(output, entry, name, *open, err);
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
	code = read_set(&maps, &set, err);
	if (!code)
		code = entry.target.family ? test_prefix(invocation, &output, &entry, &open, err)
		                           : test_name(invocation, &output, &entry, &open, err);
	sp_garden_set_free(&set);
	sp_maps_close(&maps);
	if (!code && !open)
		return sp_fail(err, -EACCES, SP_EXIT_FAILED, "%s", ""); /* it is said already */
	return code;
}
