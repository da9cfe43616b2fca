/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a captive client meets, tried by being one: frames of a made-up client are received on a
 * client interface as if they had come by its wire, through XDP, TC and the firewall, and what the
 * gateway sends back is overheard. Only when it is asked for: the datapath counts it, the events
 * tell of it, and a DHCP server may keep an address for it a while.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "doctor/frame.h"
#include "doctor/inject.h"
#include "doctor/probe.h"
#include "keeper/address.h"
#include "lib/address.h"
#include "lib/gateway.h"
#include "lib/hook.h"
#include "lib/netlink_guest.h"
#include "lib/programs.h"
#include "lib/text.h"
#include "web/api.h"

#define ELSEWHERE  0xc6336401u /* 198.51.100.1: of nobody (RFC 5737) */
#define FIRST_NAME "connectivitycheck.gstatic.com"
#define TRIES      64 /* addresses of the gateway's subnet of which one is free */
#define DHCP_OFFER 2

/* CAPTURED opens a connection as whoever takes little at once, which gets a socket. ASKED is ready
 * for more, and so its request PAGE, which is short, goes another way (bpf/handshake.h). */
enum { DHCP, DNS, PORTAL, CAPTURED, ASKED, PAGE, KINDS };

#define AT_ONCE 1460 /* what an Ethernet frame holds */
#define REQUEST "GET / HTTP/1.1\r\nHost: " FIRST_NAME "\r\nConnection: close\r\n\r\n"

struct guest {
	struct sp_doctor *doctor;
	struct sp_interface link;
	int program; /* of XDP there; -1: none */
	uint8_t mac[6];
	uint32_t own, address; /* the gateway's and the client's, host order */
	uint32_t sequence, number;
	uint16_t port;
	struct sp_probe probe;
	int file, question[KINDS]; /* negative: not asked */
	struct sp_probe_answer answer[KINDS];
	struct sp_frame_ends tcp[KINDS];
};

static uint32_t host_order(const struct sp_address *address)
{
	return ntohl(address->word[3]);
}

static const struct sp_address *first_ipv4(const struct sp_address *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (sp_address_is_ipv4(&list[i]) && !sp_address_is_link_local(&list[i]))
			return &list[i];
	return NULL;
}

/* --- who the client is --- */

/* A locally administered address of one host, numbers and a port that nobody could foresee. */
static void make_up(struct guest *guest)
{
	uint32_t random[4] = {0};

	(void)!getrandom(random, sizeof(random), 0);
	memcpy(guest->mac, random, sizeof(guest->mac));
	guest->mac[0] = (uint8_t)((guest->mac[0] & 0xfc) | 2);
	guest->sequence = random[2];
	guest->number = random[3];
	guest->port = (uint16_t)(49152 + random[3] % 16000);
}

/* An address beside the gateway's that the kernel knows nobody at; kept for the client. */
static int take_address(struct guest *guest)
{
	for (uint32_t i = 0; i < TRIES; i++) {
		uint32_t last = 254 - (guest->number + i) % 253;
		uint32_t one = (guest->own & 0xffffff00) | last;
		int code = one == guest->own ? -EEXIST
		                             : sp_netlink_guest(guest->link.ifindex, htonl(one),
		                                                guest->mac, true);

		if (code == -EEXIST)
			continue;
		guest->address = code ? 0 : one;
		return code;
	}
	return -EADDRINUSE;
}

/* --- what it sends --- */

static struct sp_frame_ends ends_to(const struct guest *guest, uint32_t to, uint16_t from_port,
                                    uint16_t to_port)
{
	struct sp_frame_ends ends = {
		.from = guest->address, .to = to, .from_port = from_port, .to_port = to_port};

	memcpy(ends.from_mac, guest->mac, sizeof(ends.from_mac));
	memcpy(ends.to_mac, guest->link.mac, sizeof(ends.to_mac));
	return ends;
}

static int wait_for(struct guest *guest, unsigned kind, enum sp_probe_kind what, uint32_t id,
                    uint32_t port)
{
	int number = sp_probe_ask(&guest->probe, what, guest->file, FIRST_NAME);

	if (number < 0)
		return number;
	guest->probe.question[number].id = id;
	guest->probe.question[number].port = port;
	guest->question[kind] = number;
	return 0;
}

