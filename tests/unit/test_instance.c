/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/instance.h"

static void expect(const char *name, const char *real)
{
	struct sp_instance instance;
	struct sp_error error;
	char path[SP_INSTANCE_PATH];

	assert_int_equal(sp_instance_init(&instance, name, &error), 0);
	assert_string_equal(instance.name, real);
	snprintf(path, sizeof(path), "/sys/fs/bpf/%s", real);
	assert_string_equal(instance.pins, path);
	snprintf(path, sizeof(path), "/run/%s", real);
	assert_string_equal(instance.run, path);
	snprintf(path, sizeof(path), "/var/lib/%s", real);
	assert_string_equal(instance.state, path);
}

static void refuse(const char *name, const char *said)
{
	struct sp_instance instance;
	struct sp_error error;

	assert_int_equal(sp_instance_init(&instance, name, &error), -EINVAL);
	assert_int_equal(error.exit_code, SP_EXIT_USAGE);
	assert_non_null(strstr(error.text, said));
}

static void test_names(void **state)
{
	(void)state;
	expect("sp", "sp");
	expect("0", "0");
	expect("Lobby-2_b", "Lobby-2_b");
	expect("a234567890123456789012345678901", "a234567890123456789012345678901");
}

static void test_wrong_names(void **state)
{
	static const char *const wrong[] = {
		"",   ".",   "..",  "a/b", "../x",        "-a",
		"_a", "a b", "a.b", "a\n", "caf\xc3\xa9", "a2345678901234567890123456789012"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refuse(wrong[i], "instance name");
}

static void test_environment(void **state)
{
	(void)state;
	unsetenv("SALLYPORT_INSTANCE");
	expect(NULL, "sallyport");
	setenv("SALLYPORT_INSTANCE", "", 1);
	expect(NULL, "sallyport");
	setenv("SALLYPORT_INSTANCE", "lobby", 1);
	expect(NULL, "lobby");
	expect("given", "given");
	setenv("SALLYPORT_INSTANCE", "../lobby", 1);
	refuse(NULL, "SALLYPORT_INSTANCE");
	unsetenv("SALLYPORT_INSTANCE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_wrong_names),
		cmocka_unit_test(test_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
