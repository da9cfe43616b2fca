/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/config_parser.h"

#define NAME_EXPECTED "1 to 15 of the characters a-z, 0-9 and '-', such as [zone guests]"

static bool is_name(const char *text)
{
	size_t length = strlen(text);

	return length && length < SP_ZONE_NAME &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

int sp_config_zone(const struct sp_config *config, const char *name)
{
	for (unsigned i = 1; i < config->zone_count; i++)
		if (!strcmp(config->zone[i].name, name))
			return (int)i;
	return -1;
}

bool sp_config_routes(const struct sp_config *config)
{
	for (unsigned i = 0; i < config->zone_count; i++)
		if (config->zone[i].forward == SP_FORWARD_ROUTE)
			return true;
	return false;
}

uint32_t sp_config_methods(const struct sp_config *config)
{
	uint32_t methods = 0;

	for (unsigned i = 0; i < config->zone_count; i++)
		methods |= config->zone[i].methods;
	return methods;
}

bool sp_config_is_client(const struct sp_config *config, const char *interface)
{
	for (unsigned i = 0; i < config->client_count; i++)
		if (!strcmp(config->client[i], interface))
			return true;
	return false;
}

void sp_config_enter_zone(struct sp_config_parser *parser, const char *name)
{
	struct sp_config *config = parser->config;
	int known = sp_config_zone(config, name);

	parser->section = NULL;
	if (!is_name(name)) {
		sp_config_wrong(parser, parser->line, "zone '%.64s': expected " NAME_EXPECTED,
		                name);
		return;
	}
	if (known < 0 && config->zone_count == SP_ZONES) {
		sp_config_wrong(parser, parser->line, "zone '%s' is one too many: expected 1 to %u",
		                name, SP_ZONES - 1);
		return;
	}
	parser->section = SP_CONFIG_ZONE;
	if (known >= 0) {
		parser->zone = (unsigned)known;
		return;
	}
	parser->zone = config->zone_count++;
	parser->zone_line[parser->zone] = parser->line;
	memcpy(config->zone[parser->zone].name, name, strlen(name) + 1);
}

/* --- what a zone does not say --- */

/* From the general sections, wherever they stand. */
static void inherit(struct sp_config_parser *parser, unsigned zone)
{
	for (size_t i = 0; i < SP_CONFIG_KEYS; i++) {
		const struct sp_config_key *key = &sp_config_keys[i];
		const struct sp_config_key own = sp_config_key_of(key, zone);

		if (!key->zoned || key->repeats || parser->seen[zone][i] ||
		    !strcmp(key->section, SP_CONFIG_ZONE))
			continue;
		memcpy((char *)parser->config + own.offset,
		       (const char *)parser->config + key->offset, key->size);
	}
}

/* The clients of a zone are clients of the gateway. */
static void join_clients(struct sp_config_parser *parser, unsigned zone)
{
	struct sp_config *config = parser->config;
	const struct sp_zone *one = &config->zone[zone];

	for (unsigned i = 0; i < one->client_count; i++) {
		if (sp_config_is_client(config, one->client[i]))
			continue;
		if (config->client_count == SP_MAX_INTERFACES) {
			sp_config_wrong(parser,
			                sp_config_line(parser, zone, SP_CONFIG_ZONE, "client"),
			                "key 'client': '%s' is one too many: expected %u client "
			                "interfaces at most, those of [gateway] and of all zones",
			                one->client[i], SP_MAX_INTERFACES);
			return;
		}
		memcpy(config->client[config->client_count++], one->client[i], IF_NAMESIZE);
	}
}

/* --- what two zones say --- */

static bool shares_interface(const struct sp_zone *one, const struct sp_zone *other,
                             const char **which)
{
	*which = NULL;
	for (unsigned i = 0; i < one->client_count; i++)
		for (unsigned k = 0; k < other->client_count; k++)
			if (!strcmp(one->client[i], other->client[k])) {
				*which = one->client[i];
				return true;
			}
	/* Without interfaces of its own it is on each. */
	return !one->client_count || !other->client_count;
}

static bool shares_vlan(const struct sp_zone *one, const struct sp_zone *other, unsigned *vlan)
{
	for (unsigned i = 0; i < one->vlan_count; i++)
		for (unsigned k = 0; k < other->vlan_count; k++)
			if (one->vlan[i] == other->vlan[k]) {
				*vlan = one->vlan[i];
				return true;
			}
	return false;
}

/* A VLAN of one zone on an interface that is another zone's as a whole is no contradiction. */
static void check_pair(struct sp_config_parser *parser, unsigned first, unsigned second)
{
	const struct sp_zone *one = &parser->config->zone[first];
	const struct sp_zone *other = &parser->config->zone[second];
	const char *interface;
	unsigned vlan;

	if (!shares_interface(one, other, &interface))
		return;
	if (!one->vlan_count && !other->vlan_count && interface)
		sp_config_wrong(parser, sp_config_line(parser, second, SP_CONFIG_ZONE, "client"),
		                "key 'client': '%s' is in zone '%s' too (line %d): expected it in "
		                "one of them, or VLANs of it in both",
		                interface, one->name,
		                sp_config_line(parser, first, SP_CONFIG_ZONE, "client"));
	if (shares_vlan(one, other, &vlan))
		sp_config_wrong(parser, sp_config_line(parser, second, SP_CONFIG_ZONE, "vlan"),
		                "key 'vlan': %u is in zone '%s' too (line %d): expected it in one "
		                "of them, or on different interfaces",
		                vlan, one->name,
		                sp_config_line(parser, first, SP_CONFIG_ZONE, "vlan"));
}

static void check_extent(struct sp_config_parser *parser, unsigned zone)
{
	const struct sp_zone *one = &parser->config->zone[zone];

	/* What stands there and is wrong was told. */
	if (!sp_config_line(parser, zone, SP_CONFIG_ZONE, "client") &&
	    !sp_config_line(parser, zone, SP_CONFIG_ZONE, "vlan"))
		sp_config_wrong(parser, parser->zone_line[zone],
		                "zone '%s' has no clients: expected the key 'client' with its "
		                "interfaces, 'vlan' with its VLANs, or both",
		                one->name);
}

static unsigned places(const struct sp_config *config, const struct sp_zone *zone)
{
	unsigned interfaces = zone->client_count ? zone->client_count : config->client_count;

	return interfaces * (zone->vlan_count ? zone->vlan_count : 1);
}

/* The map of the datapath has room for so many. */
static void check_places(struct sp_config_parser *parser)
{
	const struct sp_config *config = parser->config;
	unsigned count = 0;

	for (unsigned i = 1; i < config->zone_count; i++) {
		count += places(config, &config->zone[i]);
		if (count <= SP_ZONE_PLACES)
			continue;
		sp_config_wrong(parser, parser->zone_line[i],
		                "the zones up to '%s' have %u VLANs on interfaces: expected %u at "
		                "most; name the interfaces of a zone with the key 'client'",
		                config->zone[i].name, count, SP_ZONE_PLACES);
		return;
	}
}

void sp_config_finish_zones(struct sp_config_parser *parser)
{
	unsigned count = parser->config->zone_count;

	for (unsigned i = 1; i < count; i++) {
		inherit(parser, i);
		check_extent(parser, i);
		join_clients(parser, i);
	}
	for (unsigned i = 1; i < count; i++)
		for (unsigned k = i + 1; k < count; k++)
			check_pair(parser, i, k);
	check_places(parser);
}
