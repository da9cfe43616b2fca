// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading DNS answers: what they say, and what a broken or hostile one must not do.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "garden/answer.h"

#define A     1
#define CNAME 5
#define AAAA  28
#define HTTPS 65

#define QUESTION_AT 12 /* where the name of the question begins: 0xc00c points there */

struct message {
	uint8_t byte[4096];
	size_t length;
};

static void put(struct message *message, const void *bytes, size_t size)
{
	assert_true(message->length + size <= sizeof(message->byte));
	memcpy(message->byte + message->length, bytes, size);
	message->length += size;
}

static void put16(struct message *message, unsigned value)
{
	uint16_t wire = htons((uint16_t)value);

	put(message, &wire, 2);
}

static void put32(struct message *message, uint32_t value)
{
	uint32_t wire = htonl(value);

	put(message, &wire, 4);
}

/* "www.example.org", or "@" for a pointer to the question. Returns where it begins. */
static size_t put_name(struct message *message, const char *name)
{
	size_t begin = message->length;

	if (!strcmp(name, "@")) {
		put16(message, 0xc000 | QUESTION_AT);
		return begin;
	}
	while (*name) {
		uint8_t length = (uint8_t)strcspn(name, ".");

		put(message, &length, 1);
		put(message, name, length);
		name += length + (name[length] == '.');
	}
	put(message, "", 1);
	return begin;
}

static void count_answer(struct message *message)
{
	message->byte[7]++;
	message->byte[6] = (uint8_t)(message->byte[6] + !message->byte[7]);
}

static void begin(struct message *message, const char *name, unsigned type)
{
	message->length = 0;
	put16(message, 0x5a5a);
	put16(message, 0x8180); /* an answer, recursion desired and available */
	put16(message, 1);
	put16(message, 0);
	put16(message, 0);
	put16(message, 0);
	put_name(message, name);
	put16(message, type);
	put16(message, 1);
}

static void record_head(struct message *message, const char *owner, unsigned type, uint32_t ttl)
{
	count_answer(message);
	put_name(message, owner);
	put16(message, type);
	put16(message, 1);
	put32(message, ttl);
}

static void add_a(struct message *message, const char *owner, uint32_t ttl, const char *address)
{
	struct in_addr ipv4;

	assert_int_equal(inet_pton(AF_INET, address, &ipv4), 1);
	record_head(message, owner, A, ttl);
	put16(message, 4);
	put(message, &ipv4, 4);
}

static void add_aaaa(struct message *message, const char *owner, uint32_t ttl, const char *address)
{
	struct in6_addr ipv6;

	assert_int_equal(inet_pton(AF_INET6, address, &ipv6), 1);
	record_head(message, owner, AAAA, ttl);
	put16(message, 16);
	put(message, &ipv6, 16);
}

static void add_cname(struct message *message, const char *owner, uint32_t ttl, const char *to)
{
	size_t length_at;
	uint16_t length;

	record_head(message, owner, CNAME, ttl);
	length_at = message->length;
	put16(message, 0);
	put_name(message, to);
	length = htons((uint16_t)(message->length - length_at - 2));
	memcpy(message->byte + length_at, &length, 2);
}

/* From memory that ends where the message does. */
static int read_message(const struct message *message, struct sp_answer *answer)
{
	uint8_t *exact = malloc(message->length ? message->length : 1);
	int code;

	assert_non_null(exact);
	memcpy(exact, message->byte, message->length);
	code = sp_answer_read(answer, exact, message->length);
	free(exact);
	assert_true(code == 0 || code == -ENODATA || code == -EBADMSG);
	assert_true(answer->count <= SP_ANSWER_ADDRESSES);
	assert_true((code == 0) == (answer->count > 0));
	return code;
}

static void assert_record(const struct sp_answer *answer, unsigned index, const char *address,
                          uint32_t ttl)
{
	struct sp_address wanted = {{0}};

	if (strchr(address, ':')) {
		inet_pton(AF_INET6, address, &wanted);
	} else {
		wanted.word[2] = htonl(0xffff);
		inet_pton(AF_INET, address, &wanted.word[3]);
	}
	assert_true(index < answer->count);
	assert_memory_equal(&answer->record[index].address, &wanted, sizeof(wanted));
	assert_int_equal(answer->record[index].ttl, ttl);
}

static void addresses(void **unused)
{
	struct message message;
	struct sp_answer answer;

	(void)unused;
	begin(&message, "WWW.Example.ORG", A);
	add_a(&message, "@", 300, "192.0.2.1");
	add_a(&message, "www.example.org", 60, "192.0.2.2");
	assert_int_equal(read_message(&message, &answer), 0);
	assert_string_equal(answer.name, "www.example.org");
	assert_int_equal(answer.count, 2);
	assert_record(&answer, 0, "192.0.2.1", 300);
	assert_record(&answer, 1, "192.0.2.2", 60);

	begin(&message, "www.example.org", AAAA);
	add_aaaa(&message, "@", 0, "2001:db8::1");
	assert_int_equal(read_message(&message, &answer), 0);
	assert_int_equal(answer.count, 1);
	assert_record(&answer, 0, "2001:db8::1", 0);
}

