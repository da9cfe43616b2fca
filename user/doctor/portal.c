/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a captive client needs before it can log in: a resolver that answers, the portal's name with
 * the portal's addresses, a certificate that it believes, a portal that listens there.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "doctor/doctor.h"
#include "doctor/probe.h"
#include "keeper/address.h"
#include "keeper/tls.h"
#include "lib/address.h"
#include "lib/certificate.h"
#include "lib/gateway.h"

#define DNS_PORT  53
#define FEW_DAYS  14 /* in which a certificate is renewed by any ACME client */
#define HOSTS     4  /* names of the portal that are asked for: of as many zones */
#define NO_ANSWER (-1)

/* What Android asks for first when it joins a network (shared with user/responder/probes.conf). */
#define FIRST_NAME "connectivitycheck.gstatic.com"

struct resolver {
	struct sp_address address;
	int file;  /* of the probe, or a negative errno */
	int first; /* numbers of questions, negative: not asked */
	int a[HOSTS], aaaa[HOSTS];
};

struct listener {
	struct sp_address address;
	uint16_t port;
	bool tls;
	int file, question;
};

struct portal {
	struct sp_doctor *doctor;
	struct sp_report *report;
	struct sp_probe probe;
	struct resolver resolver[SP_MAX_ADDRESSES];
	unsigned resolvers;
	struct listener listener[2 * SP_MAX_ADDRESSES];
	unsigned listeners;
	const char *host[HOSTS];
	unsigned hosts;
	struct sp_address address[SP_MAX_ADDRESSES]; /* where the portal listens */
	unsigned addresses;
};

/* --- the certificate --- */

static void look_at_days(struct sp_doctor *doctor, const struct sp_certificate *certificate)
{
	struct sp_certificate_about about;
	struct sp_finding *finding;
	long days;

	sp_certificate_describe(certificate, &about);
	days = sp_certificate_days(about.not_after, time(NULL));
	finding = sp_report_add(doctor->report, days < FEW_DAYS ? SP_LEVEL_WARNING : SP_LEVEL_OK,
	                        "certificate", "", "the certificate is good for %ld days", days);
	if (days < FEW_DAYS)
		sp_finding_why(finding,
		               "browsers refuse it then: see whether what renews it works, "
		               "and sends SIGHUP to sallyportd");
}

static void look_at_certificate(struct sp_doctor *doctor)
{
	struct sp_certificate certificate = {.count = 0};
	struct sp_finding *finding;
	struct sp_error err;
	int code;

	if (!doctor->config->certificate[0]) {
		finding = sp_report_add(doctor->report, SP_LEVEL_NOTE, "certificate", "",
		                        "the portal has no certificate");
		sp_finding_why(finding, "passwords and the captive portal API (RFC 8908) need "
		                        "HTTPS; for trials one that signs itself will do");
		sp_finding_command(finding, "sallyport cert self-signed");
		return;
	}
	code = sp_tls_load(&certificate, doctor->config, &err);
	if (!code)
		code = sp_tls_check(&certificate, doctor->config, &err);
	if (code) {
		finding = sp_report_add(doctor->report, SP_LEVEL_ERROR, "certificate", "", "%s",
		                        err.text);
		sp_finding_why(finding, "browsers refuse the portal, and devices its API");
	} else {
		look_at_days(doctor, &certificate);
	}
	sp_certificate_free(&certificate);
}

/* --- what is asked --- */

static void add_host(struct portal *portal, const char *host)
{
	for (unsigned i = 0; i < portal->hosts; i++)
		if (!strcmp(portal->host[i], host))
			return;
	if (host[0] && portal->hosts < HOSTS)
		portal->host[portal->hosts++] = host;
}

static void plan_resolver(struct portal *portal, const struct sp_address *address)
{
	struct resolver *one = &portal->resolver[portal->resolvers++];

	*one = (struct resolver){.address = *address, .first = NO_ANSWER};
	one->file = sp_probe_udp(&portal->probe, address, DNS_PORT);
	if (one->file < 0)
		return;
	one->first = sp_probe_ask(&portal->probe, SP_PROBE_A, one->file, FIRST_NAME);
	for (unsigned i = 0; i < portal->hosts; i++) {
		one->a[i] = sp_probe_ask(&portal->probe, SP_PROBE_A, one->file, portal->host[i]);
		one->aaaa[i] =
			sp_probe_ask(&portal->probe, SP_PROBE_AAAA, one->file, portal->host[i]);
	}
}

