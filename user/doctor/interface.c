/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each interface of the configuration: what it is, and whether its driver shows us every frame. */
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "lib/address.h"
#include "lib/gateway.h"
#include "lib/netlink.h"
#include "lib/netlink_offload.h"

/*
 * Bytes behind the Ethernet header that fit into one buffer of a driver: a page of 4096 less the
 * headroom of XDP (256), the tail that the stack needs (struct skb_shared_info, 320) and headers.
 */
#define ONE_BUFFER 3498u

struct one {
	struct sp_doctor *doctor;
	struct sp_report *report;
	struct sp_interface link;
	const char *name;
	bool uplink;
	const struct sp_attachment *attached; /* NULL: not loaded, or not there */
};

static bool is_wireless(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/net/%s/phy80211", name);
	return access(path, F_OK) == 0;
}

/* --- whether it is there and works --- */

static void look_at_state(const struct one *one)
{
	struct sp_finding *finding;

	if (!one->link.up) {
		finding =
			sp_report_add(one->report, SP_LEVEL_ERROR, "link", one->name, "it is down");
		sp_finding_why(finding, "no frame comes or goes there");
		sp_finding_command(finding, "ip link set dev %s up", one->name);
	} else if (!one->link.carrier) {
		finding = sp_report_add(one->report, SP_LEVEL_NOTE, "link", one->name,
		                        "it is up, without a carrier");
		sp_finding_why(finding, "no cable is plugged in, or the other end is off");
	} else {
		sp_report_add(one->report, SP_LEVEL_OK, "link", one->name, "it is up%s%s",
		              one->link.kind[0] ? ", a " : "", one->link.kind);
	}
}

/* Captured HTTP ends at an address of the gateway on the client's own interface. */
static void look_at_addresses(const struct one *one)
{
	struct sp_address list[SP_MAX_ADDRESSES];
	struct sp_finding *finding;
	bool ipv4 = false, ipv6 = false;
	struct sp_error err;
	int count = sp_gateway_addresses_at(one->link.ifindex, list, &err);

	if (one->uplink)
		return;
	if (count < 0) {
		sp_report_add(one->report, SP_LEVEL_ERROR, "address", one->name, "%s", err.text);
		return;
	}
	for (int i = 0; i < count; i++) {
		ipv4 |= sp_address_is_ipv4(&list[i]);
		ipv6 |= !sp_address_is_ipv4(&list[i]) && !sp_address_is_link_local(&list[i]);
	}
	if (ipv4 && ipv6) {
		sp_report_add(one->report, SP_LEVEL_OK, "address", one->name,
		              "it has IPv4 and IPv6 addresses");
		return;
	}
	finding = sp_report_add(one->report, ipv4 || ipv6 ? SP_LEVEL_NOTE : SP_LEVEL_ERROR,
	                        "address", one->name, "it has no %s address",
	                        ipv4   ? "IPv6"
	                        : ipv6 ? "IPv4"
	                               : "IP");
	sp_finding_why(finding, "HTTP of captive clients is answered at an address of the gateway "
	                        "there; without one it is dropped");
}

/* --- how the programs get at its frames --- */

/* What could be expected of a driver before anything is attached. */
static void foresee_mode(const struct one *one)
{
	int native = sp_netlink_native(one->link.ifindex);
	struct sp_finding *finding;

	if (native > 0) {
		sp_report_add(one->report, SP_LEVEL_OK, "xdp", one->name,
		              "its driver takes XDP programs");
	} else if (native < 0) {
		finding = sp_report_add(one->report, SP_LEVEL_NOTE, "xdp", one->name,
		                        "the kernel does not tell what its driver can do");
		sp_finding_why(finding, "Linux 6.3 and later do; `sallyport up` tries");
	} else {
		finding = sp_report_add(one->report, SP_LEVEL_WARNING, "xdp", one->name,
		                        "its driver takes no XDP program");
		sp_finding_why(finding,
		               "packets are judged in the stack instead (generic XDP), with "
		               "several times the cost; a card with XDP in its driver, or as "
		               "`client` the interface below this one, is the remedy");
	}
}

