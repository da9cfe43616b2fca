/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/ipc.h"
#include "web/link.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint8_t key[SP_IPC_KEY] = "a key of exactly thirty-two byte";

/* In a buffer of exactly its size, so that the sanitizer sees a look beyond it. */
static char *exact_copy(const char *text, size_t length)
{
	char *copy = malloc(length ? length : 1);

	assert_non_null(copy);
	memcpy(copy, text, length);
	return copy;
}

static bool acceptable(const char *url)
{
	size_t length = strlen(url);
	char *copy = exact_copy(url, length);
	bool result;

	result = sp_link_acceptable(copy, length);
	free(copy);
	return result;
}

static void test_acceptable(void **state)
{
	static const char *const good[] = {
		"http://a",
		"http://a.example",
		"http://a.example/",
		"http://a.example:80/b?c=d&e='f'(g)*,;:@!$~%20",
		"http://[fd86::2]/",
		"http://[fd86::2]:80",
		"http://10.86.0.2/a//b",
	};
	static const char *const bad[] = {
		"",
		"http://",
		"http:///a",
		"https://a.example/",
		"HTTP://a.example/",
		"//a.example/",
		"javascript:alert(1)",
		"http://u@a.example/",
		"http://u:p@a.example/",
		"http://a.example?b",
		"http://a.example#b",
		"http://a.example/#b",
		"http://a.example/ b",
		"http://a.example/\r\nSet-Cookie: a",
		"http://a.example/\"",
		"http://a.example/<",
		"http://a.example/>",
		"http://a.example/\\",
		"http://a.example\\b",
		"http://a.example/^",
		"http://a.example/`",
		"http://a.example/{",
		"http://a.example/|",
		"http://a.example/}",
		"http://a.example/\x7f",
		"http://a.example/\xc3\xa9",
		"http://a.example:0/",
		"http://a.example:65536/",
		"http://a.example:8o/",
		"http://[fd86::2/",
		"http://a b/",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		if (!acceptable(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (acceptable(bad[i]))
			fail_msg("accepted: %s", bad[i]);
	assert_false(sp_link_acceptable("http://a.example/\0", 18));
	assert_false(sp_link_acceptable("http://[fd86::\0]/", 17));
}

static void test_length(void **state)
{
	char url[SP_LINK_WANTED + 1] = "http://a.example/";

	(void)state;
	memset(url + strlen(url), 'a', sizeof(url) - strlen(url));
	assert_true(sp_link_acceptable(url, SP_LINK_WANTED - 1));
	assert_false(sp_link_acceptable(url, SP_LINK_WANTED));
}

static void test_tag(void **state)
{
	/* printf http://a.example/ | openssl dgst -sha256 -hmac 'a key of exactly thirty-two byte'
	 */
	static const char expected[] = "6584ED86BF8D65DA";
	static const char url[] = "http://a.example/";
	uint8_t other_key[SP_IPC_KEY];
	char tag[SP_LINK_TAG];

	(void)state;
	sp_link_tag(tag, key, url, strlen(url));
	assert_string_equal(tag, expected);
	assert_true(sp_link_verify(tag, key, url, strlen(url)));
	assert_false(sp_link_verify(tag, key, url, strlen(url) - 1));
	memcpy(other_key, key, sizeof(key));
	other_key[0] ^= 1;
	assert_false(sp_link_verify(tag, other_key, url, strlen(url)));
	for (size_t i = 0; i < SP_LINK_TAG - 1; i++) {
		char changed = tag[i];

		tag[i] = changed == '0' ? '1' : '0';
		assert_false(sp_link_verify(tag, key, url, strlen(url)));
		tag[i] = changed;
	}
	tag[SP_LINK_TAG - 2] = '\0';
	assert_false(sp_link_verify(tag, key, url, strlen(url)));
	assert_false(sp_link_verify("", key, url, strlen(url)));
	assert_false(sp_link_verify("0123456789ABCDEF0", key, url, strlen(url)));
}

static void test_encode(void **state)
{
	static const char url[] = "http://a/-._~:/?@,;&=+%'\" <\xff";
	static const char expected[] = "http://a/-._~:/?@,;%26%3D%2B%25%27%22%20%3C%FF";
	char out[sizeof(expected)];

	(void)state;
	assert_int_equal(sp_link_encode(out, sizeof(out), url, strlen(url)), strlen(expected));
	assert_string_equal(out, expected);
	for (size_t room = 0; room < sizeof(expected); room++) {
		char *tight = malloc(room ? room : 1);

		assert_non_null(tight);
		assert_int_equal(sp_link_encode(tight, room, url, strlen(url)), 0);
		free(tight);
	}
	assert_int_equal(sp_link_encode(out, sizeof(out), "\0", 1), 3);
	assert_string_equal(out, "%00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acceptable),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_tag),
		cmocka_unit_test(test_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
