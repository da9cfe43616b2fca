/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/cookies.h"
#include "lib/gateway.h"
#include "lib/netlink.h"

/* A machine with containers has more Ethernet interfaces than the datapath has room for MACs. */
#define MACS_OF_NAMESPACE 4096

static int fill_gateway(struct sp_load *load, const struct sp_config *config, struct sp_error *err)
{
	int count = sp_gateway_addresses(config, load->gateway, err);

	if (count < 0)
		return count;
	load->gateway_count = (__u32)count;
	return 0;
}

/* Where captured connections end: the first of each family. A link-local address is none, it does
 * not say on which link. */
static void choose_capture(struct sp_load *load)
{
	for (unsigned i = load->gateway_count; i-- > 0;) {
		const struct sp_address *one = &load->gateway[i];

		if (sp_address_is_ipv4(one))
			load->capture4 = *one;
		else if (!sp_address_is_link_local(one))
			load->capture6 = *one;
	}
}

/* What the file lists, else the gateway's own addresses. */
static void fill_list(struct sp_address *list, __u32 *count, const struct sp_address *configured,
                      unsigned configured_count, const struct sp_load *load, bool link_local)
{
	*count = configured_count;
	memcpy(list, configured, configured_count * sizeof(*list));
	for (unsigned i = 0; i < load->gateway_count && !configured_count; i++)
		if (link_local || !sp_address_is_link_local(&load->gateway[i]))
			list[(*count)++] = load->gateway[i];
}

static void add_mac(struct sp_load *load, const __u8 mac[6])
{
	if (load->mac_count == SP_MAX_MACS)
		return;
	for (unsigned i = 0; i < load->mac_count; i++)
		if (!memcmp(load->mac[i].byte, mac, 6))
			return;
	memcpy(load->mac[load->mac_count++].byte, mac, 6);
}

static int add_mac_of(struct sp_load *load, const char *name, struct sp_error *err)
{
	static const uint8_t none[6];
	struct sp_interface interface;
	int code = sp_netlink_link(name, &interface, err);

	/* One that comes later has its own known with the next `up`. */
	if (code == -ENODEV)
		return 0;
	if (!code && memcmp(interface.mac, none, sizeof(none)) != 0)
		add_mac(load, interface.mac);
	return code;
}

/* Those of the client interfaces first, they are the ones worth forging there; then the uplinks',
 * whose frames are forwarded only if they were sent to one of these. Beyond SP_MAX_MACS
 * the others are left out, so that a machine with many interfaces is still served. */
static int fill_macs(struct sp_load *load, const struct sp_config *config, struct sp_error *err)
{
	static struct sp_mac all[MACS_OF_NAMESPACE];
	int count, code = 0;

	for (unsigned i = 0; i < config->client_count && !code; i++)
		code = add_mac_of(load, config->client[i], err);
	for (unsigned i = 0; i < config->uplink_count && !code; i++)
		code = add_mac_of(load, config->uplink[i], err);
	if (code)
		return code;
	count = sp_netlink_macs(all, MACS_OF_NAMESPACE, err);
	for (int i = 0; i < count; i++)
		add_mac(load, all[i].byte);
	return count < 0 ? count : 0;
}

int sp_load_fill(struct sp_load *load, const struct sp_config *config, struct sp_error *err)
{
	uint16_t plain = config->plain_port;
	bool tls = config->certificate[0];
	int code;

	*load = (struct sp_load){
		.mark = config->mark,
		.mark_mask = config->mark_mask,
		.guard = config->guard,
		.cookies = sp_cookies_possible(),
		.portal_port = {htons(tls ? config->portal_port : plain),
	                        htons(plain ? plain : config->portal_port)},
	};
	code = sp_clock_hz(&load->hz, err);
	if (!code)
		code = fill_gateway(load, config, err);
	if (!code)
		code = fill_macs(load, config, err);
	if (code)
		return code;
	choose_capture(load);
	fill_list(load->resolver, &load->resolver_count, config->resolver, config->resolver_count,
	          load, true);
	fill_list(load->portal, &load->portal_count, config->portal, config->portal_count, load,
	          false);
	return 0;
}
