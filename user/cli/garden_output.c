/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/garden_output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "lib/text.h"

/* What a prefix has of one source: the command line, the configuration, or a name. */
struct share {
	struct sp_garden_rule rule[SP_GARDEN_RULES];
	uint32_t count;
	uint64_t expires; /* jiffies; 0: never */
};

#define FROM_CLI    "command line"
#define FROM_CONFIG "configuration"

json_t *sp_garden_rules_json(const struct sp_garden_rule *rules, uint32_t count)
{
	json_t *array = json_array();
	char text[SP_GARDEN_TEXT];

	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(sp_garden_put_rules(text, &rules[i], 1)));
	return array;
}

/* Where @rule comes from: a name, or the operator. */
static const char *source_of(const struct sp_garden_set *set, const struct sp_garden_rule *rule)
{
	const char *name = rule->name ? sp_garden_set_name_of(set, rule->name) : NULL;

	if (name)
		return name;
	return rule->flags & SP_GARDEN_CONFIG ? FROM_CONFIG : FROM_CLI;
}

static bool same_source(const struct sp_garden_rule *one, const struct sp_garden_rule *other)
{
	return one->name == other->name && one->flags == other->flags;
}

/* The rules that are from where @rules[@from] is from; count 0: they were shown already, or are
 * only inherited. */
static struct share share_of(const struct sp_garden_rule *rules, uint32_t count, uint32_t from)
{
	struct share share = {.count = 0};

	if (rules[from].flags & SP_GARDEN_INHERITED)
		return share;
	for (uint32_t i = 0; i < count; i++) {
		if (!same_source(&rules[i], &rules[from]))
			continue;
		if (i < from)
			return (struct share){.count = 0};
		share.rule[share.count++] = rules[i];
		if (rules[i].expires > share.expires)
			share.expires = rules[i].expires;
	}
	return share;
}

/* NULL: of every zone. */
static const char *zone_of(const struct sp_garden_output *output,
                           const struct sp_garden_target *target)
{
	return target->zone ? output->zones[target->zone].name : NULL;
}

static bool has_zones(const struct sp_garden_output *output)
{
	for (unsigned i = 1; i < SP_ZONES; i++)
		if (output->zones[i].name[0])
			return true;
	return false;
}

#define ROW  "%-39s  %-20s  %-24s  %6s  %10s  "
#define ZONE "%-15s  "

void sp_put_garden_header(const struct sp_garden_output *output)
{
	if (output->json)
		return;
	printf(ROW, "ENTRY", "OPEN", "FROM", "LEFT", "PACKETS");
	if (has_zones(output))
		printf(ZONE, "ZONE");
	printf("LAST USE\n");
}

/* @seen NULL: a name, which is not used itself. */
static int put_share(const struct sp_garden_output *output, const struct sp_garden_target *target,
                     const struct share *share, const struct sp_garden_seen *seen,
                     struct sp_error *err)
{
	const struct sp_clock *clock = &output->clock;
	const struct sp_garden_rule *first = &share->rule[0];
	const char *from = source_of(output->set, first), *zone = zone_of(output, target);
	char entry[SP_GARDEN_TEXT], rules[SP_GARDEN_TEXT], left[SP_TEXT_QUANTITY] = "-",
							   ago[SP_TEXT_QUANTITY] = "-";
	char packets[SP_TEXT_QUANTITY] = "-";

	sp_garden_put_target(entry, target);
	if (output->json)
		return sp_put_json(
			json_pack("{s:s, s:s?, s:o, s:s, s:o, s:o, s:o, s:o}", "entry", entry,
		                  "zone", zone, "open",
		                  sp_garden_rules_json(share->rule, share->count), "source",
		                  first->name                       ? "learnt"
		                  : first->flags & SP_GARDEN_CONFIG ? "config"
		                                                    : "cli",
		                  "name", first->name ? json_string(from) : json_null(),
		                  "seconds_left",
		                  sp_json_number(sp_clock_until(clock, share->expires),
		                                 share->expires),
		                  "packets", sp_json_number(seen ? seen->packets : 0, seen),
		                  "last_use",
		                  sp_json_number(seen ? sp_clock_unix(clock, seen->last) : 0,
		                                 seen && seen->last)),
			err);
	if (share->expires)
		sp_text_put_duration(left, sp_clock_until(clock, share->expires));
	if (seen)
		snprintf(packets, sizeof(packets), "%llu", (unsigned long long)seen->packets);
	if (seen && seen->last) {
		sp_text_put_duration(ago, sp_clock_since(clock, seen->last));
		strncat(ago, " ago", sizeof(ago) - strlen(ago) - 1);
	}
	printf(ROW, entry, sp_garden_put_rules(rules, share->rule, share->count), from, left,
	       packets);
	if (has_zones(output))
		printf(ZONE, zone ? zone : "every");
	printf("%s\n", ago);
	return ferror(stdout) ? sp_put_end(err) : 0;
}

