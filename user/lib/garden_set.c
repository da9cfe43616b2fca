/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/garden_set.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"

void sp_garden_set_free(struct sp_garden_set *set)
{
	free(set->prefix);
	free(set->name);
	*set = (struct sp_garden_set){.count = 0};
}

bool sp_garden_rule_is_own(const struct sp_garden_rule *rule)
{
	return !rule->name && !(rule->flags & SP_GARDEN_INHERITED);
}

/* --- finding --- */

/* By family, zone, address, length: a prefix comes before those that it covers. */
static int compare(const struct sp_garden_target *one, const struct sp_garden_target *other)
{
	int order;

	if (one->family != other->family)
		return one->family < other->family ? -1 : 1;
	if (one->zone != other->zone)
		return one->zone < other->zone ? -1 : 1;
	order = memcmp(&one->address, &other->address, sizeof(one->address));
	return order ? order : (int)one->length - (int)other->length;
}

/* The index of @target, or where it belongs. */
static size_t place(const struct sp_garden_set *set, const struct sp_garden_target *target)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&set->prefix[middle].target, target) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct sp_garden_prefix *sp_garden_set_find(const struct sp_garden_set *set,
                                            const struct sp_garden_target *target)
{
	size_t at = place(set, target);

	return at < set->count && !compare(&set->prefix[at].target, target) ? &set->prefix[at]
	                                                                    : NULL;
}

struct sp_garden_prefix *sp_garden_set_cover(const struct sp_garden_set *set,
                                             const struct sp_garden_target *target, int length)
{
	struct sp_garden_target wide = *target;

	for (; length >= 0; length--) {
		struct sp_garden_prefix *found;

		if (length > target->length || !set->lengths[target->family == 6][length])
			continue;
		sp_garden_target_widen(&wide, (uint8_t)length);
		found = sp_garden_set_find(set, &wide);
		if (found && found->now.count)
			return found;
	}
	return NULL;
}

struct sp_garden_known_name *sp_garden_set_name(const struct sp_garden_set *set, uint32_t zone,
                                                const char *name)
{
	for (size_t i = 0; i < set->name_count; i++)
		if (set->name[i].target.zone == zone && !strcmp(set->name[i].target.name, name))
			return &set->name[i];
	return NULL;
}

const char *sp_garden_set_name_of(const struct sp_garden_set *set, uint32_t number)
{
	for (size_t i = 0; i < set->name_count; i++)
		if (set->name[i].now.number == number)
			return set->name[i].target.name;
	return NULL;
}

/* --- room --- */

static int make_room(void **list, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 16;
	void *grown;

	if (*list && count < *room)
		return 0;
	grown = realloc(*list, more * size);
	if (!grown)
		return -ENOMEM;
	*list = grown;
	*room = more;
	return 0;
}

static int insert(struct sp_garden_set *set, const struct sp_garden_target *target,
                  struct sp_garden_prefix **prefix)
{
	void *list = set->prefix;
	int code = set->count < (size_t)SP_GARDEN_SLOTS ? 0 : -ENOSPC;
	size_t at;

	if (!code)
		code = make_room(&list, set->count, &set->room, sizeof(*set->prefix));
	if (code)
		return code;
	set->prefix = list;
	at = place(set, target);
	memmove(&set->prefix[at + 1], &set->prefix[at], (set->count - at) * sizeof(*set->prefix));
	set->count++;
	set->prefix[at] = (struct sp_garden_prefix){.target = *target};
	set->lengths[target->family == 6][target->length] = true;
	*prefix = &set->prefix[at];
	return 0;
}

static int insert_name(struct sp_garden_set *set, const struct sp_garden_target *target,
                       struct sp_garden_known_name **name)
{
	void *list = set->name;
	int code = make_room(&list, set->name_count, &set->name_room, sizeof(*set->name));

	if (code)
		return code;
	set->name = list;
	set->name[set->name_count] = (struct sp_garden_known_name){.target = *target};
	*name = &set->name[set->name_count++];
	return 0;
}

