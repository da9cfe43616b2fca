/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/garden.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "lib/address.h"

/* Of either family. */
union key {
	struct sp_garden4_key ipv4;
	struct sp_garden6_key ipv6;
	struct {
		uint32_t length, zone;
	} head;
};

struct sp_garden_maps sp_garden_maps_of(const struct sp_maps *maps)
{
	return (struct sp_garden_maps){
		.garden4 = maps->garden4,
		.garden6 = maps->garden6,
		.seen = maps->garden_seen,
		.names = maps->garden_names,
		.settings = maps->settings,
	};
}

static int failed(int code, const char *what, const char *map, struct sp_error *err)
{
	return sp_fail(err, code, code == -EPERM ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
	               "cannot %s the map %s: %s", what, map, strerror(-code));
}

static int map_of(const struct sp_garden_maps *maps, const struct sp_garden_target *target)
{
	return target->family == 4 ? maps->garden4 : maps->garden6;
}

static const char *map_name(const struct sp_garden_target *target)
{
	return target->family == 4 ? "garden4" : "garden6";
}

static void to_key(union key *key, const struct sp_garden_target *target)
{
	key->head.length = SP_GARDEN_ZONE_BITS + target->length;
	key->head.zone = target->zone;
	if (target->family == 4)
		memcpy(key->ipv4.address, &target->address.word[3], sizeof(key->ipv4.address));
	else
		memcpy(key->ipv6.address, &target->address, sizeof(key->ipv6.address));
}

static void of_key(struct sp_garden_target *target, const union key *key, uint8_t family)
{
	*target = (struct sp_garden_target){
		.family = family,
		.zone = key->head.zone,
		.length = (uint8_t)(key->head.length - SP_GARDEN_ZONE_BITS),
	};
	if (family == 4)
		memcpy(&target->address.word[3], key->ipv4.address, sizeof(key->ipv4.address));
	else
		memcpy(&target->address, key->ipv6.address, sizeof(key->ipv6.address));
	if (family == 4)
		target->address.word[2] = htonl(0xffff);
}

/* --- reading --- */

static int read_prefixes(struct sp_garden_set *set, int map, uint8_t family, struct sp_error *err)
{
	struct sp_garden_target target;
	struct sp_garden value;
	union key key, next;
	int code = bpf_map_get_next_key(map, NULL, &next);

	while (!code) {
		key = next;
		of_key(&target, &key, family);
		code = bpf_map_lookup_elem(map, &key, &value);
		if (!code)
			code = sp_garden_set_load(set, &target, &value);
		if (code)
			return failed(code, "read", map_name(&target), err);
		code = bpf_map_get_next_key(map, &key, &next);
	}
	return code == -ENOENT ? 0 : failed(code, "read", family == 4 ? "garden4" : "garden6", err);
}

static int read_names(struct sp_garden_set *set, int map, struct sp_error *err)
{
	struct sp_garden_target target = {.family = 0};
	struct sp_garden_name_key key, next;
	struct sp_garden_name value;
	int code = bpf_map_get_next_key(map, NULL, &next);

	while (!code) {
		key = next;
		target.zone = key.zone;
		memcpy(target.name, key.name, sizeof(target.name));
		code = target.name[sizeof(target.name) - 1]
		               ? -EPROTO
		               : bpf_map_lookup_elem(map, &key, &value);
		if (!code)
			code = sp_garden_set_load_name(set, &target, &value);
		if (!code)
			code = bpf_map_get_next_key(map, &key, &next);
	}
	return code == -ENOENT ? 0 : failed(code, "read", "garden_names", err);
}

static int read_generation(const struct sp_garden_maps *maps, uint32_t *generation,
                           struct sp_error *err)
{
	struct sp_settings settings;
	uint32_t zero = 0;
	int code = bpf_map_lookup_elem(maps->settings, &zero, &settings);

	*generation = code ? 0 : settings.garden_generation;
	return code ? failed(code, "read", "settings", err) : 0;
}

int sp_garden_read(struct sp_garden_set *set, const struct sp_garden_maps *maps,
                   struct sp_error *err)
{
	int code;

	sp_garden_set_free(set);
	code = read_generation(maps, &set->generation, err);
	if (!code)
		code = read_prefixes(set, maps->garden4, 4, err);
	if (!code)
		code = read_prefixes(set, maps->garden6, 6, err);
	return code ? code : read_names(set, maps->names, err);
}