static void chains(void **unused)
{
	struct message message;
	struct sp_answer answer;

	(void)unused;
	begin(&message, "www.example.org", A);
	add_cname(&message, "@", 600, "web.cdn.example");
	add_cname(&message, "web.cdn.example", 20, "a1.cdn.example");
	add_a(&message, "a1.cdn.example", 300, "192.0.2.1");
	add_a(&message, "other.example", 300, "192.0.2.66");
	assert_int_equal(read_message(&message, &answer), 0);
	assert_string_equal(answer.name, "www.example.org");
	assert_int_equal(answer.count, 1);
	assert_record(&answer, 0, "192.0.2.1", 20); /* the least on the way */

	/* One that begins at another name. */
	begin(&message, "www.example.org", A);
	add_cname(&message, "other.example", 600, "evil.example");
	add_a(&message, "evil.example", 300, "192.0.2.66");
	assert_int_equal(read_message(&message, &answer), -ENODATA);

	/* One that leads nowhere. */
	begin(&message, "www.example.org", A);
	add_cname(&message, "@", 600, "web.cdn.example");
	assert_int_equal(read_message(&message, &answer), -ENODATA);
}

static void loops(void **unused)
{
	struct message message;
	struct sp_answer answer;

	(void)unused;
	begin(&message, "www.example.org", A);
	for (int i = 0; i < 15; i++) {
		add_cname(&message, "www.example.org", 60, "b.example.org");
		add_cname(&message, "b.example.org", 60, "www.example.org");
	}
	assert_int_equal(read_message(&message, &answer), -ENODATA);

	/* A name that points at itself: the question, and a record. */
	begin(&message, "www.example.org", A);
	message.byte[QUESTION_AT] = 0xc0;
	message.byte[QUESTION_AT + 1] = QUESTION_AT;
	assert_int_equal(read_message(&message, &answer), -EBADMSG);
	begin(&message, "www.example.org", A);
	count_answer(&message);
	put16(&message, 0xc000 | (unsigned)message.length);
	put16(&message, A);
	put16(&message, 1);
	put32(&message, 60);
	put16(&message, 4);
	put32(&message, 0xc0000201);
	assert_int_equal(read_message(&message, &answer), -EBADMSG);
}

/* Names that grow with each pointer: 63 bytes of label and a pointer to the one before. */
static void compression_bomb(void **unused)
{
	struct message message;
	struct sp_answer answer;
	size_t before;

	(void)unused;
	begin(&message, "www.example.org", A);
	before = QUESTION_AT;
	while (message.length + 80 < SP_ANSWER_SIZE) {
		uint8_t label[64];

		memset(label, 'x', sizeof(label));
		label[0] = 63;
		count_answer(&message);
		put(&message, label, 64);
		put16(&message, 0xc000 | (unsigned)before);
		before = message.length - 66;
		put16(&message, A);
		put16(&message, 1);
		put32(&message, 60);
		put16(&message, 4);
		put32(&message, 0xc0000201);
	}
	assert_int_not_equal(read_message(&message, &answer), 0);
}

static void many_addresses(void **unused)
{
	struct message message;
	struct sp_answer answer;
	unsigned count = 0;

	(void)unused;
	begin(&message, "a", A);
	while (message.length + 16 <= SP_ANSWER_SIZE) {
		add_a(&message, "@", 60, "192.0.2.1");
		count++;
	}
	assert_int_equal(read_message(&message, &answer), 0);
	assert_int_equal(answer.count, count);
	/* More than was promised to be there, and more than ever fits. */
	message.byte[6] = 0x27;
	message.byte[7] = 0x10; /* 10,000 */
	assert_int_equal(read_message(&message, &answer), -EBADMSG);
	while (message.length + 16 <= sizeof(message.byte))
		add_a(&message, "@", 60, "192.0.2.1");
	assert_int_equal(read_message(&message, &answer), -EBADMSG);
}

/* Cut anywhere, it says what it still says or nothing. */
static void truncated(void **unused)
{
	struct message message;
	struct sp_answer answer;
	size_t whole;

	(void)unused;
	begin(&message, "www.example.org", A);
	add_cname(&message, "@", 600, "web.cdn.example");
	add_a(&message, "web.cdn.example", 60, "192.0.2.1");
	whole = message.length;
	for (message.length = 0; message.length < whole; message.length++)
		assert_int_not_equal(read_message(&message, &answer), 0);
	assert_int_equal(read_message(&message, &answer), 0);
}

static void no_answers(void **unused)
{
	struct message message;
	struct sp_answer answer;

	(void)unused;
	begin(&message, "www.example.org", A);
	add_a(&message, "@", 60, "192.0.2.1");
	message.byte[2] = 0x01; /* a question */
	assert_int_equal(read_message(&message, &answer), -EBADMSG);
	message.byte[2] = 0x91; /* another operation */
	assert_int_equal(read_message(&message, &answer), -EBADMSG);
	message.byte[2] = 0x81;
	message.byte[3] = 0x83; /* NXDOMAIN */
	assert_int_equal(read_message(&message, &answer), -EBADMSG);
	message.byte[3] = 0x80;
	message.byte[5] = 2; /* two questions */
	assert_int_equal(read_message(&message, &answer), -EBADMSG);
	message.byte[5] = 1;
	assert_int_equal(read_message(&message, &answer), 0);

	begin(&message, "www.example.org", HTTPS);
	add_a(&message, "@", 60, "192.0.2.1");
	assert_int_equal(read_message(&message, &answer), -ENODATA);
	begin(&message, "www.example.org", AAAA);
	add_a(&message, "@", 60, "192.0.2.1");
	assert_int_equal(read_message(&message, &answer), -ENODATA);
	begin(&message, "www.example.org", A);
	assert_int_equal(read_message(&message, &answer), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),  cmocka_unit_test(chains),
		cmocka_unit_test(loops),      cmocka_unit_test(compression_bomb),
		cmocka_unit_test(truncated),  cmocka_unit_test(many_addresses),
		cmocka_unit_test(no_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