static bool slot_used(const struct sp_garden_set *set, uint32_t slot)
{
	return set->slots[slot / 64] >> slot % 64 & 1;
}

static void slot_set(struct sp_garden_set *set, uint32_t slot, bool used)
{
	uint64_t bit = 1ull << slot % 64;

	if (used)
		set->slots[slot / 64] |= bit;
	else
		set->slots[slot / 64] &= ~bit;
}

/* There are as many slots as prefixes can be. */
static uint32_t take_slot(struct sp_garden_set *set)
{
	while (slot_used(set, set->slot_hint % SP_GARDEN_SLOTS))
		set->slot_hint++;
	slot_set(set, set->slot_hint % SP_GARDEN_SLOTS, true);
	return set->slot_hint++ % SP_GARDEN_SLOTS;
}

/* The smallest number that no name has. */
static uint32_t free_number(const struct sp_garden_set *set)
{
	uint32_t number = 1;

	while (sp_garden_set_name_of(set, number))
		number++;
	return number;
}

struct sp_garden_totals sp_garden_set_totals(const struct sp_garden_set *set)
{
	struct sp_garden_totals totals = {0};

	for (size_t i = 0; set->prefix && i < set->count; i++) {
		if (!set->prefix[i].now.count)
			continue;
		totals.zones |= 1u << set->prefix[i].target.zone & ~1u;
		if (set->prefix[i].target.family == 4)
			totals.ipv4++;
		else
			totals.ipv6++;
	}
	for (size_t i = 0; i < set->name_count; i++)
		totals.names += set->name[i].now.count != 0;
	return totals;
}

/* --- loading --- */

static bool is_learnt_for(const struct sp_garden *garden, uint32_t number)
{
	for (uint32_t i = 0; i < garden->count; i++)
		if (garden->rule[i].name == number)
			return true;
	return false;
}

/* Count @prefix once for each name that it was learnt for. */
static void count_learnt(struct sp_garden_set *set, const struct sp_garden *garden, int step)
{
	for (uint32_t i = 0; i < garden->count; i++) {
		uint32_t number = garden->rule[i].name;
		bool first = number && number <= SP_GARDEN_NAMES;

		for (uint32_t k = 0; k < i; k++)
			first = first && garden->rule[k].name != number;
		if (first)
			set->learnt[number] += (uint32_t)step;
	}
}

int sp_garden_set_load(struct sp_garden_set *set, const struct sp_garden_target *target,
                       const struct sp_garden *value)
{
	struct sp_garden_prefix *prefix;
	int code;

	if (!value->count || value->count > SP_GARDEN_RULES || value->slot >= SP_GARDEN_SLOTS ||
	    slot_used(set, value->slot) || target->zone >= SP_ZONES)
		return -EPROTO;
	if (sp_garden_set_find(set, target))
		return -EEXIST;
	code = insert(set, target, &prefix);
	if (code)
		return code;
	prefix->now = prefix->before = *value;
	slot_set(set, value->slot, true);
	count_learnt(set, value, 1);
	return 0;
}

int sp_garden_set_load_name(struct sp_garden_set *set, const struct sp_garden_target *target,
                            const struct sp_garden_name *value)
{
	struct sp_garden_known_name *name;
	int code;

	if (!value->count || value->count > SP_GARDEN_RULES || !value->number ||
	    value->number > SP_GARDEN_NAMES || sp_garden_set_name_of(set, value->number) ||
	    target->zone >= SP_ZONES)
		return -EPROTO;
	code = insert_name(set, target, &name);
	if (code)
		return code;
	name->now = name->before = *value;
	return 0;
}

/* --- what overlaps --- */