int sp_garden_use(const struct sp_garden_maps *maps, uint32_t slot, struct sp_garden_seen *seen,
                  struct sp_error *err)
{
	int code = bpf_map_lookup_elem(maps->seen, &slot, seen);

	return code ? failed(code, "read", "garden_seen", err) : 0;
}

/* --- writing --- */

/* Put @value into the map, or remove the prefix if it has no rules. */
static int put_prefix(const struct sp_garden_maps *maps, const struct sp_garden_target *target,
                      const struct sp_garden *value)
{
	union key key;
	int code;

	to_key(&key, target);
	if (value->count)
		return bpf_map_update_elem(map_of(maps, target), &key, value, BPF_ANY);
	code = bpf_map_delete_elem(map_of(maps, target), &key);
	return code == -ENOENT ? 0 : code;
}

/* A slot that nobody has is not written by the datapath: it begins with zero. */
static int write_prefix(const struct sp_garden_maps *maps, const struct sp_garden_prefix *prefix)
{
	static const struct sp_garden_seen none;
	int code = 0;

	if (!memcmp(&prefix->now, &prefix->before, sizeof(prefix->now)) ||
	    (!prefix->now.count && !prefix->before.count))
		return 0;
	if (!prefix->before.count)
		code = bpf_map_update_elem(maps->seen, &prefix->now.slot, &none, BPF_ANY);
	return code ? code : put_prefix(maps, &prefix->target, &prefix->now);
}

static int put_name(const struct sp_garden_maps *maps, const struct sp_garden_target *target,
                    const struct sp_garden_name *value)
{
	struct sp_garden_name_key key = {.zone = target->zone};
	int code;

	memcpy(key.name, target->name, sizeof(key.name));
	if (value->count)
		return bpf_map_update_elem(maps->names, &key, value, BPF_ANY);
	code = bpf_map_delete_elem(maps->names, &key);
	return code == -ENOENT ? 0 : code;
}

/* Tell the datapath how much there is, and everybody else that something has changed. */
static int write_settings(struct sp_garden_set *set, const struct sp_garden_maps *maps)
{
	struct sp_garden_totals totals = sp_garden_set_totals(set);
	struct sp_settings settings;
	uint32_t zero = 0;
	int code = bpf_map_lookup_elem(maps->settings, &zero, &settings);

	if (code)
		return code;
	settings.garden4 = totals.ipv4;
	settings.garden6 = totals.ipv6;
	settings.garden_names = totals.names;
	settings.garden_zones = totals.zones;
	set->generation = ++settings.garden_generation;
	return bpf_map_update_elem(maps->settings, &zero, &settings, BPF_EXIST);
}

static void take_back(const struct sp_garden_set *set, const struct sp_garden_maps *maps)
{
	for (size_t i = 0; i < set->count; i++)
		if (memcmp(&set->prefix[i].now, &set->prefix[i].before, sizeof(struct sp_garden)) !=
		    0)
			put_prefix(maps, &set->prefix[i].target, &set->prefix[i].before);
	for (size_t i = 0; i < set->name_count; i++)
		put_name(maps, &set->name[i].target, &set->name[i].before);
}

int sp_garden_write(struct sp_garden_set *set, const struct sp_garden_maps *maps,
                    struct sp_error *err)
{
	const char *map = "settings";
	int code = 0;

	for (size_t i = 0; i < set->count && !code; i++) {
		map = map_name(&set->prefix[i].target);
		code = write_prefix(maps, &set->prefix[i]);
	}
	for (size_t i = 0; i < set->name_count && !code; i++) {
		const struct sp_garden_known_name *name = &set->name[i];

		map = "garden_names";
		if (memcmp(&name->now, &name->before, sizeof(name->now)) != 0)
			code = put_name(maps, &name->target, &name->now);
	}
	if (!code)
		code = write_settings(set, maps);
	if (code) {
		take_back(set, maps);
		return failed(code, "write", map, err);
	}
	sp_garden_set_written(set);
	return 0;
}

/* --- the operator's changes --- */

static int add(struct sp_garden_set *set, const struct sp_garden_entry *entry, struct sp_error *err)
{
	int code = sp_garden_set_check_new(set, entry, err);

	return code ? code : sp_garden_set_add(set, entry, 0, err);
}

enum change { ADD, REMOVE_RULES, REMOVE_ALL };

static int remove_rules(struct sp_garden_set *set, const struct sp_garden_entry *entry,
                        struct sp_error *err)
{
	int code = 0;

