/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a request that was read to the bytes of its answer. No sockets, no clock, no memory.
 */
#ifndef SP_RESPONDER_RESPOND_H
#define SP_RESPONDER_RESPOND_H

#include <stdbool.h>
#include <stddef.h>

#include "responder/answers.h"
#include "web/probes.h"
#include "responder/request.h"
#include "web/catalogue.h"

/* What is said to clients of a zone. */
struct sp_voice {
	struct sp_catalogue own; /* nothing if another zone has the same texts */
	const struct sp_catalogue *catalogue;
	struct sp_answers answers;
};

/* What a worker knows after start; never changes, nor does its place. */
struct sp_knowledge {
	struct sp_voice voice[SP_ZONES]; /* by zone of the setup; what is not used is not touched */
	unsigned voices;
	struct sp_probes probes;
	bool redirect_probes; /* 302 to a known probe; else 511 to it, too */
};

/* Load catalogues and probes from the data directory of @setup, which must live as long, and render
 * the answers. 0 or a negative errno; nothing stays allocated then. */
int sp_knowledge_load(struct sp_knowledge *knowledge, const struct sp_ipc_responder_setup *setup,
                      struct sp_error *err);

void sp_knowledge_free(struct sp_knowledge *knowledge);

/* Write the answer to @request of a client of the zone @zone of the setup, whose head is at @head
 * and whose reading ended with @result (not SP_REQUEST_MORE). Returns its length. */
size_t sp_respond(const struct sp_knowledge *knowledge, unsigned zone,
                  const struct sp_request *request, enum sp_request_result result, const char *head,
                  bool is_ipv6, const char *date, char out[SP_MAX_ANSWER]);

#endif