static int send_syn(struct guest *guest, unsigned kind, uint32_t to, uint16_t port)
{
	const struct sp_frame_segment syn = {
		.sequence = guest->sequence,
		.flags = TH_SYN,
		.most = kind == ASKED ? AT_ONCE : 0,
	};
	uint16_t from = (uint16_t)(guest->port + kind);
	struct sp_frame frame;

	guest->tcp[kind] = ends_to(guest, to, from, port);
	sp_frame_tcp(&frame, &guest->tcp[kind], &syn);
	wait_for(guest, kind, SP_PROBE_WIRE_TCP, 0, from);
	return sp_inject(guest->program, guest->link.ifindex, &frame);
}

static int send_question(struct guest *guest)
{
	const struct sp_config *config = guest->doctor->config;
	const struct sp_address *resolver = first_ipv4(config->resolver, config->resolver_count);
	uint16_t id = (uint16_t)guest->number, from = (uint16_t)(guest->port + DNS);
	struct sp_frame_ends ends;
	struct sp_frame frame;

	if (!resolver && config->resolver_count)
		return 0;
	ends = ends_to(guest, resolver ? host_order(resolver) : guest->own, from, 53);
	sp_frame_dns(&frame, &ends, id, FIRST_NAME);
	wait_for(guest, DNS, SP_PROBE_WIRE_DNS, id, from);
	return sp_inject(guest->program, guest->link.ifindex, &frame);
}

static int send_discover(struct guest *guest)
{
	struct sp_frame frame;

	sp_frame_dhcp(&frame, guest->mac, guest->number);
	wait_for(guest, DHCP, SP_PROBE_WIRE_DHCP, guest->number, 0);
	return sp_inject(guest->program, guest->link.ifindex, &frame);
}

static int send_all(struct guest *guest)
{
	const struct sp_config *config = guest->doctor->config;
	struct sp_address list[SP_MAX_ADDRESSES];
	int count = sp_address_portal(config, list, NULL);
	const struct sp_address *portal = first_ipv4(list, count < 0 ? 0 : (unsigned)count);
	int code = send_discover(guest);

	if (!code)
		code = send_question(guest);
	if (code || !guest->doctor->status.daemon)
		return code;
	if (portal)
		code = send_syn(guest, PORTAL, host_order(portal),
		                config->certificate[0] ? config->portal_port : config->plain_port);
	if (!code)
		code = send_syn(guest, CAPTURED, ELSEWHERE, 80);
	return code ? code : send_syn(guest, ASKED, ELSEWHERE, 80);
}

static int send_request(struct guest *guest)
{
	const struct sp_frame_segment request = {
		.sequence = guest->sequence + 1,
		.acknowledged = guest->answer[ASKED].sequence + 1,
		.flags = TH_ACK | TH_PUSH,
		.text = REQUEST,
	};
	struct sp_frame frame;

	sp_frame_tcp(&frame, &guest->tcp[ASKED], &request);
	wait_for(guest, PAGE, SP_PROBE_WIRE_HTTP, 0, guest->tcp[ASKED].from_port);
	return sp_inject(guest->program, guest->link.ifindex, &frame);
}

/* What was opened is not left half open. */
static void take_back(struct guest *guest)
{
	const struct sp_frame_segment reset = {.sequence = guest->sequence + 1, .flags = TH_RST};
	struct sp_frame frame;

	for (unsigned kind = PORTAL; kind <= ASKED; kind++) {
		if (guest->question[kind] < 0)
			continue;
		sp_frame_tcp(&frame, &guest->tcp[kind], &reset);
		sp_inject(guest->program, guest->link.ifindex, &frame);
	}
}

/* --- what it met --- */

static const struct sp_probe_answer *answer_of(const struct guest *guest, unsigned kind)
{
	return guest->question[kind] < 0 ? NULL : &guest->answer[kind];
}