static int put_shares(const struct sp_garden_output *output, const struct sp_garden_target *target,
                      const struct sp_garden_rule *rules, uint32_t count,
                      const struct sp_garden_seen *seen, struct sp_error *err)
{
	int code = 0;

	for (uint32_t i = 0; i < count && !code; i++) {
		struct share share = share_of(rules, count, i);

		if (share.count)
			code = put_share(output, target, &share, seen, err);
	}
	return code;
}

int sp_put_garden_name(const struct sp_garden_output *output,
                       const struct sp_garden_known_name *name, struct sp_error *err)
{
	return put_shares(output, &name->target, name->now.rule, name->now.count, NULL, err);
}

int sp_put_garden_prefix(const struct sp_garden_output *output,
                         const struct sp_garden_prefix *prefix, const struct sp_garden_seen *seen,
                         struct sp_error *err)
{
	return put_shares(output, &prefix->target, prefix->now.rule, prefix->now.count, seen, err);
}

/* --- test --- */

static json_t *rule_json(const struct sp_garden_output *output, const struct sp_garden_rule *rule)
{
	char text[SP_GARDEN_TEXT];

	return json_pack(
		"{s:s, s:s, s:o}", "open", sp_garden_put_rules(text, rule, 1), "from",
		rule->flags & SP_GARDEN_INHERITED ? "wider prefix" : source_of(output->set, rule),
		"seconds_left",
		sp_json_number(sp_clock_until(&output->clock, rule->expires), rule->expires));
}

static void put_rule_line(const struct sp_garden_output *output, const struct sp_garden_rule *rule,
                          bool first)
{
	char text[SP_GARDEN_TEXT], left[SP_TEXT_QUANTITY];
	const char *from =
		rule->flags & SP_GARDEN_INHERITED ? "a wider prefix" : source_of(output->set, rule);

	sp_garden_put_rules(text, rule, 1);
	if (!rule->expires)
		sp_put_field(first ? "Open" : "", "%s, from %s", text, from);
	else if (rule->expires <= output->clock.jiffies)
		sp_put_field(first ? "Open" : "", "no more: %s, learnt for %s, is over", text,
		             from);
	else
		sp_put_field(
			first ? "Open" : "", "%s, learnt for %s, for another %s unless used", text,
			from,
			sp_text_put_duration(left, sp_clock_until(&output->clock, rule->expires)));
}

/* What a captive client meets at an address that is closed. */
static const char *what_happens(const struct sp_garden_output *output, bool open)
{
	if (output->bypass)
		return "let through: the gate is open (bypass)";
	return open ? "let through"
	            : "HTTP (TCP port 80) is answered by the login page, everything else refused";
}

static json_t *prefix_rules_json(const struct sp_garden_output *output,
                                 const struct sp_garden_prefix *const found[SP_GARDEN_PARTS])
{
	json_t *list = json_array();

	for (unsigned k = 0; k < SP_GARDEN_PARTS; k++)
		for (uint32_t i = 0; found[k] && i < found[k]->now.count; i++)
			json_array_append_new(list, rule_json(output, &found[k]->now.rule[i]));
	return list;
}

static void put_prefix(const struct sp_garden_output *output, const struct sp_garden_prefix *prefix)
{
	const char *zone = zone_of(output, &prefix->target);
	char text[SP_GARDEN_TEXT];

	sp_put_field("Entry", "%s%s%s", sp_garden_put_target(text, &prefix->target),
	             zone ? ", of zone " : "", zone ? zone : "");
	for (uint32_t i = 0; i < prefix->now.count; i++)
		put_rule_line(output, &prefix->now.rule[i], i == 0);
}

