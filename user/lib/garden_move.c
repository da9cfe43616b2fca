/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/garden_move.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

static bool moves(const struct sp_garden_moved *moved, const struct sp_garden_target *target)
{
	return moved->to[target->zone] != target->zone;
}

static int remember(struct sp_garden_moved *moved, const struct sp_garden_entry *entry)
{
	unsigned room = moved->room ? moved->room * 2 : 16;

	if (!entry->count)
		return 0;
	if (moved->count == moved->room) {
		struct sp_garden_entry *grown = realloc(moved->entry, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		moved->entry = grown;
		moved->room = room;
	}
	moved->entry[moved->count++] = *entry;
	return 0;
}

static int take(struct sp_garden_moved *moved, const struct sp_garden_target *target,
                const struct sp_garden_rule *rules, uint32_t count)
{
	struct sp_garden_entry entry = {.target = *target};

	for (uint32_t i = 0; i < count; i++) {
		struct sp_garden_rule rule = rules[i];

		if (!sp_garden_rule_is_own(&rule))
			continue;
		if (rule.protocol == IPPROTO_ICMPV6)
			rule.protocol = IPPROTO_ICMP;
		entry.rule[entry.count++] = rule;
	}
	return remember(moved, &entry);
}

static int take_all(struct sp_garden_set *set, struct sp_garden_moved *moved)
{
	int code = 0;

	for (size_t i = 0; i < set->count && !code; i++) {
		struct sp_garden_prefix *prefix = &set->prefix[i];

		if (!moves(moved, &prefix->target))
			continue;
		code = take(moved, &prefix->target, prefix->now.rule, prefix->now.count);
		prefix->now.count = 0;
	}
	for (size_t i = 0; i < set->name_count && !code; i++) {
		struct sp_garden_known_name *name = &set->name[i];

		if (!moves(moved, &name->target))
			continue;
		code = take(moved, &name->target, name->now.rule, name->now.count);
		name->now.count = 0;
	}
	return code;
}

int sp_garden_take_out(const struct sp_garden_maps *maps, struct sp_garden_moved *moved,
                       struct sp_error *err)
{
	struct sp_garden_set set = {.count = 0};
	int code = sp_garden_read(&set, maps, err);

	if (!code && take_all(&set, moved))
		code = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (!code && sp_garden_set_changed(&set))
		code = sp_garden_write(&set, maps, err);
	sp_garden_set_free(&set);
	return code;
}

/* Those of the command line; of the configuration only if it is the old one. */
static int put_entry(struct sp_garden_set *set, const struct sp_garden_entry *entry, uint32_t zone,
                     bool undo, struct sp_error *err)
{
	struct sp_garden_entry one = {.target = entry->target, .count = 1};
	int code = 0;

	one.target.zone = zone;
	for (uint32_t i = 0; i < entry->count && zone < SP_ZONES && !code; i++) {
		one.rule[0] = entry->rule[i];
		if (undo || !(entry->rule[i].flags & SP_GARDEN_CONFIG))
			code = sp_garden_set_add(set, &one, entry->rule[i].flags, err);
	}
	return code;
}

int sp_garden_put_back(const struct sp_garden_maps *maps, const struct sp_garden_moved *moved,
                       bool undo, struct sp_error *err)
{
	struct sp_garden_set set = {.count = 0};
	int code = moved->count ? sp_garden_read(&set, maps, err) : 0;

	for (unsigned i = 0; i < moved->count && !code; i++) {
		const struct sp_garden_entry *entry = &moved->entry[i];
		uint32_t before = entry->target.zone;

		code = put_entry(&set, entry, undo ? before : moved->to[before], undo, err);
	}
	if (!code && moved->count)
		code = sp_garden_set_settle(&set, err);
	if (!code && moved->count)
		code = sp_garden_write(&set, maps, err);
	sp_garden_set_free(&set);
	return code;
}

void sp_garden_moved_free(struct sp_garden_moved *moved)
{
	free(moved->entry);
	*moved = (struct sp_garden_moved){.entry = NULL};
}