static void look_at_mode(const struct one *one)
{
	const struct sp_attachment *attached = one->attached;
	struct sp_finding *finding;
	bool best;

	if (!attached) {
		foresee_mode(one);
		return;
	}
	if (attached->presence != SP_ATTACHED) {
		finding = sp_report_add(one->report, SP_LEVEL_ERROR, "attached", one->name, "%s",
		                        attached->why);
		sp_finding_why(finding, "what is sent there is not judged");
		sp_finding_command(finding, "sallyport -I %s up", one->doctor->instance->name);
		return;
	}
	best = !strcmp(attached->mode, "native") || one->doctor->config->attach != SP_ATTACH_AUTO;
	finding = sp_report_add(
		one->report, best ? SP_LEVEL_OK : SP_LEVEL_WARNING, "xdp", one->name,
		"%s%s%s%s%s%s%s", !strcmp(attached->mode, "tc") ? "no XDP" : "XDP ",
		!strcmp(attached->mode, "tc") ? "" : attached->mode, one->uplink ? "" : ", TC ",
		one->uplink ? "" : attached->tc_hook, attached->why[0] ? " (" : "", attached->why,
		attached->why[0] ? ")" : "");
	if (!best)
		sp_finding_why(finding, "packets are judged in the stack, with several times the "
		                        "cost of a driver that takes XDP programs");
	if (!attached->changed[0])
		return;
	finding = sp_report_add(one->report, SP_LEVEL_WARNING, "changed", one->name,
	                        "its addresses changed since `up`: %s", attached->changed);
	sp_finding_why(finding, "the programs know the gateway by those of then: clients may not "
	                        "get to the portal, or claim an address of the gateway");
	sp_finding_command(finding, "sallyport -I %s up", one->doctor->instance->name);
}

/* --- what kind of interface it is --- */

static void look_at_master(const struct one *one)
{
	struct sp_interface master;
	struct sp_finding *finding;

	if (!one->link.master || sp_netlink_link_at(one->link.master, &master, NULL))
		return;
	if (!strcmp(master.kind, "bridge")) {
		finding = sp_report_add(one->report, SP_LEVEL_NOTE, "bridge", one->name,
		                        "it is a port of the bridge %s", master.name);
		sp_finding_why(finding,
		               "its frames are judged here, but the gateway's addresses "
		               "are on %s: HTTP that is captured needs one on %s too",
		               master.name, one->name);
		return;
	}
	finding = sp_report_add(one->report, SP_LEVEL_ERROR, "bond", one->name, "it is part of %s",
	                        master.name);
	sp_finding_why(finding, "what it receives belongs to %s; set `client = %s` in [gateway]",
	               master.name, master.name);
}

static void look_at_kind(const struct one *one)
{
	struct sp_interface lower = {.name = ""};
	struct sp_finding *finding = NULL;

	look_at_master(one);
	if (!strcmp(one->link.kind, "vlan")) {
		sp_netlink_link_at(one->link.lower, &lower, NULL);
		finding = sp_report_add(one->report, SP_LEVEL_NOTE, "vlan", one->name,
		                        "it is VLAN %u of %s", one->link.vlan, lower.name);
		sp_finding_why(finding,
		               "drivers take XDP programs on %s only: with that as "
		               "`client` all its VLANs are judged, and a session is of "
		               "its client's VLAN",
		               lower.name);
	} else if (!strcmp(one->link.kind, "bridge")) {
		finding = sp_report_add(one->report, SP_LEVEL_NOTE, "bridge", one->name,
		                        "it is a bridge");
		sp_finding_why(finding, "what its ports send each other does not come by here: "
		                        "clients reach each other without a session unless the "
		                        "ports are isolated");
	} else if (is_wireless(one->name)) {
		finding = sp_report_add(one->report, SP_LEVEL_NOTE, "wireless", one->name,
		                        "it is a wireless network");
		sp_finding_why(finding, "what its stations send each other does not come by here "
		                        "unless hostapd says `ap_isolate=1`");
	}
}

/* --- what the card does with frames --- */