static void judge_api(struct guest *guest, const char *text)
{
	char uri[SP_API_URI];
	struct sp_finding *finding;
	struct sp_error err;
	bool readable = sp_text_printable(text, strlen(text));

	if (sp_api_uri(uri, guest->doctor->config, &err))
		return;
	if (!strcmp(text, uri)) {
		sp_report_add(guest->doctor->report, SP_LEVEL_OK, "announced", guest->link.name,
		              "DHCP announces the captive portal API");
		return;
	}
	finding = sp_report_add(guest->doctor->report, text[0] ? SP_LEVEL_WARNING : SP_LEVEL_NOTE,
	                        "announced", guest->link.name,
	                        text[0] ? "DHCP announces another captive portal API: %.200s"
	                                : "DHCP does not announce the captive portal API%s",
	                        text[0] && !readable ? "of strange characters" : text);
	sp_finding_why(finding, "by option 114 (RFC 8910) devices learn where to sign in without "
	                        "guessing; put this into the server's configuration");
	sp_finding_command(finding, "sallyport dhcp-snippet dnsmasq");
}

static void judge_dhcp(struct guest *guest)
{
	const struct sp_probe_answer *answer = answer_of(guest, DHCP);
	struct sp_finding *finding;

	if (answer->outcome == SP_PROBE_ANSWERED && answer->code == DHCP_OFFER) {
		sp_report_add(guest->doctor->report, SP_LEVEL_OK, "dhcp", guest->link.name,
		              "a client is offered an address");
		judge_api(guest, answer->text);
		return;
	}
	finding = sp_report_add(guest->doctor->report, SP_LEVEL_WARNING, "dhcp", guest->link.name,
	                        "no DHCP server of this gateway offers an address there");
	sp_finding_why(finding,
	               "one elsewhere on that network is not asked, and `guard = on` drops "
	               "what it answers");
}

static void judge_dns(struct guest *guest)
{
	const struct sp_probe_answer *answer = answer_of(guest, DNS);
	struct sp_finding *finding;

	if (!answer)
		return;
	if (answer->outcome == SP_PROBE_ANSWERED) {
		sp_report_add(guest->doctor->report, SP_LEVEL_OK, "client_dns", guest->link.name,
		              "a captive client's question to the resolver is answered");
		return;
	}
	finding =
		sp_report_add(guest->doctor->report, SP_LEVEL_ERROR, "client_dns", guest->link.name,
	                      "a captive client's question to the resolver is not answered");
	sp_finding_why(finding, "Sallyport lets it through: does a firewall drop UDP to port 53 "
	                        "there, or the resolver not serve that network?");
	sp_finding_command(finding, "nft list ruleset");
}

static void judge_tcp(struct guest *guest, unsigned kind, const char *check, const char *what,
                      const char *why)
{
	const struct sp_probe_answer *answer = answer_of(guest, kind);
	struct sp_finding *finding;

	if (!answer)
		return;
	if (answer->outcome == SP_PROBE_ANSWERED) {
		sp_report_add(guest->doctor->report, SP_LEVEL_OK, check, guest->link.name,
		              "a captive client gets to %s", what);
		return;
	}
	finding =
		sp_report_add(guest->doctor->report, SP_LEVEL_ERROR, check, guest->link.name,
	                      "a captive client does not get to %s: %s", what,
	                      answer->outcome == SP_PROBE_REFUSED ? "nobody listens" : "no answer");
	sp_finding_why(finding, "%s", why);
	sp_finding_command(finding, "nft list ruleset");
}

static bool is_answered(const struct guest *guest, unsigned kind)
{
	const struct sp_probe_answer *answer = answer_of(guest, kind);

	return answer && answer->outcome == SP_PROBE_ANSWERED;
}

