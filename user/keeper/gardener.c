/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/gardener.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/monotonic.h"
#include "lib/netlink.h"

#define LEAST_TTL    2u     /* seconds; what lasts shorter could not be seen to be in use */
#define GREATEST_TTL 86400u /* seconds */
#define LEASE        60u    /* seconds: at most so long after its last use an address is kept */
#define STEP         1000u  /* ms between two looks at most */
#define FAR          30000u /* ms after which to look in any case: others change the maps too */
#define STACKED      4      /* interfaces on top of each other */

void sp_gardener_init(struct sp_gardener *gardener, const struct sp_maps *maps,
                      const struct sp_config *config)
{
	*gardener = (struct sp_gardener){.maps = maps, .config = config, .log = {.burst = 20}};
}

void sp_gardener_close(struct sp_gardener *gardener)
{
	sp_garden_set_free(&gardener->set);
}

/* Under the lock: have @set say what the maps say. */
static int refresh(struct sp_gardener *gardener, const struct sp_garden_maps *maps,
                   struct sp_error *err)
{
	struct sp_settings settings;
	uint32_t zero = 0;
	int code = bpf_map_lookup_elem(maps->settings, &zero, &settings);

	if (!code && gardener->read && settings.garden_generation == gardener->set.generation)
		return 0;
	code = sp_garden_read(&gardener->set, maps, err);
	gardener->read = !code;
	return code;
}

/* --- what may be learnt --- */

/* Whether the interface is one of the clients', or a VLAN on top of one: then a client
 * may have sent the answer. */
static bool is_clients(const struct sp_config *config, uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	for (int depth = 0; ifindex && depth < STACKED; depth++) {
		struct sp_interface interface;

		if (!if_indextoname(ifindex, name))
			return true; /* it is gone: nobody can say */
		for (unsigned i = 0; i < config->client_count; i++)
			if (!strcmp(config->client[i], name))
				return true;
		if (sp_netlink_link(name, &interface, NULL))
			return true;
		ifindex = interface.lower;
	}
	return false;
}

static bool take_address(const struct sockaddr *socket, struct sp_address *address)
{
	if (!socket)
		return false;
	*address = (struct sp_address){{0}};
	if (socket->sa_family == AF_INET) {
		const struct sockaddr_in *ipv4 = (const void *)socket;

		address->word[2] = htonl(0xffff);
		address->word[3] = ipv4->sin_addr.s_addr;
		return true;
	}
	if (socket->sa_family == AF_INET6)
		memcpy(address, &((const struct sockaddr_in6 *)(const void *)socket)->sin6_addr,
		       sizeof(*address));
	return socket->sa_family == AF_INET6;
}

/* The addresses of this machine: its services are not for captive clients. */
static void look_at_own(struct sp_gardener *gardener)
{
	struct ifaddrs *list = NULL;
	unsigned count = 0;

	if (getifaddrs(&list)) {
		sp_log_limited(&gardener->log, SP_LOG_ERROR,
		               "garden: cannot tell the gateway's addresses: %s", strerror(errno));
		return;
	}
	for (const struct ifaddrs *one = list; one && count < SP_OWN_ADDRESSES; one = one->ifa_next)
		count += take_address(one->ifa_addr, &gardener->own[count]);
	gardener->own_count = count;
	freeifaddrs(list);
}

/* NULL, or why this is not opened. */
static const char *refuse(const struct sp_gardener *gardener, const struct sp_ipc_learnt *learnt)
{
	const struct sp_config *config = gardener->config;
	const struct sp_address *address = &learnt->address;

	if (sp_address_refuse(address) || sp_address_is_link_local(address))
		return "no host on a network has it";
	if (sp_address_listed(config->resolver, config->resolver_count, address))
		return "it is a resolver";
	if (sp_address_listed(config->portal, config->portal_count, address) ||
	    sp_address_listed(gardener->own, gardener->own_count, address))
		return "it is the gateway's own";
	if (is_clients(config, learnt->ifindex))
		return "the answer came from the clients' side";
	return NULL;
}

static void report(struct sp_gardener *gardener, const struct sp_garden_name_key *name,
                   const struct sp_address *address, const char *why)
{
	char text[INET6_ADDRSTRLEN];

	sp_log_limited(&gardener->log, SP_LOG_WARNING, "garden: %s of %s is not opened: %s",
	               sp_address_text(address, text), name->name, why);
}

/* --- learning --- */

static uint32_t between(uint32_t least, uint32_t value, uint32_t most)
{
	return value < least ? least : value > most ? most : value;
}

static int open_address(struct sp_gardener *gardener, const struct sp_ipc_learnt *learnt,
                        struct sp_error *err)
{
	const struct sp_garden_maps maps = sp_garden_maps_of(gardener->maps);
	uint32_t ttl = between(LEAST_TTL, learnt->ttl, GREATEST_TTL);
	struct sp_garden_known_name *name;
	struct sp_clock clock;
	int code = refresh(gardener, &maps, err);

