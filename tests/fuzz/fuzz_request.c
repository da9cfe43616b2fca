/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a request: the result must not depend on how they are cut up, and the answer must be
 * one well-formed answer. Run from the top of the tree, where the data files are.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "responder/respond.h"

static struct sp_ipc_responder_setup setup = {
	.probe_status = 302,
	.zone_count = 1,
	.zone = {{.login_url4 = "http://10.85.0.1:8080/", .login_url6 = "http://[fd85::1]:8080/"}},
};
static struct sp_knowledge knowledge = {.redirect_probes = true};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct sp_voice *voice = &knowledge.voice[0];
	struct sp_error err;

	(void)argc;
	(void)argv;
	voice->catalogue = &voice->own;
	if (sp_catalogue_load(&voice->own, "user/portal", NULL, &err) ||
	    sp_probes_load(&knowledge.probes, "user/responder/probes.conf", &err) ||
	    sp_answers_init(&voice->answers, &voice->own, &setup, 0, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(EXIT_FAILURE);
	}
	return 0;
}

static void demand(int condition)
{
	if (!condition)
		abort();
}

/* Each look at a buffer of exactly the size received, so that a look beyond it shows. */
static enum sp_request_result read_prefix(struct sp_request *request, const uint8_t *data,
                                          size_t size)
{
	char *copy = malloc(size ? size : 1);
	enum sp_request_result result;

	demand(copy != NULL);
	memcpy(copy, data, size);
	result = sp_request_read(request, copy, size);
	free(copy);
	return result;
}

static void check_spans(const struct sp_request *request)
{
	const struct sp_span *const spans[] = {
		&request->method,     &request->target, &request->authority,      &request->path,
		&request->user_agent, &request->accept, &request->accept_language};

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
		demand(spans[i]->at + spans[i]->length <= request->length);
}

static void check_answer(const char *answer, size_t length, bool head_only)
{
	static const char field[] = "\r\nContent-Length: ";
	const char *end = memmem(answer, length, "\r\n\r\n", 4);
	const char *stated = memmem(answer, length, field, sizeof(field) - 1);
	size_t body;

	demand(length <= SP_MAX_ANSWER && memcmp(answer, "HTTP/1.1 ", 9) == 0);
	demand(end && stated && stated < end);
	body = length - (size_t)(end + 4 - answer);
	demand(head_only ? body == 0 : strtoul(stated + sizeof(field) - 1, NULL, 10) == body);
	demand(body < SP_MAX_BODY);
	for (const char *at = answer; at < end; at++)
		demand((*at >= 0x20 && *at < 0x7f) || *at == '\r' || *at == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char answer[SP_MAX_ANSWER];
	struct sp_request request, again;
	enum sp_request_result result, cut;
	size_t half, length;
	char *head;

	if (size < 2 || size > SP_MAX_HEAD)
		return 0;
	half = (size_t)(data[0] << 8 | data[1]) % size;
	sp_request_init(&request);
	sp_request_init(&again);
	result = read_prefix(&request, data, size);
	cut = read_prefix(&again, data, half);
	if (cut == SP_REQUEST_MORE)
		cut = read_prefix(&again, data, size);
	demand(cut == result);
	if (result == SP_REQUEST_MORE)
		return 0;
	if (result == SP_REQUEST_DONE)
		check_spans(&request);
	head = malloc(size);
	demand(head != NULL);
	memcpy(head, data, size);
	length = sp_respond(&knowledge, 0, &request, result, head, size & 1,
	                    "Sun, 06 Nov 1994 08:49:37 GMT", answer);
	free(head);
	check_answer(answer, length, request.head);
	return 0;
}
