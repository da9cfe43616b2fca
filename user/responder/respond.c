/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "responder/respond.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "ipc/tally.h"
#include "web/authority.h"
#include "web/link.h"

static int load_probes(struct sp_probes *probes, const char *directory, struct sp_error *err)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/probes.conf", directory) >= (int)sizeof(path))
		return sp_fail(err, -ENAMETOOLONG, SP_EXIT_FAILED, "%s: path too long", directory);
	return sp_probes_load(probes, path, err);
}

static int check_setup(const struct sp_ipc_responder_setup *setup, struct sp_error *err)
{
	if (setup->probe_status != 302 && setup->probe_status != 511)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "setup: probe_status: expected 302 or 511");
	if (strnlen(setup->data, sizeof(setup->data)) == sizeof(setup->data))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "setup: data: no end");
	if (setup->zone_count < 1 || setup->zone_count > SP_ZONES)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "setup: zone_count: expected 1 to %u",
		               SP_ZONES);
	for (unsigned i = 0; i < setup->zone_count; i++)
		if (!sp_ipc_pages_end(&setup->zone[i].pages))
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "setup: pages: no end");
	return 0;
}

/* The zone before @zone that has the same texts; -1: there is none. */
static int same_texts(const struct sp_ipc_responder_setup *setup, unsigned zone)
{
	const struct sp_ipc_pages *pages = &setup->zone[zone].pages;

	for (unsigned i = 0; i < zone; i++)
		if (!memcmp(&setup->zone[i].pages, pages, sizeof(*pages)))
			return (int)i;
	return -1;
}

static int load_voice(struct sp_knowledge *knowledge, const struct sp_ipc_responder_setup *setup,
                      unsigned zone, struct sp_error *err)
{
	const struct sp_own_pages own = sp_ipc_own_pages(&setup->zone[zone].pages);
	struct sp_voice *voice = &knowledge->voice[zone];
	int same = same_texts(setup, zone), ret = 0;

	memset(voice, 0, sizeof(*voice));
	knowledge->voices++;
	if (same < 0)
		ret = sp_catalogue_load(&voice->own, setup->data, &own, err);
	if (ret)
		return ret;
	voice->catalogue = same < 0 ? &voice->own : knowledge->voice[same].catalogue;
	return sp_answers_init(&voice->answers, voice->catalogue, setup, zone, err);
}

int sp_knowledge_load(struct sp_knowledge *knowledge, const struct sp_ipc_responder_setup *setup,
                      struct sp_error *err)
{
	int ret = check_setup(setup, err);

	memset(&knowledge->probes, 0, sizeof(knowledge->probes));
	knowledge->voices = 0;
	knowledge->redirect_probes = setup->probe_status == 302;
	for (unsigned i = 0; !ret && i < setup->zone_count; i++)
		ret = load_voice(knowledge, setup, i, err);
	if (!ret)
		ret = load_probes(&knowledge->probes, setup->data, err);
	if (ret)
		sp_knowledge_free(knowledge);
	return ret;
}

void sp_knowledge_free(struct sp_knowledge *knowledge)
{
	for (unsigned i = 0; i < knowledge->voices; i++) {
		sp_answers_free(&knowledge->voice[i].answers);
		sp_catalogue_free(&knowledge->voice[i].own);
	}
	sp_probes_free(&knowledge->probes);
}

/* The host of the request as the list of probes has it; empty if it is on another port than 80. */
static struct sp_probe_text probe_host(const struct sp_request *request, const char *head)
{
	struct sp_probe_text host = {head + request->authority.at, 0};
	struct sp_authority authority;

	if (!sp_authority_parse(host.text, request->authority.length, &authority) ||
	    authority.port != 80)
		return host;
	host.length = authority.host_length;
	if (host.length > 1 && host.text[host.length - 1] == '.')
		host.length--;
	return host;
}

static struct sp_probe_text probe_path(const struct sp_request *request, const char *head)
{
	const char *path = head + request->path.at;
	const char *query = memchr(path, '?', request->path.length);

	if (request->path.length == 0 || query == path)
		return (struct sp_probe_text){"/", 1};
	return (struct sp_probe_text){path, query ? (size_t)(query - path) : request->path.length};
}

static bool is_probe(const struct sp_knowledge *knowledge, const struct sp_request *request,
                     const char *head)
{
	const struct sp_probe_text part[SP_PROBE_PARTS] = {
		[SP_PROBE_HOST] = probe_host(request, head),
		[SP_PROBE_PATH] = probe_path(request, head),
		[SP_PROBE_AGENT] = {head + request->user_agent.at, request->user_agent.length},
	};

	const struct sp_probe *found;
	size_t place;

	if (!knowledge->redirect_probes || (!request->get && !request->head))
		return false;
	found = sp_probes_match(&knowledge->probes, part);
	if (!found)
		return false;
	place = (size_t)(found - knowledge->probes.probe);
	sp_tally->responder.probes[place < SP_TALLY_PROBES ? place : SP_TALLY_PROBES]++;
	return true;
}

/*
 * The URL that the client asked for, to come back to after its login: http://AUTHORITY/PATH. A
 * probe keeps its own: after the login it gives the client the answer that it waits for. Only of a
 * GET, since nothing else can be repeated by a link. Returns its length, 0 if there is none.
 */
static size_t wanted_url(const struct sp_request *request, const char *head,
                         char out[SP_LINK_WANTED])
{
	static const char scheme[] = "http://";
	size_t length = sizeof(scheme) - 1 + request->authority.length + request->path.length;
	char *end;

	if (!request->get || request->path.length == 0 || length >= SP_LINK_WANTED)
		return 0;
	end = stpcpy(out, scheme);
	end = mempcpy(end, head + request->authority.at, request->authority.length);
	memcpy(end, head + request->path.at, request->path.length);
	return sp_link_acceptable(out, length) ? length : 0;
}

size_t sp_respond(const struct sp_knowledge *knowledge, unsigned zone,
                  const struct sp_request *request, enum sp_request_result result, const char *head,
                  bool is_ipv6, const char *date, char out[SP_MAX_ANSWER])
{
	const struct sp_voice *voice = &knowledge->voice[zone];
	struct sp_answer answer = {.ipv6 = is_ipv6, .date = date, .head_only = request->head};
	char wanted[SP_LINK_WANTED];

	if (result != SP_REQUEST_DONE)
		return sp_answers_refuse(&voice->answers, result, request->head, date, out);
	answer.probe = is_probe(knowledge, request, head);
	answer.language = sp_catalogue_choose(voice->catalogue, head + request->accept_language.at,
	                                      request->accept_language.length);
	if (!answer.probe)
		answer.format = sp_accept_choose(head + request->accept.at, request->accept.length);
	answer.wanted_length = wanted_url(request, head, wanted);
	answer.wanted = answer.wanted_length ? wanted : NULL;
	return sp_answers_render(&voice->answers, &answer, out);
}