	if (!code)
		code = sp_clock_read(&clock, gardener->maps->clock, err);
	if (code)
		return code;
	name = sp_garden_set_name(&gardener->set, learnt->name.zone, learnt->name.name);
	if (!name) /* it has just been removed */
		return 0;
	code = sp_garden_set_learn(&gardener->set, name, &learnt->address,
	                           sp_clock_after(&clock, ttl),
	                           (uint32_t)sp_clock_jiffies(&clock, between(0, ttl, LEASE)),
	                           gardener->config->garden_addresses);
	if (!code)
		code = sp_garden_write(&gardener->set, &maps, err);
	else
		sp_fail(err, code, SP_EXIT_FAILED, "%s",
		        code == -ENOSPC ? "too many addresses (key `addresses` of [garden])"
		                        : strerror(-code));
	if (code)
		gardener->read = false;
	return code;
}

void sp_gardener_learn(struct sp_gardener *gardener, const struct sp_ipc_learnt *learnt)
{
	const char *why = refuse(gardener, learnt);
	struct sp_error err;

	if (!why && sp_maps_lock(gardener->maps, &err)) {
		why = err.text;
	} else if (!why) {
		if (open_address(gardener, learnt, &err))
			why = err.text;
		sp_maps_unlock(gardener->maps);
		gardener->due = 0;
	}
	gardener->opened += !why;
	gardener->refused += why != NULL;
	if (why)
		report(gardener, &learnt->name, &learnt->address, why);
}

/* --- closing --- */

/* Keep or close the learnt rules of @prefix; @next becomes the jiffy at which to look again. */
static void age(struct sp_garden_prefix *prefix, const struct sp_garden_seen *seen, uint64_t now,
                uint64_t *next)
{
	struct sp_garden *garden = &prefix->now;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < garden->count; i++) {
		struct sp_garden_rule rule = garden->rule[i];

		/* Not more often than it needs: each change is a write of the map. */
		if (rule.name && seen->last + rule.lease > rule.expires &&
		    rule.expires < now + rule.lease / 2 + 1)
			rule.expires = seen->last + rule.lease;
		if (rule.name && rule.expires <= now)
			continue;
		if (rule.name && rule.expires - rule.lease / 2 < *next)
			*next = rule.expires - rule.lease / 2;
		garden->rule[kept++] = rule;
	}
	garden->count = kept;
}

static bool is_learnt(const struct sp_garden *garden)
{
	for (uint32_t i = 0; i < garden->count; i++)
		if (garden->rule[i].name)
			return true;
	return false;
}

/* Under the lock. @next: in jiffies, UINT64_MAX for never. */
static int age_all(struct sp_gardener *gardener, const struct sp_clock *clock, uint64_t *next,
                   struct sp_error *err)
{
	const struct sp_garden_maps maps = sp_garden_maps_of(gardener->maps);
	struct sp_garden_set *set = &gardener->set;
	struct sp_garden_seen seen;
	int code = refresh(gardener, &maps, err);

	for (size_t i = 0; i < set->count && !code; i++) {
		if (!is_learnt(&set->prefix[i].now))
			continue;
		code = sp_garden_use(&maps, set->prefix[i].now.slot, &seen, err);
		if (!code)
			age(&set->prefix[i], &seen, clock->jiffies, next);
	}
	if (!code)
		code = sp_garden_set_settle(set, err);
	if (!code && sp_garden_set_changed(set))
		code = sp_garden_write(set, &maps, err);
	if (code)
		gardener->read = false;
	return code;
}

/* In ms from now, not before STEP. */
static uint64_t wait_for(const struct sp_clock *clock, uint64_t jiffies)
{
	uint64_t left = jiffies > clock->jiffies ? jiffies - clock->jiffies : 0;

	if (left > (uint64_t)FAR / 1000 * clock->hz)
		return FAR;
	left = left * 1000 / clock->hz;
	return left < STEP ? STEP : left;
}

uint64_t sp_gardener_attend(struct sp_gardener *gardener)
{
	uint64_t now = sp_monotonic_ms(), next = UINT64_MAX;
	struct sp_clock clock;
	struct sp_error err;
	int code;

	if (gardener->due > now)
		return gardener->due;
	gardener->due = now + STEP;
	look_at_own(gardener);
	code = sp_clock_read(&clock, gardener->maps->clock, &err);
	if (!code)
		code = sp_maps_lock(gardener->maps, &err);
	if (!code) {
		code = age_all(gardener, &clock, &next, &err);
		sp_maps_unlock(gardener->maps);
	}
	if (code)
		sp_log_limited(&gardener->log, SP_LOG_ERROR, "garden: %s", err.text);
	else
		gardener->due = now + wait_for(&clock, next);
	return gardener->due;
}
