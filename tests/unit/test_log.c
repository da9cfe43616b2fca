/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log lines: what is left out, what is made of what others write, and in which form it goes where.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeper/logbook.h"
#include "lib/log.h"

static char text[SP_LOG_TEXT], process[64];
static enum sp_log_level level;
static unsigned count;
static bool placed;

static void keep(const struct sp_log_entry *entry)
{
	snprintf(text, sizeof(text), "%s", entry->text);
	snprintf(process, sizeof(process), "%s", entry->process);
	level = entry->level;
	placed = entry->place != NULL;
	count++;
}

static int begin(void **state)
{
	(void)state;
	count = 0;
	text[0] = '\0';
	sp_log_to(keep);
	sp_log_least(SP_LOG_DEBUG);
	sp_log_name("sallyportd");
	return 0;
}

static void test_least(void **state)
{
	(void)state;
	sp_log_least(SP_LOG_WARNING);
	sp_log(SP_LOG_NOTICE, "nobody asked");
	assert_int_equal(count, 0);
	errno = EXDEV;
	sp_log(SP_LOG_WARNING, "%d\nlines", 2);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(count, 1);
	assert_string_equal(text, "2?lines");
	assert_string_equal(process, "sallyportd");
	assert_true(placed);
}

static void test_limit(void **state)
{
	struct sp_log_limit limit = {.burst = 3};

	(void)state;
	/* What is not shown anyway takes no room. */
	sp_log_least(SP_LOG_INFO);
	for (unsigned i = 0; i < 100; i++)
		sp_log_limited(&limit, SP_LOG_DEBUG, "quiet");
	assert_int_equal(limit.spent, 0);
	for (unsigned i = 0; i < 100; i++)
		sp_log_limited(&limit, SP_LOG_INFO, "line %u", i);
	/* A second may have passed meanwhile, or a few. */
	assert_in_range(count, 3, 20);
	assert_in_range(limit.dropped, 1, 97);
	/* As if ten seconds had passed. */
	limit.since -= 10;
	count = 0;
	sp_log_limited(&limit, SP_LOG_INFO, "again");
	assert_int_equal(count, 2);
	assert_string_equal(text, "again");
	assert_int_equal(limit.dropped, 0);
}

static void relay(const char *line)
{
	static struct sp_log_limit limit = {.burst = 1000};

	sp_log_relay(&limit, "sallyport-portal", 7, line, (unsigned)strlen(line));
}

static void test_relay(void **state)
{
	(void)state;
	relay("sallyport-portal: error: it broke\n");
	assert_string_equal(text, "it broke");
	assert_string_equal(process, "sallyport-portal");
	assert_int_equal(level, SP_LOG_ERROR);
	assert_false(placed);
	relay("sallyport-portal: notice: a: b");
	assert_string_equal(text, "a: b");
	assert_int_equal(level, SP_LOG_NOTICE);
	/* libc's last words, and who says to be somebody else. */
	relay("malloc(): corrupted top size\n");
	assert_string_equal(text, "malloc(): corrupted top size");
	assert_int_equal(level, SP_LOG_WARNING);
	relay("sallyportd: error: all is lost");
	assert_string_equal(text, "sallyportd: error: all is lost");
	assert_string_equal(process, "sallyport-portal");
	relay("sallyport-portal: error\nsallyportd: error: two lines\x1b[0m");
	assert_string_equal(text, "error?sallyportd: error: two lines?[0m");
	count = 0;
	relay("\n");
	relay("");
	relay("sallyport-portal: error: ");
	assert_int_equal(count, 0);
}

static void test_relay_is_bounded(void **state)
{
	struct sp_log_limit limit = {.burst = 5};
	char line[SP_LOG_TEXT * 2];

	(void)state;
	memset(line, 'x', sizeof(line));
	sp_log_relay(&limit, "p", 1, line, sizeof(line));
	assert_int_equal(strlen(text), SP_LOG_TEXT - 1);
	for (unsigned i = 0; i < 1000; i++)
		sp_log_relay(&limit, "p", 1, line, sizeof(line));
	assert_in_range(count, 5, 40);
}

/* --- where it goes --- */