static int overlaps(const struct sp_garden_entry *entry, const struct sp_garden_rule *rule,
                    const struct sp_garden_target *target, const struct sp_garden_rule *there,
                    struct sp_error *err)
{
	char new_target[SP_GARDEN_TEXT], new_rule[SP_GARDEN_TEXT];
	char old_target[SP_GARDEN_TEXT], old_rule[SP_GARDEN_TEXT];
	bool same = !strcmp(sp_garden_put_target(new_target, &entry->target),
	                    sp_garden_put_target(old_target, target));

	sp_garden_put_rules(new_rule, rule, 1);
	sp_garden_put_rules(old_rule, there, 1);
	if (same && sp_garden_rule_same(rule, there))
		return sp_fail(err, -EEXIST, SP_EXIT_FAILED, "%s (%s) is in the garden already",
		               new_target, new_rule);
	if (sp_garden_rule_covers(there, rule) && sp_garden_target_covers(target, &entry->target))
		return sp_fail(err, -EEXIST, SP_EXIT_FAILED,
		               "%s (%s) is open already: it lies in %s (%s)", new_target, new_rule,
		               old_target, old_rule);
	return sp_fail(
		err, -EEXIST, SP_EXIT_FAILED,
		"%s (%s) covers %s (%s), which would be of no use any more: remove that first",
		new_target, new_rule, old_target, old_rule);
}

/* Compare @entry with one that is there. */
int sp_garden_check_pair(const struct sp_garden_entry *entry, const struct sp_garden_target *target,
                         const struct sp_garden_rule *rules, uint32_t count, struct sp_error *err)
{
	bool inside = sp_garden_target_covers(target, &entry->target);
	bool around = sp_garden_target_covers(&entry->target, target);

	for (uint32_t i = 0; i < count && (inside || around); i++) {
		if (!sp_garden_rule_is_own(&rules[i]))
			continue;
		for (uint32_t k = 0; k < entry->count; k++)
			if ((inside && sp_garden_rule_covers(&rules[i], &entry->rule[k])) ||
			    (around && sp_garden_rule_covers(&entry->rule[k], &rules[i])))
				return overlaps(entry, &entry->rule[k], target, &rules[i], err);
	}
	return 0;
}

int sp_garden_set_check_new(const struct sp_garden_set *set, const struct sp_garden_entry *entry,
                            struct sp_error *err)
{
	int code = 0;

	for (size_t i = 0; i < set->count && entry->target.family && !code; i++)
		code = sp_garden_check_pair(entry, &set->prefix[i].target, set->prefix[i].now.rule,
		                            set->prefix[i].now.count, err);
	for (size_t i = 0; i < set->name_count && !entry->target.family && !code; i++)
		code = sp_garden_check_pair(entry, &set->name[i].target, set->name[i].now.rule,
		                            set->name[i].now.count, err);
	return code;
}

/* --- adding and removing --- */

static int too_many_rules(const struct sp_garden_target *target, struct sp_error *err)
{
	char text[SP_GARDEN_TEXT];

	return sp_fail(
		err, -ENOSPC, SP_EXIT_FAILED,
		"%s would have more than %u rules, its own and those of the prefixes that it "
		"lies in: open more of it with fewer rules",
		sp_garden_put_target(text, target), SP_GARDEN_RULES);
}

/* As it stands in the map of the family. */
static struct sp_garden_rule of_family(const struct sp_garden_rule *rule, uint8_t family)
{
	struct sp_garden_rule own = *rule;

	if (family == 6 && own.protocol == IPPROTO_ICMP)
		own.protocol = IPPROTO_ICMPV6;
	return own;
}

/* Add @rule, or take over the one that is there. */
static int add_rule(struct sp_garden_rule *rules, uint32_t *count,
                    const struct sp_garden_rule *rule)
{
	for (uint32_t i = 0; i < *count; i++) {
		if (!sp_garden_rule_is_own(&rules[i]) || !sp_garden_rule_same(&rules[i], rule))
			continue;
		rules[i].flags |= rule->flags;
		return 0;
	}
	if (*count == SP_GARDEN_RULES)
		return -ENOSPC;
	rules[(*count)++] = *rule;
	return 0;
}