int sp_put_garden_test_prefix(const struct sp_garden_output *output,
                              const struct sp_garden_entry *entry,
                              const struct sp_garden_prefix *const found[SP_GARDEN_PARTS],
                              bool open, bool asked, struct sp_error *err)
{
	const struct sp_garden_prefix *first = found[0] ? found[0] : found[1];
	char target[SP_GARDEN_TEXT], inside[SP_GARDEN_TEXT], rules[SP_GARDEN_TEXT];

	sp_garden_put_target(target, &entry->target);
	if (output->json)
		return sp_put_json(
			json_pack("{s:s, s:b, s:s?, s:o, s:s}", "target", target, "open", open,
		                  "entry",
		                  first ? sp_garden_put_target(inside, &first->target) : NULL,
		                  "rules", prefix_rules_json(output, found), "captive",
		                  what_happens(output, open)),
			err);
	sp_put_field("Address", "%s", target);
	if (!first)
		sp_put_field("Entry", "none: no prefix of the garden holds it");
	for (unsigned i = 0; i < SP_GARDEN_PARTS; i++)
		if (found[i])
			put_prefix(output, found[i]);
	if (asked)
		sp_put_field("Asked for", "%s: %s",
		             sp_garden_put_rules(rules, entry->rule, entry->count),
		             open ? "open" : "closed");
	sp_put_field("Captive client", "%s", what_happens(output, open));
	return 0;
}

/* Addresses that were learnt for the entry @number. */
static json_t *addresses_json(const struct sp_garden_output *output, uint32_t number)
{
	json_t *list = json_array();
	char text[SP_GARDEN_TEXT];

	for (size_t i = 0; i < output->set->count; i++) {
		const struct sp_garden_prefix *prefix = &output->set->prefix[i];

		for (uint32_t k = 0; k < prefix->now.count; k++) {
			const struct sp_garden_rule *rule = &prefix->now.rule[k];

			if (rule->name != number || rule->expires <= output->clock.jiffies)
				continue;
			json_array_append_new(list,
			                      json_pack("{s:s, s:I}", "address",
			                                sp_garden_put_target(text, &prefix->target),
			                                "seconds_left",
			                                (json_int_t)sp_clock_until(&output->clock,
			                                                           rule->expires)));
			break;
		}
	}
	return list;
}

static const char *why_nothing(const struct sp_garden_output *output)
{
	return output->daemon ? "none: no captive client has asked a listed resolver for such a "
	                        "name by UDP, or the answer is no longer valid"
	                      : "none: the daemon does not run, which learns them from DNS answers";
}

static void put_addresses(const struct sp_garden_output *output, const json_t *addresses)
{
	const json_t *one;
	size_t i;

	json_array_foreach(addresses, i, one)
	{
		char left[SP_TEXT_QUANTITY];
		json_int_t seconds = json_integer_value(json_object_get(one, "seconds_left"));

		sp_put_field(i ? "" : "Addresses", "%s, for another %s unless used",
		             json_string_value(json_object_get(one, "address")),
		             sp_text_put_duration(left, (uint64_t)seconds));
	}
	if (!json_array_size(addresses))
		sp_put_field("Addresses", "%s", why_nothing(output));
}

int sp_put_garden_test_name(const struct sp_garden_output *output,
                            const struct sp_garden_entry *entry,
                            const struct sp_garden_known_name *name, bool open,
                            struct sp_error *err)
{
	char rules[SP_GARDEN_TEXT];
	json_t *addresses = name ? addresses_json(output, name->now.number) : json_array();

	if (output->json)
		return sp_put_json(
			json_pack("{s:s, s:b, s:o, s:o, s:o, s:s}", "target", entry->target.name,
		                  "open", open, "entry",
		                  name ? json_string(name->target.name) : json_null(), "rules",
		                  sp_garden_rules_json(name ? name->now.rule : NULL,
		                                       name ? name->now.count : 0),
		                  "addresses", addresses, "captive", what_happens(output, open)),
			err);
	sp_put_field("Name", "%s", entry->target.name);
	sp_put_field("Entry", "%s", name ? name->target.name : "none: no name of the garden fits");
	if (name) {
		sp_put_field("Open", "%s",
		             sp_garden_put_rules(rules, name->now.rule, name->now.count));
		put_addresses(output, addresses);
	}
	sp_put_field("Captive client", "%s", what_happens(output, open));
	json_decref(addresses);
	return 0;
}
