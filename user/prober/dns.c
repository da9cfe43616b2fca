/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prober/dns.h"

#include <ares.h>
#include <ares_dns.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "garden/answer.h"

static int type_of(const struct sp_probe_question *question)
{
	return question->kind == SP_PROBE_A ? T_A : T_AAAA;
}

int sp_dns_query(uint8_t query[SP_DNS_QUERY], const struct sp_probe_question *question, uint16_t id)
{
	unsigned char *made = NULL;
	int length = 0, result = -EINVAL;

	if (ares_create_query(question->name, C_IN, type_of(question), id, 1, &made, &length, 0) ==
	            ARES_SUCCESS &&
	    length <= SP_DNS_QUERY) {
		memcpy(query, made, (size_t)length);
		result = length;
	}
	ares_free_string(made);
	return result;
}

/* Whether the question in @message is ours: name, type and class. */
static bool repeats(const struct sp_probe_question *question, const uint8_t *message, size_t length)
{
	const uint8_t *at = message + HFIXEDSZ;
	char *name = NULL;
	long used = 0;
	bool same = false;

	if (ares_expand_name(at, message, (int)length, &name, &used) != ARES_SUCCESS)
		return false;
	at += used;
	if (at + QFIXEDSZ <= message + length)
		same = !strcasecmp(name, question->name) &&
		       DNS_QUESTION_TYPE(at) == type_of(question) && DNS_QUESTION_CLASS(at) == C_IN;
	ares_free_string(name);
	return same;
}

static int broken(struct sp_probe_answer *answer)
{
	*answer = (struct sp_probe_answer){.outcome = SP_PROBE_NONSENSE};
	return -EBADMSG;
}

int sp_dns_read(struct sp_probe_answer *answer, const struct sp_probe_question *question,
                uint16_t id, const uint8_t *message, size_t length)
{
	static struct sp_answer said;
	int code;

	if (length < HFIXEDSZ)
		return broken(answer);
	if (DNS_HEADER_QID(message) != id || !DNS_HEADER_QR(message))
		return -EAGAIN;
	if (DNS_HEADER_QDCOUNT(message) != 1 || !repeats(question, message, length))
		return broken(answer);
	*answer = (struct sp_probe_answer){.outcome = SP_PROBE_ANSWERED,
	                                   .code = DNS_HEADER_RCODE(message)};
	if (answer->code != NOERROR)
		return 0;
	code = sp_answer_read(&said, message, length);
	if (code == -EBADMSG)
		return broken(answer);
	for (unsigned i = 0; !code && i < said.count && i < SP_PROBE_ADDRESSES; i++)
		answer->address[answer->count++] = said.record[i].address;
	return 0;
}