static int add_to_prefix(struct sp_garden_set *set, const struct sp_garden_target *target,
                         const struct sp_garden_rule *rule, struct sp_error *err)
{
	struct sp_garden_prefix *prefix = sp_garden_set_find(set, target);
	struct sp_garden_totals totals = sp_garden_set_totals(set);
	uint32_t used = target->family == 4 ? totals.ipv4 : totals.ipv6;
	struct sp_garden_rule own = of_family(rule, target->family);

	if ((!prefix || !prefix->now.count) && used == SP_GARDEN_PREFIXES)
		return sp_fail(err, -ENOSPC, SP_EXIT_FAILED,
		               "the garden holds %u IPv%u prefixes, more do not fit: remove some",
		               SP_GARDEN_PREFIXES, target->family);
	if (!prefix) {
		int code = insert(set, target, &prefix);

		if (code)
			return sp_fail(err, code, SP_EXIT_FAILED, "no room for another prefix: %s",
			               strerror(-code));
		prefix->now.slot = take_slot(set);
	}
	/* What it inherits and has learnt must not take the room: that is worked out anew. */
	for (uint32_t i = prefix->now.count; i-- > 0;) {
		struct sp_garden_rule *one = &prefix->now.rule[i];

		if (one->flags & SP_GARDEN_INHERITED)
			*one = prefix->now.rule[--prefix->now.count];
	}
	return add_rule(prefix->now.rule, &prefix->now.count, &own) ? too_many_rules(target, err)
	                                                            : 0;
}

static int add_to_name(struct sp_garden_set *set, const struct sp_garden_target *target,
                       const struct sp_garden_rule *rule, struct sp_error *err)
{
	struct sp_garden_known_name *name = sp_garden_set_name(set, target->zone, target->name);

	if (!name && set->name_count == SP_GARDEN_NAMES)
		return sp_fail(err, -ENOSPC, SP_EXIT_FAILED,
		               "the garden holds %u names, more do not fit: use *.name, or remove "
		               "some",
		               SP_GARDEN_NAMES);
	if (!name) {
		uint32_t number = free_number(set);
		int code = insert_name(set, target, &name);

		if (code)
			return sp_fail(err, code, SP_EXIT_FAILED, "out of memory");
		name->now.number = number;
	}
	return add_rule(name->now.rule, &name->now.count, rule) ? too_many_rules(target, err) : 0;
}

int sp_garden_set_add(struct sp_garden_set *set, const struct sp_garden_entry *entry, uint8_t flags,
                      struct sp_error *err)
{
	int code = 0;

	for (uint32_t i = 0; i < entry->count && !code; i++) {
		struct sp_garden_rule rule = entry->rule[i];

		rule.flags = flags;
		code = entry->target.family ? add_to_prefix(set, &entry->target, &rule, err)
		                            : add_to_name(set, &entry->target, &rule, err);
	}
	return code;
}

/* Drop the own rules like @rule (NULL: all). Returns how many. */
static uint32_t drop_own(struct sp_garden_rule *rules, uint32_t *count,
                         const struct sp_garden_rule *rule)
{
	uint32_t kept = 0, was = *count;

	for (uint32_t i = 0; i < was; i++)
		if (!sp_garden_rule_is_own(&rules[i]) ||
		    (rule && !sp_garden_rule_same(&rules[i], rule)))
			rules[kept++] = rules[i];
	*count = kept;
	return was - kept;
}

/* Close what was learnt for the name @number; @rule NULL: all of it. */
static void unlearn(struct sp_garden_set *set, uint32_t number, const struct sp_garden_rule *rule)
{
	for (size_t i = 0; i < set->count; i++) {
		struct sp_garden_prefix *prefix = &set->prefix[i];
		struct sp_garden *now = &prefix->now;
		struct sp_garden_rule like;
		uint32_t kept = 0;

		if (!is_learnt_for(now, number))
			continue;
		if (rule)
			like = of_family(rule, prefix->target.family);
		count_learnt(set, now, -1);
		for (uint32_t k = 0; k < now->count; k++)
			if (now->rule[k].name != number ||
			    (rule && !sp_garden_rule_same(&now->rule[k], &like)))
				now->rule[kept++] = now->rule[k];
		now->count = kept;
		count_learnt(set, now, 1);
	}
}

