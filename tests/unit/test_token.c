/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way to an external portal and back: links, nonces, tokens. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <nettle/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "verifier/token.h"
#include "web/base64url.h"
#include "web/handover.h"

#define NOW 1790000000ull

static const uint8_t secret[] = "0123456789abcdef0123456789abcdef";
static const uint8_t link_key[SP_IPC_KEY] = {1, 2, 3};
static const struct sp_client_key client = {{0x02, 0x85, 0, 0, 0, 0x0a}, 12};
static const struct sp_token_rules rules = {
	.secret = secret, .secret_length = 32, .nonce_key = link_key, .now = NOW};

static char nonce[SP_HANDOVER_TEXT];
static const char *why;

/* --- as an external portal does it --- */

static void sign_bytes(char *out, const uint8_t *key, size_t key_length, const char *text)
{
	struct hmac_sha256_ctx context;
	uint8_t digest[SHA256_DIGEST_SIZE];

	hmac_sha256_set_key(&context, key_length, key);
	hmac_sha256_update(&context, strlen(text), (const uint8_t *)text);
	hmac_sha256_digest(&context, sizeof(digest), digest);
	sp_base64url_write(out, digest, sizeof(digest));
}

static void make_token(char out[SP_IPC_SECRET], const char *payload)
{
	size_t length = strlen(payload);
	char *end;

	assert_true(SP_BASE64URL_ROOM(length) + 44 < SP_IPC_SECRET);
	sp_base64url_write(out, (const uint8_t *)payload, length);
	end = out + strlen(out);
	sign_bytes(end + 1, secret, 32, out);
	*end = '.';
}

/* What is thought of a token with this payload. */
static int judge(const char *payload, struct sp_token *token)
{
	char text[SP_IPC_SECRET];

	make_token(text, payload);
	return sp_token_read(text, &rules, &client, token, &why);
}

static int fresh_nonce(void **state)
{
	(void)state;
	return sp_handover_nonce(nonce, link_key, &client, NOW);
}

/* The payload of a good token with @more behind its members. Static. */
static const char *payload_with(const char *more)
{
	static char text[700];

	snprintf(text, sizeof(text),
	         "{\"nonce\": \"%s\", \"client\": \"02:85:00:00:00:0a\", \"vlan\": 12, "
	         "\"expires\": %llu%s}",
	         nonce, NOW + 60, more);
	return text;
}

/* --- base64url --- */

static void test_base64url(void **state)
{
	/* RFC 4648 section 10, and the two characters that differ. */
	static const char *const rows[][2] = {{"", ""},           {"f", "Zg"},
	                                      {"fo", "Zm8"},      {"foo", "Zm9v"},
	                                      {"foob", "Zm9vYg"}, {"\xfb\xff", "-_8"}};
	char out[16];
	uint8_t bytes[16];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t length = strlen(rows[i][0]);

		sp_base64url_write(out, (const uint8_t *)rows[i][0], length);
		assert_string_equal(out, rows[i][1]);
		assert_int_equal(sp_base64url_read(out, strlen(out), bytes, sizeof(bytes)), length);
		assert_memory_equal(bytes, rows[i][0], length);
	}
	assert_int_equal(sp_base64url_read("Zg=", 3, bytes, sizeof(bytes)), -EINVAL);
	assert_int_equal(sp_base64url_read("Z", 1, bytes, sizeof(bytes)), -EINVAL);
	assert_int_equal(sp_base64url_read("Z+9v", 4, bytes, sizeof(bytes)), -EINVAL);
	assert_int_equal(sp_base64url_read("Zm9vZm9v", 8, bytes, 5), -ENOSPC);
}

/* --- links --- */

static const char *parameter(const char *link, const char *name, char out[512])
{
	char pattern[32];
	const char *at;

	snprintf(pattern, sizeof(pattern), "&%s=", name);
	at = strstr(link, pattern);
	assert_non_null(at);
	at += strlen(pattern);
	snprintf(out, 512, "%.*s", (int)strcspn(at, "&"), at);
	return out;
}

static void make_link(char out[SP_HANDOVER_LINK], const char *url)
{
	uint8_t key[SP_HANDOVER_KEY];
	struct sp_handover handover = {
		.url = url,
		.back = "https://portal.test/external?u=http%3A%2F%2Fa%2F&t=0&token=",
		.client = client,
		.nonce_key = link_key,
		.key = key,
		.now = NOW,
	};

	assert_true(sp_address_read("10.85.0.2", &handover.address));
	sp_handover_key(key, secret, 32);
	assert_int_equal(sp_handover_link(out, SP_HANDOVER_LINK, &handover), 0);
}

