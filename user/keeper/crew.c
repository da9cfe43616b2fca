/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/crew.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "lib/log.h"
#include "lib/monotonic.h"

static void add(struct sp_crew *crew, const struct sp_child_plan *plan)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = SP_CREW_LOG + crew->count};
	struct sp_child *child = &crew->child[crew->count++];

	sp_child_init(child, plan);
	if (child->log >= 0 && epoll_ctl(crew->epoll, EPOLL_CTL_ADD, child->log, &event))
		sp_log(SP_LOG_WARNING, "%s: its log is read at its end only: epoll: %s", plan->name,
		       strerror(errno));
}

static void plan_responders(struct sp_crew *crew, struct sp_setup *setup)
{
	struct sp_child_plan plan = {
		.role = SP_ROLE_RESPONDER,
		.program = setup->paths.responder,
		.file_count = SP_IPC_RESPONDER_FILES(setup->responder.zone_count),
		.setup = &setup->responder,
		.setup_size = sizeof(setup->responder),
	};

	for (unsigned i = 0; i < setup->workers; i++) {
		snprintf(plan.name, sizeof(plan.name), "responder %u", i);
		plan.number = i;
		plan.files = setup->responder_files[i];
		add(crew, &plan);
	}
}

static void plan_verifiers(struct sp_crew *crew, struct sp_setup *setup)
{
	struct sp_child_plan plan = {
		.role = SP_ROLE_VERIFIER,
		.program = setup->paths.verifier,
		.setup = &setup->verifier,
		.setup_size = sizeof(setup->verifier),
	};

	for (unsigned i = 0; i < setup->verifiers; i++) {
		snprintf(plan.name, sizeof(plan.name), "verifier %u", i);
		plan.number = i;
		add(crew, &plan);
	}
}

/* Those that speak RADIUS about sessions, where there is somebody to speak to. */
static void plan_radius(struct sp_crew *crew, struct sp_setup *setup)
{
	struct sp_child_plan plan = {
		.role = SP_ROLE_ACCOUNTING,
		.name = "accounting",
		.program = setup->paths.verifier,
		.setup = &setup->accounting,
		.setup_size = sizeof(setup->accounting),
	};

	if (setup->accounting.radius.server_count)
		add(crew, &plan);
	plan = (struct sp_child_plan){
		.role = SP_ROLE_AUTHORITY,
		.name = "authority",
		.program = setup->paths.verifier,
		.files = &setup->authority_file,
		.file_count = 1,
		.setup = &setup->authority,
		.setup_size = sizeof(setup->authority),
	};
	if (setup->authority_file >= 0)
		add(crew, &plan);
}

static void plan_metrics(struct sp_crew *crew, struct sp_setup *setup)
{
	if (setup->metrics_file >= 0)
		add(crew, &(struct sp_child_plan){
				  .role = SP_ROLE_METRICS,
				  .name = "metrics",
				  .program = setup->paths.metrics,
				  .files = &setup->metrics_file,
				  .file_count = 1,
				  .setup = &setup->metrics,
				  .setup_size = sizeof(setup->metrics),
			  });
}

void sp_crew_plan(struct sp_crew *crew, struct sp_setup *setup, int epoll)
{
	crew->epoll = epoll;
	crew->count = 0;
	plan_responders(crew, setup);
	add(crew, &(struct sp_child_plan){
			  .role = SP_ROLE_GARDEN,
			  .name = "garden",
			  .program = setup->paths.garden,
			  .files = setup->garden_files,
			  .file_count = 2,
			  .setup = &setup->garden,
			  .setup_size = sizeof(setup->garden),
		  });
	add(crew, &(struct sp_child_plan){
			  .role = SP_ROLE_PORTAL,
			  .name = "portal",
			  .program = setup->paths.portal,
			  .files = setup->portal_files,
			  .file_count = 1 + setup->portal.listener_count,
			  .setup = &setup->portal,
			  .setup_size = sizeof(setup->portal),
		  });
	plan_verifiers(crew, setup);
	plan_radius(crew, setup);
	plan_metrics(crew, setup);
}

static void start(struct sp_crew *crew, unsigned index)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
	struct sp_child *child = &crew->child[index];

	if (!sp_child_start(child) && epoll_ctl(crew->epoll, EPOLL_CTL_ADD, child->socket, &event))
		sp_child_stop(child, "epoll refused its socket");
}

uint64_t sp_crew_attend(struct sp_crew *crew)
{
	uint64_t now = sp_monotonic_ms(), next = UINT64_MAX;

	for (unsigned i = 0; i < crew->count; i++) {
		struct sp_child *child = &crew->child[i];

		if (!child->pid && child->start_at <= now)
			start(crew, i);
		sp_child_attend(child);
		if (sp_child_due(child) < next)
			next = sp_child_due(child);
	}
	return next;
}

void sp_crew_renew(struct sp_crew *crew, enum sp_role role, const char *reason)
{
	for (unsigned i = 0; i < crew->count; i++)
		if (role == SP_ROLES || crew->child[i].plan.role == role)
			sp_child_renew(&crew->child[i], reason);
}

struct sp_child *sp_crew_find(struct sp_crew *crew, enum sp_role role)
{
	for (unsigned i = 0; i < crew->count; i++)
		if (crew->child[i].plan.role == role)
			return &crew->child[i];
	return NULL;
}

bool sp_crew_ready(const struct sp_crew *crew)
{
	for (unsigned i = 0; i < crew->count; i++)
		if (!crew->child[i].ready)
			return false;
	return true;
}