static struct sp_config config;
static const struct sp_instance instance = {.name = "lobby"};
static char written[8192];

/* What is on stderr when @say has been called with the book open by @config. */
static const char *hear(void (*say)(void))
{
	int ends[2], saved = dup(STDERR_FILENO);
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat status;
	struct sp_error err;
	ssize_t length;
	char name[64];

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	if (stream && !strcmp(stream, "here") && !fstat(STDERR_FILENO, &status)) {
		snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)status.st_dev,
		         (uintmax_t)status.st_ino);
		setenv("JOURNAL_STREAM", name, 1);
	}
	if (sp_logbook_open(&config, &instance, &err))
		snprintf(written, sizeof(written), "not opened");
	say();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	length = read(ends[0], written, sizeof(written) - 1);
	written[length < 0 ? 0 : length] = '\0';
	close(saved);
	close(ends[0]);
	close(ends[1]);
	return written;
}

static void say_login(void)
{
	const struct sp_client_key client = {.mac = {2, 0, 0, 0, 0, 7}, .vlan = 12};
	const struct sp_log_about about = {
		.client = &client, .method = "user", .user = "anna", .session = 4711};

	sp_log_about(NULL, &about, SP_LOG_NOTICE, "came \"in\"");
	sp_log(SP_LOG_DEBUG, "a detail");
}

static void test_text(void **state)
{
	(void)state;
	config = (struct sp_config){.log_to = SP_LOG_TO_STDERR, .log_level = SP_LOG_NOTICE};
	assert_string_equal(hear(say_login), "sallyportd: notice: came \"in\"\n");
	config.log_level = SP_LOG_DEBUG;
	assert_string_equal(hear(say_login),
	                    "sallyportd: notice: came \"in\"\nsallyportd: debug: a detail\n");
}

static void say_odd(void)
{
	sp_log(SP_LOG_ERROR, "a \xff b");
}

static void check_member(const json_t *object, const char *name, const char *value)
{
	assert_string_equal(json_string_value(json_object_get(object, name)), value);
}

static void test_json(void **state)
{
	json_t *object;

	(void)state;
	config = (struct sp_config){
		.log_to = SP_LOG_TO_AUTO, .log_level = SP_LOG_NOTICE, .log_json = true};
	object = json_loads(hear(say_login), 0, NULL);
	assert_non_null(object);
	check_member(object, "message", "came \"in\"");
	check_member(object, "level", "notice");
	check_member(object, "process", "sallyportd");
	check_member(object, "instance", "lobby");
	check_member(object, "client", "02:00:00:00:00:07");
	check_member(object, "method", "user");
	check_member(object, "user", "anna");
	assert_int_equal(json_integer_value(json_object_get(object, "vlan")), 12);
	assert_int_equal(json_integer_value(json_object_get(object, "session")), 4711);
	assert_int_equal(strlen(json_string_value(json_object_get(object, "time"))), 24);
	json_decref(object);
	object = json_loads(hear(say_odd), 0, NULL);
	assert_non_null(object);
	check_member(object, "message", "a ? b");
	json_decref(object);
}

/* As with systemd, whose journal takes the level from the beginning of a line. */
static void test_prefix(void **state)
{
	(void)state;
	config = (struct sp_config){.log_to = SP_LOG_TO_STDERR, .log_level = SP_LOG_NOTICE};
	/* Another stream than that of stderr: it has been redirected. */
	setenv("JOURNAL_STREAM", "1:2", 1);
	assert_string_equal(hear(say_login), "sallyportd: notice: came \"in\"\n");
	setenv("JOURNAL_STREAM", "here", 1);
	assert_string_equal(hear(say_login), "<5>sallyportd: notice: came \"in\"\n");
	unsetenv("JOURNAL_STREAM");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_least, begin),
		cmocka_unit_test_setup(test_limit, begin),
		cmocka_unit_test_setup(test_relay, begin),
		cmocka_unit_test_setup(test_relay_is_bounded, begin),
		cmocka_unit_test_setup(test_text, begin),
		cmocka_unit_test_setup(test_json, begin),
		cmocka_unit_test_setup(test_prefix, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