static int nothing_there(const struct sp_garden_target *target, const struct sp_garden_rule *rule,
                         struct sp_error *err)
{
	char text[SP_GARDEN_TEXT], rules[SP_GARDEN_TEXT];

	if (!rule)
		return sp_fail(err, -ENOENT, SP_EXIT_NOT_FOUND,
		               "%s is no entry of the garden; `sallyport garden list` shows them",
		               sp_garden_put_target(text, target));
	return sp_fail(err, -ENOENT, SP_EXIT_NOT_FOUND,
	               "%s has no rule %s of its own in the garden; `sallyport garden list` shows "
	               "them",
	               sp_garden_put_target(text, target), sp_garden_put_rules(rules, rule, 1));
}

int sp_garden_set_remove(struct sp_garden_set *set, const struct sp_garden_target *target,
                         const struct sp_garden_rule *rule, struct sp_error *err)
{
	struct sp_garden_prefix *prefix = target->family ? sp_garden_set_find(set, target) : NULL;
	struct sp_garden_known_name *name = sp_garden_set_name(set, target->zone, target->name);
	struct sp_garden_rule own;
	uint32_t dropped = 0;

	if (rule)
		own = of_family(rule, target->family);
	if (prefix) {
		dropped = drop_own(prefix->now.rule, &prefix->now.count, rule ? &own : NULL);
	} else if (name) {
		dropped = drop_own(name->now.rule, &name->now.count, rule);
		if (dropped)
			unlearn(set, name->now.number, rule);
	}
	return dropped ? 0 : nothing_there(target, rule, err);
}

/* --- learning --- */

/* The rule of @name like @rule that @now has, or a new one. NULL: no room. */
static struct sp_garden_rule *learnt_rule(struct sp_garden *now, uint16_t name,
                                          const struct sp_garden_rule *rule)
{
	struct sp_garden_rule *one;

	for (uint32_t i = 0; i < now->count; i++)
		if (now->rule[i].name == name && sp_garden_rule_same(&now->rule[i], rule))
			return &now->rule[i];
	if (now->count == SP_GARDEN_RULES)
		return NULL;
	one = &now->rule[now->count++];
	*one = *rule;
	one->name = name;
	one->flags = 0;
	return one;
}

int sp_garden_set_learn(struct sp_garden_set *set, struct sp_garden_known_name *name,
                        const struct sp_address *address, uint64_t expires, uint32_t lease,
                        uint32_t most)
{
	bool ipv4 = sp_address_is_ipv4(address);
	const struct sp_garden_target target = {
		.address = *address,
		.zone = name->target.zone,
		.family = ipv4 ? 4 : 6,
		.length = ipv4 ? 32 : 128,
	};
	struct sp_garden_prefix *prefix = sp_garden_set_find(set, &target);
	uint32_t number = name->now.number;
	int code = 0;

	if ((!prefix || !is_learnt_for(&prefix->now, number)) && set->learnt[number] >= most)
		return -ENOSPC;
	if (!prefix) {
		struct sp_garden_totals totals = sp_garden_set_totals(set);

		if ((ipv4 ? totals.ipv4 : totals.ipv6) >= SP_GARDEN_PREFIXES)
			return -ENOSPC;
		code = insert(set, &target, &prefix);
		if (code)
			return code;
		prefix->now.slot = take_slot(set);
	}
	count_learnt(set, &prefix->now, -1);
	for (uint32_t i = 0; i < name->now.count; i++) {
		struct sp_garden_rule like = of_family(&name->now.rule[i], target.family);
		struct sp_garden_rule *rule = learnt_rule(&prefix->now, (uint16_t)number, &like);

		if (!rule) {
			code = -ENOSPC;
			break;
		}
		if (expires > rule->expires)
			rule->expires = expires;
		rule->lease = lease;
	}
	sp_garden_set_settle_one(set, prefix, NULL);
	count_learnt(set, &prefix->now, 1);
	return code;
}