/* Those of the configuration, else the gateway itself. */
static void plan_resolvers(struct portal *portal)
{
	const struct sp_config *config = portal->doctor->config;
	struct sp_address own[SP_MAX_ADDRESSES];
	int count = (int)config->resolver_count;

	if (count)
		memcpy(own, config->resolver, sizeof(own));
	else
		count = sp_gateway_addresses(config, own, NULL);
	for (int i = 0; i < count; i++)
		if (!sp_address_is_link_local(&own[i]))
			plan_resolver(portal, &own[i]);
}

static void plan_listener(struct portal *portal, const struct sp_address *address, uint16_t port,
                          bool tls)
{
	struct listener *one = &portal->listener[portal->listeners++];
	char text[INET6_ADDRSTRLEN];

	*one = (struct listener){
		.address = *address, .port = port, .tls = tls, .question = NO_ANSWER};
	one->file = sp_probe_tcp(&portal->probe, address, port);
	if (one->file >= 0 && !tls)
		one->question = sp_probe_ask(&portal->probe, SP_PROBE_HTTP, one->file,
		                             sp_address_text(address, text));
}

/* Without the daemon nobody listens, which is said elsewhere. */
static void plan_listeners(struct portal *portal)
{
	const struct sp_config *config = portal->doctor->config;

	for (unsigned i = 0; i < portal->addresses && portal->doctor->status.daemon; i++) {
		if (config->certificate[0])
			plan_listener(portal, &portal->address[i], config->portal_port, true);
		if (config->plain_port)
			plan_listener(portal, &portal->address[i], config->plain_port, false);
	}
}

/* --- what was answered --- */

static const struct sp_probe_answer *answer_of(const struct portal *portal, int question)
{
	static const struct sp_probe_answer none = {.outcome = SP_PROBE_SILENT};

	return question < 0 ? &none : &portal->probe.said.answer[question];
}

static const char *rcode_name(uint32_t code)
{
	static const char *const names[] = {
		[NOERROR] = "no address", [FORMERR] = "FORMERR", [SERVFAIL] = "SERVFAIL",
		[NXDOMAIN] = "NXDOMAIN",  [NOTIMP] = "NOTIMP",   [REFUSED] = "REFUSED",
	};

	return code < sizeof(names) / sizeof(names[0]) ? names[code] : "an error";
}

/* Whether it can be asked at all. */
static bool judge_resolver(const struct portal *portal, const struct resolver *one,
                           const char *name)
{
	const struct sp_probe_answer *first = answer_of(portal, one->first);
	struct sp_finding *finding;

	if (first->outcome != SP_PROBE_ANSWERED) {
		finding = sp_report_add(portal->report, SP_LEVEL_ERROR, "resolver", name,
		                        one->file < 0 ? "it cannot be reached: %s"
		                        : first->outcome == SP_PROBE_NONSENSE
		                                ? "what answers there is no resolver%s"
		                        : first->outcome == SP_PROBE_REFUSED
		                                ? "no resolver listens there%s"
		                                : "it does not answer%s",
		                        one->file < 0 ? strerror(-one->file) : "");
		sp_finding_why(finding, "captive clients may ask the listed resolvers only, and "
		                        "find no portal without an answer: start it, let it answer "
		                        "the clients, or list another in `resolvers` of [captive]");
		return false;
	}
	if (first->code || !first->count) {
		finding = sp_report_add(portal->report, SP_LEVEL_WARNING, "resolver", name,
		                        "it answers %s for " FIRST_NAME, rcode_name(first->code));
		sp_finding_why(finding, "a device looks for a portal by names of its maker: one "
		                        "that it cannot resolve means to it that there is no "
		                        "network at all");
		return true;
	}
	sp_report_add(portal->report, SP_LEVEL_OK, "resolver", name, "it answers");
	return true;
}

/* The first address that is none of the portal's; NULL: there is none. */
static const struct sp_address *stranger(const struct portal *portal,
                                         const struct sp_probe_answer *answer)
{
	for (unsigned i = 0; i < answer->count; i++)
		if (!sp_address_listed(portal->address, portal->addresses, &answer->address[i]))
			return &answer->address[i];
	return NULL;
}

