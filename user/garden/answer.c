/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "garden/answer.h"

#include <ares.h>
#include <ares_dns.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

_Static_assert(sizeof(struct ares_in6_addr) == sizeof(struct sp_address), "copied as it is");

/* A standard answer without error to one question. */
static bool is_answer(const uint8_t *message, size_t length)
{
	return length >= HFIXEDSZ && DNS_HEADER_QR(message) &&
	       DNS_HEADER_OPCODE(message) == QUERY && DNS_HEADER_RCODE(message) == NOERROR &&
	       DNS_HEADER_QDCOUNT(message) == 1;
}

/* The name and type that were asked for. */
static int read_question(struct sp_answer *answer, const uint8_t *message, size_t length, int *type)
{
	const uint8_t *at = message + HFIXEDSZ;
	char *name = NULL;
	long used = 0;
	int code = 0;

	if (ares_expand_name(at, message, (int)length, &name, &used) != ARES_SUCCESS)
		return -EBADMSG;
	at += used;
	if (strlen(name) >= sizeof(answer->name) || at + QFIXEDSZ > message + length ||
	    DNS_QUESTION_CLASS(at) != C_IN)
		code = -EBADMSG;
	for (size_t i = 0; !code && name[i]; i++)
		answer->name[i] = (char)tolower((unsigned char)name[i]);
	if (!code)
		*type = DNS_QUESTION_TYPE(at);
	ares_free_string(name);
	return code;
}

/* c-ares follows CNAMEs in the order in which they stand, whomever the first belongs to. */
static bool begins_right(const struct sp_answer *answer, const struct hostent *host)
{
	const char *first =
		host->h_aliases && host->h_aliases[0] ? host->h_aliases[0] : host->h_name;

	return first && !strcasecmp(first, answer->name);
}

static void add(struct sp_answer *answer, const struct sp_address *address, int ttl)
{
	answer->record[answer->count].address = *address;
	answer->record[answer->count].ttl = ttl > 0 ? (uint32_t)ttl : 0;
	answer->count++;
}

static int read_a(struct sp_answer *answer, const uint8_t *message, size_t length)
{
	struct ares_addrttl list[SP_ANSWER_ADDRESSES];
	struct hostent *host = NULL;
	int count = SP_ANSWER_ADDRESSES;
	int code = ares_parse_a_reply(message, (int)length, &host, list, &count);

	if (code == ARES_SUCCESS && begins_right(answer, host))
		for (int i = 0; i < count; i++) {
			const struct sp_address address = {
				{0, 0, htonl(0xffff), list[i].ipaddr.s_addr}};

			add(answer, &address, list[i].ttl);
		}
	if (host)
		ares_free_hostent(host);
	return code;
}

static int read_aaaa(struct sp_answer *answer, const uint8_t *message, size_t length)
{
	struct ares_addr6ttl list[SP_ANSWER_ADDRESSES];
	struct hostent *host = NULL;
	int count = SP_ANSWER_ADDRESSES;
	int code = ares_parse_aaaa_reply(message, (int)length, &host, list, &count);

	if (code == ARES_SUCCESS && begins_right(answer, host))
		for (int i = 0; i < count; i++) {
			struct sp_address address;

			memcpy(&address, &list[i].ip6addr, sizeof(address));
			add(answer, &address, list[i].ttl);
		}
	if (host)
		ares_free_hostent(host);
	return code;
}

int sp_answer_read(struct sp_answer *answer, const uint8_t *message, size_t length)
{
	int type, code;

	memset(answer, 0, sizeof(*answer));
	if (length > SP_ANSWER_SIZE || !is_answer(message, length) ||
	    read_question(answer, message, length, &type))
		return -EBADMSG;
	if (type != T_A && type != T_AAAA)
		return -ENODATA;
	code = type == T_A ? read_a(answer, message, length) : read_aaaa(answer, message, length);
	if (code == ARES_SUCCESS || code == ARES_ENODATA)
		return answer->count ? 0 : -ENODATA;
	return -EBADMSG;
}
