/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/setup_zone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/address.h"
#include "lib/gateway.h"
#include "lib/netlink.h"
#include "web/pages.h"

/* Over TLS if there is a certificate. */
static void put_url(char url[SP_IPC_URL], const struct sp_config *config, const char *host,
                    bool brackets)
{
	const bool tls = config->certificate[0];
	const unsigned port = tls ? config->portal_port : config->plain_port;
	char behind[8] = "";

	if (!tls || port != 443)
		snprintf(behind, sizeof(behind), ":%u", port);
	snprintf(url, SP_IPC_URL, brackets ? "%s://[%s]%s/" : "%s://%s%s/", tls ? "https" : "http",
	         host, behind);
}

/* What a login URL is made of. */
struct place {
	const struct sp_config *config;
	const struct sp_zone *zone;
	const struct sp_address *list; /* where the portal listens */
	unsigned count;
	struct sp_address own[SP_MAX_ADDRESSES]; /* of the zone */
	unsigned own_count;
};

/* The first address of the family, one of the zone's if there is one; NULL: none. */
static const struct sp_address *find_address(const struct place *place, bool ipv4)
{
	const struct sp_address *found = NULL;

	for (unsigned i = 0; i < place->count; i++) {
		const struct sp_address *one = &place->list[i];

		if (sp_address_is_ipv4(one) != ipv4)
			continue;
		if (sp_address_listed(place->own, place->own_count, one))
			return one;
		if (!found)
			found = one;
	}
	return found;
}

/* The login URL at the configured host name or, without one, at an address of the family, else of
 * the other. */
static void make_url(char url[SP_IPC_URL], const struct place *place, bool ipv4)
{
	const struct sp_address *address = find_address(place, ipv4);
	char text[INET6_ADDRSTRLEN];

	if (place->zone->portal_host[0]) {
		put_url(url, place->config, place->zone->portal_host, false);
		return;
	}
	if (!address)
		address = find_address(place, !ipv4);
	put_url(url, place->config, sp_address_text(address, text), !sp_address_is_ipv4(address));
}

/* --- the zone's own addresses --- */

static void add(struct place *place, const struct sp_address *list, int count)
{
	for (int i = 0; i < count && place->own_count < SP_MAX_ADDRESSES; i++)
		place->own[place->own_count++] = list[i];
}

static bool has_vlan(const struct sp_zone *zone, uint16_t vlan)
{
	for (unsigned i = 0; i < zone->vlan_count; i++)
		if (zone->vlan[i] == vlan)
			return true;
	return false;
}

/* Those of the zone's VLAN interfaces on @ifindex. */
static int add_vlans(struct place *place, uint32_t ifindex, struct sp_error *err)
{
	static struct sp_vlan_device all[SP_VLAN_DEVICES];
	struct sp_address found[SP_MAX_ADDRESSES];
	int count = sp_netlink_vlans(all, SP_VLAN_DEVICES, err);

	for (int i = 0; i < count; i++) {
		int here;

		if (all[i].lower != ifindex || !has_vlan(place->zone, all[i].vlan))
			continue;
		here = sp_netlink_addresses(all[i].ifindex, found, SP_MAX_ADDRESSES, err);
		if (here < 0)
			return here;
		add(place, found, here);
	}
	return count < 0 ? count : 0;
}

static int add_interface(struct place *place, const char *name, struct sp_error *err)
{
	struct sp_address found[SP_MAX_ADDRESSES];
	struct sp_interface interface;
	int ret = sp_netlink_link(name, &interface, err);

	/* One that comes later. */
	if (ret == -ENODEV)
		return 0;
	if (ret)
		return ret;
	if (place->zone->vlan_count)
		return add_vlans(place, interface.ifindex, err);
	ret = sp_gateway_addresses_at(interface.ifindex, found, err);
	add(place, found, ret);
	return ret < 0 ? ret : 0;
}

static int find_own(struct place *place, struct sp_error *err)
{
	const struct sp_zone *zone = place->zone;
	bool named = zone->client_count;
	unsigned count = named ? zone->client_count : place->config->client_count;
	int ret = 0;

	for (unsigned i = 0; i < count && !ret; i++)
		ret = add_interface(place, named ? zone->client[i] : place->config->client[i], err);
	return ret;
}

/* --- setups --- */

static void make_pages(struct sp_ipc_pages *pages, const struct sp_config *config, unsigned zone)
{
	const struct sp_own_pages own = sp_pages_own(config, zone);

	for (unsigned i = 0; i < SP_OWN_PAGES; i++)
		if (own.folder[i])
			snprintf(pages->folder[i], sizeof(pages->folder[i]), "%s", own.folder[i]);
}

/* What the portal tells programs. Without a certificate there is no API. */
static void make_api(struct sp_ipc_api *api, const struct sp_zone *zone,
                     const char login_url[SP_IPC_URL])
{
	if (!strncmp(login_url, "https://", strlen("https://")))
		memcpy(api->url, login_url, sizeof(api->url));
	snprintf(api->venue_info, sizeof(api->venue_info), "%s", zone->venue_info);
	snprintf(api->realm, sizeof(api->realm), "%s",
	         zone->portal_host[0] ? zone->portal_host : "Sallyport");
	api->tell_extend = zone->can_extend != SP_EXTEND_UNSAID;
	api->can_extend = zone->can_extend == SP_EXTEND_YES;
}

static int make_portal_zone(struct sp_ipc_portal_zone *zone, unsigned number, struct place *place,
                            struct sp_error *err)
{
	int ret = 0;

	place->zone = &place->config->zone[number];
	place->own_count = 0;
	if (number)
		ret = find_own(place, err);
	if (ret)
		return ret;
	zone->methods = place->zone->methods;
	make_url(zone->url4, place, true);
	make_url(zone->url6, place, false);
	make_pages(&zone->pages, place->config, number);
	make_api(&zone->api, place->zone, zone->url4);
	return 0;
}

/* A zone like zone 0 shares its listeners, which costs nothing. */
static void add_responder_zone(struct sp_setup *setup, unsigned number)
{
	const struct sp_ipc_portal_zone *portal = &setup->portal.zone[number];
	struct sp_ipc_responder_setup *responder = &setup->responder;
	struct sp_ipc_responder_zone zone = {.pages = portal->pages};

	memcpy(zone.login_url4, portal->url4, sizeof(zone.login_url4));
	memcpy(zone.login_url6, portal->url6, sizeof(zone.login_url6));
	if (number && !memcmp(&zone, &responder->zone[0], sizeof(zone)))
		return;
	setup->responder_zone[responder->zone_count] = number;
	responder->zone[responder->zone_count++] = zone;
}

int sp_setup_zones(struct sp_setup *setup, const struct sp_config *config,
                   const struct sp_address *list, unsigned count, struct sp_error *err)
{
	struct place place = {.config = config, .list = list, .count = count};
	int ret = 0;

	for (unsigned i = 0; i < config->zone_count && !ret; i++) {
		ret = make_portal_zone(&setup->portal.zone[i], i, &place, err);
		add_responder_zone(setup, i);
	}
	setup->portal.zone_count = config->zone_count;
	return ret;
}