static void test_link(void **state)
{
	char link[SP_HANDOVER_LINK], value[512], signature[64], *end;
	uint8_t key[32], bytes[SP_HANDOVER_NONCE];
	uint64_t expires;

	(void)state;
	make_link(link, "https://login.example.org/in?shop=7");
	assert_ptr_equal(strstr(link, "https://login.example.org/in?shop=7&client="), link);
	assert_string_equal(parameter(link, "client", value), "02:85:00:00:00:0a");
	assert_string_equal(parameter(link, "vlan", value), "12");
	assert_string_equal(parameter(link, "address", value), "10.85.0.2");
	assert_string_equal(parameter(link, "expires", value), "1790001800");
	assert_string_equal(parameter(link, "return", value),
	                    "https://portal.test/external?u%3Dhttp%253A%252F%252Fa%252F%26t%3D0"
	                    "%26token%3D");
	parameter(link, "nonce", value);
	assert_int_equal(sp_handover_nonce_read(value, link_key, &client, NOW, bytes, &expires), 0);
	assert_int_equal(expires, NOW + SP_HANDOVER_LIFE);
	parameter(link, "sig", value);
	end = strstr(link, "&sig=");
	*end = '\0';
	sp_handover_key(key, secret, 32);
	sign_bytes(signature, key, 32, strchr(link, '?') + 1);
	assert_string_equal(value, signature);
}

static void test_link_without_query(void **state)
{
	char link[SP_HANDOVER_LINK];

	(void)state;
	make_link(link, "https://login.example.org/");
	assert_non_null(strstr(link, "org/?client=02:85"));
}

static void test_link_that_does_not_fit(void **state)
{
	struct sp_handover handover = {
		.url = "https://a/", .back = "https://b/", .nonce_key = link_key, .key = link_key};
	char link[SP_HANDOVER_LINK];
	size_t least = 0;

	(void)state;
	assert_int_equal(sp_handover_link(link, sizeof(link), &handover), 0);
	least = strlen(link) + 1;
	for (size_t room = 0; room < least; room++) {
		char *tight = malloc(room ? room : 1);

		assert_non_null(tight);
		assert_int_equal(sp_handover_link(tight, room, &handover), -ENOSPC);
		free(tight);
	}
}

/* --- nonces --- */

static void test_nonces(void **state)
{
	struct sp_client_key other = client;
	uint8_t bytes[SP_HANDOVER_NONCE], other_key[SP_IPC_KEY] = {9};
	char text[SP_HANDOVER_TEXT];
	uint64_t expires;

	(void)state;
	assert_int_equal(
		sp_handover_nonce_read(nonce, link_key, &client, NOW + 1800, bytes, &expires), 0);
	assert_int_equal(
		sp_handover_nonce_read(nonce, link_key, &client, NOW + 1801, bytes, &expires),
		-ESTALE);
	other.vlan++;
	assert_int_equal(sp_handover_nonce_read(nonce, link_key, &other, NOW, bytes, &expires),
	                 -EACCES);
	other = client;
	other.mac[5]++;
	assert_int_equal(sp_handover_nonce_read(nonce, link_key, &other, NOW, bytes, &expires),
	                 -EACCES);
	assert_int_equal(sp_handover_nonce_read(nonce, other_key, &client, NOW, bytes, &expires),
	                 -EACCES);
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		memcpy(text, nonce, sizeof(text));
		text[i] = text[i] == '0' ? '1' : '0';
		assert_int_equal(
			sp_handover_nonce_read(text, link_key, &client, NOW, bytes, &expires),
			-EACCES);
	}
	assert_int_equal(sp_handover_nonce_read("", link_key, &client, NOW, bytes, &expires),
	                 -EACCES);
}

static void test_no_two_nonces_are_the_same(void **state)
{
	char other[SP_HANDOVER_TEXT];

	(void)state;
	assert_int_equal(sp_handover_nonce(other, link_key, &client, NOW), 0);
	assert_string_not_equal(nonce, other);
}

/* --- tokens --- */

static void test_token(void **state)
{
	struct sp_token token;

	(void)state;
	assert_int_equal(judge(payload_with(""), &token), 0);
	assert_string_equal(token.user, "");
	assert_int_equal(token.expires, NOW + SP_HANDOVER_LIFE);
	assert_int_equal(token.limits.seconds, 0);
	assert_int_equal(
		judge(payload_with(", \"user\": \"zo\u00eb\", \"seconds\": 3600, \"idle\": 60, "
	                           "\"quota\": 1, \"quota_up\": 2, \"quota_down\": 3, "
	                           "\"up\": 5000000, \"down\": 20000000"),
	              &token),
		0);
	assert_string_equal(token.user, "zo\u00eb");
	assert_int_equal(token.limits.seconds, 3600);
	assert_int_equal(token.limits.idle, 60);
	assert_int_equal(token.limits.quota, 1);
	assert_int_equal(token.limits.quota_up, 2);
	assert_int_equal(token.limits.quota_down, 3);
	assert_int_equal(token.limits.rate_up, 5000000);
	assert_int_equal(token.limits.rate_down, 20000000);
}