static void look_at_vlan_offload(const struct one *one, uint32_t on, uint32_t changeable)
{
	bool xdp = !one->attached || strcmp(one->attached->mode, "tc") != 0;
	bool used = sp_doctor_uses_vlans(one->doctor, &one->link);
	struct sp_finding *finding;

	if (!(on & SP_OFFLOAD_BIT(SP_OFFLOAD_RXVLAN)) || !xdp) {
		sp_report_add(one->report, SP_LEVEL_OK, "rxvlan", one->name, "VLAN tags are seen");
		return;
	}
	finding = sp_report_add(one->report, used ? SP_LEVEL_WARNING : SP_LEVEL_NOTE, "rxvlan",
	                        one->name,
	                        "the card takes VLAN tags off before XDP sees them (rxvlan is on)");
	sp_finding_why(finding, used ? "clients on tagged VLANs are judged as untagged ones, and "
	                               "refused or, by the fast path, forwarded for them"
	                             : "it matters when there are tagged VLANs: their clients are "
	                               "judged as untagged ones, and refused");
	if (changeable & SP_OFFLOAD_BIT(SP_OFFLOAD_RXVLAN))
		sp_finding_offload(finding, one->name, SP_OFFLOAD_RXVLAN);
	else
		sp_finding_why(finding, "clients on tagged VLANs are judged as untagged ones, and "
		                        "the card cannot be told otherwise: set `attach = tc` in "
		                        "[gateway]");
}

static void look_at_merging(const struct one *one, uint32_t on, uint32_t changeable)
{
	static const enum sp_offload kinds[] = {SP_OFFLOAD_LRO, SP_OFFLOAD_GRO_HW};

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *word = sp_offload_word(kinds[i]);
		struct sp_finding *finding;

		if (!(on & SP_OFFLOAD_BIT(kinds[i])))
			continue;
		finding = sp_report_add(one->report, SP_LEVEL_WARNING, word, one->name,
		                        "the card merges packets before XDP sees them (%s is on)",
		                        word);
		sp_finding_why(finding, "many drivers refuse XDP then; and packets that were "
		                        "merged so cannot be forwarded as they came");
		if (changeable & SP_OFFLOAD_BIT(kinds[i]))
			sp_finding_offload(finding, one->name, kinds[i]);
	}
}

static void look_at_offloads(const struct one *one)
{
	uint32_t on, changeable;

	if (sp_netlink_offloads(one->link.ifindex, &on, &changeable)) {
		sp_report_add(one->report, SP_LEVEL_NOTE, "rxvlan", one->name,
		              "this kernel does not tell what the card does with VLAN tags");
		return;
	}
	if (!one->uplink)
		look_at_vlan_offload(one, on, changeable);
	look_at_merging(one, on, changeable);
}

static void look_at_mtu(const struct one *one)
{
	struct sp_finding *finding;

	if (one->link.mtu <= ONE_BUFFER || sp_netlink_fragments(one->link.ifindex) != 0) {
		sp_report_add(one->report, SP_LEVEL_OK, "mtu", one->name, "MTU %u", one->link.mtu);
		return;
	}
	finding = sp_report_add(one->report, SP_LEVEL_WARNING, "mtu", one->name,
	                        "MTU %u is more than its driver gives to XDP programs",
	                        one->link.mtu);
	sp_finding_why(finding, "it refuses programs in native mode, or drops longer packets");
	sp_finding_command(finding, "ip link set dev %s mtu %u", one->name, ETH_DATA_LEN);
}

static void look_at_one(struct sp_doctor *doctor, const char *name, bool uplink)
{
	struct one one = {
		.doctor = doctor,
		.report = doctor->report,
		.name = name,
		.uplink = uplink,
		.attached = sp_doctor_attachment(doctor, name),
	};
	struct sp_finding *finding;
	struct sp_error err;

	if (sp_netlink_link(name, &one.link, &err)) {
		finding = sp_report_add(doctor->report, SP_LEVEL_ERROR, "interface", name, "%s",
		                        err.text);
		sp_finding_why(finding, "it is named in `%s` of [gateway]",
		               uplink ? "uplink" : "client");
		return;
	}
	look_at_state(&one);
	look_at_addresses(&one);
	look_at_mode(&one);
	look_at_kind(&one);
	look_at_offloads(&one);
	look_at_mtu(&one);
	sp_doctor_strangers(doctor, &one.link, uplink);
}

void sp_doctor_interfaces(struct sp_doctor *doctor)
{
	if (!doctor->config)
		return;
	doctor->report->group = "Interfaces";
	for (unsigned i = 0; i < doctor->config->client_count; i++)
		look_at_one(doctor, doctor->config->client[i], false);
	for (unsigned i = 0; i < doctor->config->uplink_count; i++)
		look_at_one(doctor, doctor->config->uplink[i], true);
}