	for (uint32_t i = 0; i < entry->count && !code; i++)
		code = sp_garden_set_remove(set, &entry->target, &entry->rule[i], err);
	return code;
}

static int apply(struct sp_garden_set *set, enum change change, const struct sp_garden_entry *entry,
                 struct sp_error *err)
{
	switch (change) {
	case ADD:
		return add(set, entry, err);
	case REMOVE_RULES:
		return remove_rules(set, entry, err);
	default:
		return sp_garden_set_remove(set, &entry->target, NULL, err);
	}
}

static int settle_and_write(struct sp_garden_set *set, const struct sp_garden_maps *maps,
                            struct sp_error *err)
{
	int code = sp_garden_set_settle(set, err);

	return code ? code : sp_garden_write(set, maps, err);
}

static int change_garden(const struct sp_maps *maps, enum change change,
                         const struct sp_garden_entry *entry, struct sp_error *err)
{
	const struct sp_garden_maps garden = sp_garden_maps_of(maps);
	struct sp_garden_set set = {.count = 0};
	int code = sp_maps_lock(maps, err);

	if (code)
		return code;
	code = sp_garden_read(&set, &garden, err);
	if (!code)
		code = apply(&set, change, entry, err);
	if (!code)
		code = settle_and_write(&set, &garden, err);
	sp_maps_unlock(maps);
	sp_garden_set_free(&set);
	return code;
}

int sp_garden_add(const struct sp_maps *maps, const struct sp_garden_entry *entry,
                  struct sp_error *err)
{
	return change_garden(maps, ADD, entry, err);
}

int sp_garden_remove(const struct sp_maps *maps, const struct sp_garden_entry *entry, bool all,
                     struct sp_error *err)
{
	return change_garden(maps, all ? REMOVE_ALL : REMOVE_RULES, entry, err);
}

/* --- the configuration --- */

/* Whether @list has this rule of @target. */
static bool is_configured(const struct sp_garden_target *target, const struct sp_garden_rule *rule,
                          const struct sp_garden_entry *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (!sp_garden_target_covers(&list[i].target, target) ||
		    !sp_garden_target_covers(target, &list[i].target))
			continue;
		for (uint32_t k = 0; k < list[i].count; k++)
			if (sp_garden_rule_same(&list[i].rule[k], rule))
				return true;
	}
	return false;
}

/* Remove those of @rules that are of the configuration and that it has no more. @rules is a copy.
 */
static int remove_old(struct sp_garden_set *set, const struct sp_garden_target *target,
                      const struct sp_garden_rule *rules, uint32_t rule_count,
                      const struct sp_garden_entry *list, unsigned count, struct sp_error *err)
{
	int code = 0;

	for (uint32_t i = 0; i < rule_count && !code; i++) {
		struct sp_garden_rule rule = rules[i];

		if (!sp_garden_rule_is_own(&rule) || !(rule.flags & SP_GARDEN_CONFIG))
			continue;
		if (rule.protocol == IPPROTO_ICMPV6)
			rule.protocol = IPPROTO_ICMP;
		if (!is_configured(target, &rule, list, count))
			code = sp_garden_set_remove(set, target, &rule, err);
	}
	return code;
}

static int remove_all_old(struct sp_garden_set *set, const struct sp_garden_entry *list,
                          unsigned count, struct sp_error *err)
{
	int code = 0;

	for (size_t i = 0; i < set->count && !code; i++) {
		const struct sp_garden now = set->prefix[i].now;

		code = remove_old(set, &set->prefix[i].target, now.rule, now.count, list, count,
		                  err);
	}
	for (size_t i = 0; i < set->name_count && !code; i++) {
		const struct sp_garden_name now = set->name[i].now;

		code = remove_old(set, &set->name[i].target, now.rule, now.count, list, count, err);
	}
	return code;
}

int sp_garden_configure(const struct sp_garden_maps *maps, const struct sp_garden_entry *list,
                        unsigned count, struct sp_error *err)
{
	struct sp_garden_set set = {.count = 0};
	int code = sp_garden_read(&set, maps, err);

	if (!code)
		code = remove_all_old(&set, list, count, err);
	for (unsigned i = 0; i < count && !code; i++)
		code = sp_garden_set_add(&set, &list[i], SP_GARDEN_CONFIG, err);
	if (!code)
		code = settle_and_write(&set, maps, err);
	sp_garden_set_free(&set);
	return code;
}