/* Signed, and wrong all the same. */
static void test_wrong_payloads(void **state)
{
	static const char *const more[] = {
		", \"secondz\": 3600",
		", \"seconds\": 0",
		", \"seconds\": -1",
		", \"seconds\": 3.5",
		", \"seconds\": \"3600\"",
		", \"seconds\": 99999999999",
		", \"seconds\": 99999999999999999999999",
		", \"up\": 400000000001",
		", \"quota\": 0",
		", \"vlan\": 12",
		", \"user\": \"a\\nb\"",
		", \"user\": \"a\\u0000b\"",
		", \"user\": null",
		"} {",
	};
	static const char *const whole[] = {"",    "{", "{}", "[]", "null", "7", "{\"nonce\": 7}",
	                                    "\xff"};
	struct sp_token token;

	(void)state;
	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
		if (judge(payload_with(more[i]), &token) != -EINVAL)
			fail_msg("accepted: %s", more[i]);
	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++)
		assert_int_equal(judge(whole[i], &token), -EINVAL);
}

static int judge_at(long long expires, uint64_t now)
{
	struct sp_token_rules then = rules;
	char payload[300], text[SP_IPC_SECRET];
	struct sp_token token;

	snprintf(payload, sizeof(payload),
	         "{\"nonce\": \"%s\", \"client\": \"0285.0000.000a\", \"vlan\": 12, \"expires\": "
	         "%lld}",
	         nonce, expires);
	make_token(text, payload);
	then.now = now;
	return sp_token_read(text, &then, &client, &token, &why);
}

static void test_times(void **state)
{
	long long now = (long long)NOW;

	(void)state;
	assert_int_equal(judge_at(now, NOW), 0);
	assert_int_equal(judge_at(now, NOW + 30), 0); /* a clock that is behind */
	assert_int_equal(judge_at(now, NOW + 31), -ESTALE);
	assert_int_equal(judge_at(now + 1800, NOW), 0);
	assert_int_equal(judge_at(now + 1830, NOW), 0); /* ahead */
	assert_int_equal(judge_at(now + 1831, NOW), -EINVAL);
	assert_int_equal(judge_at(now + 1830, NOW + 1801), -ESTALE); /* the nonce is over */
	assert_int_equal(judge_at(-1, NOW), -EINVAL);
}

static void test_other_clients(void **state)
{
	static const struct sp_client_key others[] = {{{0x02, 0x85, 0, 0, 0, 0x0b}, 12},
	                                              {{0x02, 0x85, 0, 0, 0, 0x0a}, 0}};
	char text[SP_IPC_SECRET];
	struct sp_token token;

	(void)state;
	make_token(text, payload_with(""));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(sp_token_read(text, &rules, &others[i], &token, &why), -EACCES);
	assert_int_equal(sp_token_read(text, &rules, &client, &token, &why), 0);
}

/* Each character counts, of the payload and of the signature. */
static void test_changed_tokens(void **state)
{
	char good[SP_IPC_SECRET], text[SP_IPC_SECRET];
	struct sp_token token;
	size_t length;

	(void)state;
	make_token(good, payload_with(""));
	length = strlen(good);
	for (size_t i = 0; i < length; i++) {
		memcpy(text, good, length + 1);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		assert_int_equal(sp_token_read(text, &rules, &client, &token, &why), -EACCES);
		memcpy(text, good, i);
		text[i] = '\0';
		assert_int_equal(sp_token_read(text, &rules, &client, &token, &why), -EACCES);
	}
	memcpy(text, good, length + 1);
	strcpy(text + length, "=");
	assert_int_equal(sp_token_read(text, &rules, &client, &token, &why), -EACCES);
}

/* The key that the portal has for links must not be good for tokens. */
static void test_key_of_links_signs_no_token(void **state)
{
	char text[SP_IPC_SECRET], *point;
	uint8_t key[SP_HANDOVER_KEY];
	struct sp_token token;

	(void)state;
	sp_handover_key(key, secret, 32);
	make_token(text, payload_with(""));
	point = strchr(text, '.');
	*point = '\0';
	sign_bytes(point + 1, key, 32, text);
	*point = '.';
	assert_int_equal(sp_token_read(text, &rules, &client, &token, &why), -EACCES);
	/* What it is, as if it were a signature. */
	strcpy(text, "sallyport hand-over.");
	sign_bytes(text + strlen(text), secret, 32, "sallyport hand-over");
	assert_int_equal(sp_token_read(text, &rules, &client, &token, &why), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64url),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_link_without_query),
		cmocka_unit_test(test_link_that_does_not_fit),
		cmocka_unit_test_setup(test_nonces, fresh_nonce),
		cmocka_unit_test_setup(test_no_two_nonces_are_the_same, fresh_nonce),
		cmocka_unit_test_setup(test_token, fresh_nonce),
		cmocka_unit_test_setup(test_wrong_payloads, fresh_nonce),
		cmocka_unit_test_setup(test_times, fresh_nonce),
		cmocka_unit_test_setup(test_other_clients, fresh_nonce),
		cmocka_unit_test_setup(test_changed_tokens, fresh_nonce),
		cmocka_unit_test_setup(test_key_of_links_signs_no_token, fresh_nonce),
	};

	sp_token_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