/* --- what is inherited --- */

static bool is_covered(const struct sp_garden *garden, const struct sp_garden_rule *rule)
{
	for (uint32_t i = 0; i < garden->count; i++)
		if (!garden->rule[i].name && sp_garden_rule_covers(&garden->rule[i], rule))
			return true;
	return false;
}

/*
 * In this order: its own, those of wider prefixes, those learnt. What is open for good need not be
 * learnt; of the learnt ones those that do not fit are left out, they are asked for again.
 */
int sp_garden_set_settle_one(const struct sp_garden_set *set, struct sp_garden_prefix *prefix,
                             struct sp_error *err)
{
	const struct sp_garden_prefix *wider =
		sp_garden_set_cover(set, &prefix->target, prefix->target.length - 1);
	const struct sp_garden was = prefix->now;
	struct sp_garden now = {.slot = was.slot};

	for (uint32_t i = 0; i < was.count; i++)
		if (sp_garden_rule_is_own(&was.rule[i]))
			now.rule[now.count++] = was.rule[i];
	for (uint32_t i = 0; wider && i < wider->now.count; i++) {
		if (is_covered(&now, &wider->now.rule[i]))
			continue;
		if (now.count == SP_GARDEN_RULES)
			return too_many_rules(&prefix->target, err);
		now.rule[now.count] = wider->now.rule[i];
		now.rule[now.count++].flags = SP_GARDEN_INHERITED;
	}
	for (uint32_t i = 0; i < was.count && now.count < SP_GARDEN_RULES; i++)
		if (was.rule[i].name && !is_covered(&now, &was.rule[i]))
			now.rule[now.count++] = was.rule[i];
	/* A prefix that only repeats others is of no use. */
	if (now.count && now.rule[0].flags & SP_GARDEN_INHERITED &&
	    now.rule[now.count - 1].flags & SP_GARDEN_INHERITED)
		now.count = 0;
	for (uint32_t i = now.count; i < SP_GARDEN_RULES; i++)
		now.rule[i] = (struct sp_garden_rule){.expires = 0};
	prefix->now = now;
	return 0;
}

int sp_garden_set_settle(struct sp_garden_set *set, struct sp_error *err)
{
	int code = 0;

	memset(set->learnt, 0, sizeof(set->learnt));
	for (size_t i = 0; i < set->count && !code; i++) {
		code = sp_garden_set_settle_one(set, &set->prefix[i], err);
		count_learnt(set, &set->prefix[i].now, 1);
	}
	return code;
}

bool sp_garden_set_changed(const struct sp_garden_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (memcmp(&set->prefix[i].now, &set->prefix[i].before, sizeof(struct sp_garden)) !=
		    0)
			return true;
	for (size_t i = 0; i < set->name_count; i++)
		if (memcmp(&set->name[i].now, &set->name[i].before,
		           sizeof(struct sp_garden_name)) != 0)
			return true;
	return false;
}

void sp_garden_set_written(struct sp_garden_set *set)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct sp_garden_prefix *prefix = &set->prefix[i];

		prefix->before = prefix->now;
		if (prefix->now.count)
			set->prefix[kept++] = *prefix;
		else
			slot_set(set, prefix->now.slot, false);
	}
	set->count = kept;
	kept = 0;
	for (size_t i = 0; i < set->name_count; i++) {
		set->name[i].before = set->name[i].now;
		if (set->name[i].now.count)
			set->name[kept++] = set->name[i];
	}
	set->name_count = kept;
}
