/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a RADIUS packet, an answer as well as a request from outside: none is authentic, and
 * what is read of one as if it were stays within it and within what a session can have.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "radius/login.h"
#include "radius/packet.h"
#include "radius/terms.h"

#define NOW 1700000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

static void walk(const struct sp_radius_packet *packet)
{
	const uint8_t *end = packet->data + packet->length;
	struct sp_radius_cursor cursor = {0};
	struct sp_radius_attribute one;

	for (unsigned count = 0; sp_radius_next(packet, &cursor, &one); count++) {
		demand(count < SP_RADIUS_MOST);
		demand(one.value >= packet->data + SP_RADIUS_HEAD && one.value + one.length <= end);
	}
}

static void check_text(const char *text, size_t room)
{
	demand(memchr(text, '\0', room) != NULL);
	demand(sp_text_printable(text, strlen(text)));
}

static void check_meaning(const struct sp_radius_packet *packet)
{
	static const struct sp_ipc_limits none;
	static struct sp_ipc_verdict verdict;
	struct sp_radius_terms terms;
	char text[SP_IPC_SAID];

	sp_radius_terms_read(&terms, packet, NOW);
	demand(terms.given || memcmp(&terms.limits, &none, sizeof(none)) == 0);
	sp_radius_text(packet, SP_RADIUS_REPLY_MESSAGE, true, text, sizeof(text));
	check_text(text, sizeof(text));
	memset(&verdict, 0, sizeof(verdict));
	sp_radius_judge(packet, NOW, &verdict);
	demand(verdict.result < SP_IPC_RESULTS && verdict.limited <= 1);
	demand(verdict.class_length <= SP_IPC_CLASS);
	check_text(verdict.name, sizeof(verdict.name));
	check_text(verdict.said, sizeof(verdict.said));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t authenticator[SP_RADIUS_AUTHENTICATOR] = "authenticator..";
	static struct sp_radius_packet packet, request;

	if (!sp_radius_receive(&packet, data, size))
		return 0;
	demand(packet.length >= SP_RADIUS_HEAD && packet.length <= SP_RADIUS_MOST &&
	       packet.length <= size);
	sp_radius_begin(&request, SP_RADIUS_ACCESS_REQUEST, sp_radius_id(&packet), authenticator);
	demand(sp_radius_seal(&request, "a secret that nobody guesses") == 0);
	demand(sp_radius_check_reply(&packet, &request, "a secret that nobody guesses") != NULL);
	demand(sp_radius_check_request(&packet, "a secret that nobody guesses") != NULL);
	walk(&packet);
	check_meaning(&packet);
	return 0;
}