/* The last step that was taken tells: to the page itself, or where the way there ends. */
static void judge_http(struct guest *guest)
{
	static const char *const tcp =
		"it is delivered to a local socket with the `mark` of [gateway]: a firewall that "
		"drops input there must accept TCP with that mark";
	static const char *const udp =
		"short requests are delivered as UDP with the `mark` of [gateway]: a firewall that "
		"drops input there must accept that, too, and one that drops output what "
		"`responder_user` sends";
	unsigned kind = !is_answered(guest, CAPTURED) ? CAPTURED
	                : !is_answered(guest, ASKED)  ? ASKED
	                                              : PAGE;

	judge_tcp(guest, kind, "client_http", "the page that its HTTP is answered with",
	          kind == PAGE ? udp : tcp);
}

static void judge(struct guest *guest)
{
	judge_dhcp(guest);
	judge_dns(guest);
	judge_tcp(guest, PORTAL, "client_portal", "the portal",
	          "Sallyport lets it through: does a firewall drop TCP to the portal there?");
	judge_http(guest);
}

/* --- all of it --- */

/* Send by @send, and hear what is answered; further questions begin anew. */
static int exchange(struct guest *guest, int (*send)(struct guest *guest), struct sp_error *err)
{
	int code, asked[KINDS];

	memcpy(asked, guest->question, sizeof(asked));
	guest->probe.questions = 0;
	code = send(guest);
	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED, "%s", strerror(-code));
	code = sp_probe_run(&guest->probe, err);
	for (unsigned kind = 0; kind < KINDS && !code; kind++)
		if (guest->question[kind] >= 0 && asked[kind] < 0)
			guest->answer[kind] = guest->probe.said.answer[guest->question[kind]];
	return code;
}

static int send_and_hear(struct guest *guest, struct sp_error *err)
{
	int code = take_address(guest);

	if (code)
		sp_fail(err, code, SP_EXIT_FAILED, "%s", strerror(-code));
	else
		code = exchange(guest, send_all, err);
	if (!code && is_answered(guest, ASKED))
		code = exchange(guest, send_request, err);
	take_back(guest);
	if (guest->address)
		sp_netlink_guest(guest->link.ifindex, htonl(guest->address), guest->mac, false);
	return code;
}

/* The XDP program that judges there; TC does where there is none. */
static int find_program(const struct guest *guest)
{
	bool own_qdisc = false;
	struct sp_hook hook;

	sp_hook_find(&hook, guest->doctor->instance, SP_HOOK_XDP, guest->link.name,
	             guest->link.ifindex, &own_qdisc);
	return hook.program_id ? sp_programs_by_id(guest->doctor->instance, hook.program_id) : -1;
}

static void try_interface(struct sp_doctor *doctor, const struct sp_attachment *attachment)
{
	static struct guest guest;
	struct sp_address list[SP_MAX_ADDRESSES];
	const struct sp_address *own;
	struct sp_error err;
	int count = sp_gateway_addresses_at(attachment->ifindex, list, NULL);

	guest = (struct guest){.doctor = doctor, .question = {-1, -1, -1, -1, -1, -1}};
	own = first_ipv4(list, count < 0 ? 0 : (unsigned)count);
	if (!own || sp_netlink_link_at(attachment->ifindex, &guest.link, NULL))
		return;
	make_up(&guest);
	guest.own = host_order(own);
	guest.program = find_program(&guest);
	guest.file = sp_probe_take(&guest.probe, sp_overhear(guest.link.ifindex, guest.mac));
	if (guest.file < 0)
		sp_report_add(doctor->report, SP_LEVEL_NOTE, "probe", guest.link.name,
		              "no client could be played: %s", strerror(-guest.file));
	else if (send_and_hear(&guest, &err))
		sp_report_add(doctor->report, SP_LEVEL_NOTE, "probe", guest.link.name,
		              "no client could be played: %s", err.text);
	else
		judge(&guest);
	sp_probe_end(&guest.probe);
	if (guest.program >= 0)
		close(guest.program);
}

void sp_doctor_client(struct sp_doctor *doctor)
{
	if (!doctor->probe || !doctor->config || !doctor->loaded)
		return;
	doctor->report->group = "As a client";
	for (unsigned i = 0; i < doctor->status.attachment_count; i++) {
		const struct sp_attachment *one = &doctor->status.attachment[i];

		if (!one->uplink && one->presence == SP_ATTACHED)
			try_interface(doctor, one);
	}
}
