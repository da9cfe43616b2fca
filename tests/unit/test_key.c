/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/key.h"

static char folder[] = "/tmp/test_key.XXXXXX";
static struct sp_instance instance;

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(instance.state, sizeof(instance.state), "%s/state", folder);
	return 0;
}

static char *path_of(const char *name)
{
	static char path[SP_INSTANCE_PATH + 16];

	snprintf(path, sizeof(path), "%s/%s", instance.state, name);
	return path;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path_of("one.key"));
	unlink(path_of("many.key"));
	rmdir(instance.state);
	return rmdir(folder);
}

static void test_made_once(void **state)
{
	uint8_t key[SP_KEY_BYTES], again[SP_KEY_BYTES], none[SP_KEY_BYTES] = {0};
	struct sp_error err;
	struct stat status;

	(void)state;
	assert_int_equal(sp_key_get(&instance, "one.key", key, &err), 0);
	assert_int_equal(sp_key_get(&instance, "one.key", again, &err), 0);
	assert_memory_equal(key, again, sizeof(key));
	assert_memory_not_equal(key, none, sizeof(key));
	assert_int_equal(stat(path_of("one.key"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(stat(instance.state, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
}

static void test_one_that_others_can_read(void **state)
{
	uint8_t key[SP_KEY_BYTES];
	struct sp_error err;

	(void)state;
	assert_int_equal(sp_key_get(&instance, "one.key", key, &err), 0);
	assert_int_equal(chmod(path_of("one.key"), 0640), 0);
	assert_int_equal(sp_key_get(&instance, "one.key", key, &err), -EBADMSG);
	assert_non_null(strstr(err.text, path_of("one.key")));
	assert_int_equal(chmod(path_of("one.key"), 0600), 0);
	assert_int_equal(truncate(path_of("one.key"), 31), 0);
	assert_int_equal(sp_key_get(&instance, "one.key", key, &err), -EBADMSG);
}

static void make_and_tell(int out)
{
	uint8_t key[SP_KEY_BYTES];
	struct sp_error err;

	if (sp_key_get(&instance, "many.key", key, &err) ||
	    write(out, key, sizeof(key)) != (ssize_t)sizeof(key))
		_exit(1);
	_exit(0);
}

static void test_many_at_once_make_one(void **state)
{
	uint8_t first[SP_KEY_BYTES], key[SP_KEY_BYTES];
	int pipes[2], status;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	for (int i = 0; i < 20; i++)
		if (fork() == 0)
			make_and_tell(pipes[1]);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(read(pipes[0], i ? key : first, sizeof(key)), sizeof(key));
		if (i)
			assert_memory_equal(first, key, sizeof(key));
	}
	for (int i = 0; i < 20; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_once),
		cmocka_unit_test(test_one_that_others_can_read),
		cmocka_unit_test(test_many_at_once_make_one),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