static void judge_host(const struct portal *portal, const struct resolver *one, unsigned number,
                       const char *name)
{
	const struct sp_probe_answer *a = answer_of(portal, one->a[number]);
	const struct sp_probe_answer *aaaa = answer_of(portal, one->aaaa[number]);
	const struct sp_address *other = stranger(portal, a);
	const char *host = portal->host[number];
	struct sp_finding *finding;
	char text[INET6_ADDRSTRLEN];

	other = other ? other : stranger(portal, aaaa);
	if (!other && a->count + aaaa->count) {
		sp_report_add(portal->report, SP_LEVEL_OK, "host", name, "%.80s is the portal",
		              host);
		return;
	}
	if (other)
		finding = sp_report_add(portal->report, SP_LEVEL_ERROR, "host", name,
		                        "by it %.80s is %s, where the portal does not listen", host,
		                        sp_address_text(other, text));
	else
		finding = sp_report_add(portal->report, SP_LEVEL_ERROR, "host", name,
		                        "it knows no address of %.80s", host);
	sp_finding_why(finding,
	               "the login links lead to that name: no client gets to the portal. "
	               "dnsmasq, for one, wants: address=/%.80s/%s",
	               host, sp_address_text(&portal->address[0], text));
}

static void judge_listener(const struct portal *portal, const struct listener *one)
{
	const struct sp_probe_answer *answer = answer_of(portal, one->question);
	char text[INET6_ADDRSTRLEN], name[INET6_ADDRSTRLEN + 24];
	struct sp_finding *finding;

	snprintf(name, sizeof(name), "%s port %u", sp_address_text(&one->address, text), one->port);
	if (one->file == -EAFNOSUPPORT || one->file == -ENOSPC)
		return;
	if (one->file >= 0 && (one->tls || answer->outcome == SP_PROBE_ANSWERED)) {
		sp_report_add(portal->report, SP_LEVEL_OK, "portal", name, "the portal %s",
		              one->tls ? "listens" : "answers");
		return;
	}
	finding = sp_report_add(portal->report, SP_LEVEL_ERROR, "portal", name,
	                        "the portal cannot be reached there: %s",
	                        one->file < 0                          ? strerror(-one->file)
	                        : answer->outcome == SP_PROBE_NONSENSE ? "that is no portal"
	                                                               : "no answer");
	sp_finding_why(finding, "clients are sent there to log in; is the address on a client "
	                        "interface, and does a firewall let TCP in?");
}

static void judge(const struct portal *portal)
{
	char name[INET6_ADDRSTRLEN];

	for (unsigned i = 0; i < portal->resolvers; i++) {
		const struct resolver *one = &portal->resolver[i];

		sp_address_text(&one->address, name);
		if (one->file == -ENOSPC || !judge_resolver(portal, one, name))
			continue;
		for (unsigned k = 0; k < portal->hosts; k++)
			judge_host(portal, one, k, name);
	}
	for (unsigned i = 0; i < portal->listeners; i++)
		judge_listener(portal, &portal->listener[i]);
}

void sp_doctor_portal(struct sp_doctor *doctor)
{
	static struct portal portal;
	struct sp_error err;
	int count;

	if (!doctor->config)
		return;
	doctor->report->group = "Portal";
	look_at_certificate(doctor);
	portal = (struct portal){.doctor = doctor, .report = doctor->report};
	count = sp_address_portal(doctor->config, portal.address, &err);
	if (count < 0) {
		sp_report_add(doctor->report, SP_LEVEL_ERROR, "portal", "", "%s", err.text);
		return;
	}
	portal.addresses = (unsigned)count;
	for (unsigned i = 0; i < doctor->config->zone_count; i++)
		add_host(&portal, doctor->config->zone[i].portal_host);
	plan_resolvers(&portal);
	plan_listeners(&portal);
	if (sp_probe_run(&portal.probe, &err))
		sp_report_add(doctor->report, SP_LEVEL_NOTE, "probe", "",
		              "resolvers and portal could not be asked: %s", err.text);
	else
		judge(&portal);
	sp_probe_end(&portal.probe);
}
