/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the command line: what is accepted, and that everything else is refused with a sentence.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/command.h"

#define MAX_ARGUMENTS 24

/* Split @line at blanks and read it; '_' stands for a blank within an argument. */
static int read_line(struct sp_invocation *invocation, const char *line, struct sp_error *err)
{
	static char copy[512];
	char *argv[MAX_ARGUMENTS + 1];
	int argc = 0;

	memset(err, 0, sizeof(*err));
	assert_true(snprintf(copy, sizeof(copy), "%s", line) < (int)sizeof(copy));
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		assert_true(argc < MAX_ARGUMENTS);
		for (char *c = word; *c; c++)
			if (*c == '_')
				*c = ' ';
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	return sp_arguments_read(invocation, argc, argv, err);
}

static void accept(struct sp_invocation *invocation, const char *line)
{
	struct sp_error err;

	if (read_line(invocation, line, &err))
		fail_msg("%s: %s", line, err.text);
}

/* Refused as a usage error whose sentence has @words. */
static void refuse(const char *line, const char *words)
{
	struct sp_invocation invocation;
	struct sp_error err;

	if (read_line(&invocation, line, &err) != -EINVAL)
		fail_msg("accepted: %s", line);
	assert_int_equal(err.exit_code, SP_EXIT_USAGE);
	if (!strstr(err.text, words))
		fail_msg("%s: \"%s\" lacks \"%s\"", line, err.text, words);
}

static void test_every_command_is_found(void **state)
{
	struct sp_invocation invocation;
	char line[128];

	(void)state;
	for (const struct sp_command *command = sp_commands; command->name; command++) {
		snprintf(line, sizeof(line), "sallyport %s%s", command->name,
		         command->operand ? " 02:00:00:00:00:07" : "");
		accept(&invocation, line);
		assert_ptr_equal(invocation.command, command);
		assert_non_null(command->run);
		assert_true(!command->operand == !invocation.operand);
	}
}

static void test_options_anywhere(void **state)
{
	static const char *const lines[] = {
		"sallyport client allow M --for 8h --vlan 7 -j -I x",
		"sallyport -I x -j client allow --vlan=7 --for=8h M",
		"sallyport --instance=x --json client --for 8h allow --vlan 7 M",
		"sallyport -jIx client allow --vlan 7 --for 8h -- M",
		"sallyport --for 8h --vlan 7 client allow M --json --instance x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct sp_invocation invocation;

		accept(&invocation, lines[i]);
		assert_string_equal(invocation.command->name, "client allow");
		assert_string_equal(invocation.operand, "M");
		assert_string_equal(invocation.option[SP_OPTION_FOR], "8h");
		assert_string_equal(invocation.option[SP_OPTION_VLAN], "7");
		assert_null(invocation.option[SP_OPTION_NOTE]);
		assert_string_equal(invocation.instance.name, "x");
		assert_true(invocation.json);
		assert_false(invocation.help);
	}
}

static void test_values(void **state)
{
	struct sp_invocation invocation;

	(void)state;
	accept(&invocation, "sallyport client allow M --note --for --for 1h");
	assert_string_equal(invocation.option[SP_OPTION_NOTE], "--for");
	assert_string_equal(invocation.option[SP_OPTION_FOR], "1h");
	accept(&invocation, "sallyport client allow M --note=a=b_c");
	assert_string_equal(invocation.option[SP_OPTION_NOTE], "a=b c");
	accept(&invocation, "sallyport client block M --note=");
	assert_string_equal(invocation.option[SP_OPTION_NOTE], "");
	accept(&invocation, "sallyport up -cFILE");
	assert_string_equal(invocation.option[SP_OPTION_CONFIG], "FILE");
	accept(&invocation, "sallyport up -c FILE");
	assert_string_equal(invocation.option[SP_OPTION_CONFIG], "FILE");
	accept(&invocation, "sallyport client show -- -j");
	assert_string_equal(invocation.operand, "-j");
	assert_false(invocation.json);
}

static void test_daemon_name(void **state)
{
	struct sp_invocation invocation;

	(void)state;
	accept(&invocation, "/usr/sbin/sallyportd -c FILE");
	assert_string_equal(invocation.command->name, "run");
	accept(&invocation, "sallyportd -I x");
	assert_string_equal(invocation.command->name, "run");
	refuse("sallyportd down", "down");
}

static void test_instance(void **state)
{
	struct sp_invocation invocation;

	(void)state;
	unsetenv("SALLYPORT_INSTANCE");
	accept(&invocation, "sallyport status");
	assert_string_equal(invocation.instance.name, "sallyport");
	setenv("SALLYPORT_INSTANCE", "lobby", 1);
	accept(&invocation, "sallyport status");
	assert_string_equal(invocation.instance.name, "lobby");
	accept(&invocation, "sallyport status -I x");
	assert_string_equal(invocation.instance.name, "x");
	unsetenv("SALLYPORT_INSTANCE");
	refuse("sallyport status -I ../x", "../x");
}

static void test_help(void **state)
{
	struct sp_invocation invocation;

	(void)state;
	accept(&invocation, "sallyport --help");
	assert_true(invocation.help && !invocation.command && !invocation.group);
	accept(&invocation, "sallyport help");
	assert_true(invocation.help && !invocation.command && !invocation.group);
	accept(&invocation, "sallyport client -h");
	assert_string_equal(invocation.group, "client");
	accept(&invocation, "sallyport help config");
	assert_string_equal(invocation.group, "config");
	accept(&invocation, "sallyport client allow --help");
	assert_string_equal(invocation.command->name, "client allow");
	accept(&invocation, "sallyport help client allow");
	assert_true(invocation.help);
	assert_string_equal(invocation.command->name, "client allow");
	accept(&invocation, "sallyport -V");
	assert_true(invocation.version);
	refuse("sallyport help statsu", "`status`");
}

static void test_refused(void **state)
{
	(void)state;
	refuse("sallyport", "--help");
	refuse("sallyport client", "one more word");
	refuse("sallyport client allow", "needs a MAC");
	refuse("sallyport client allow M N", "N is one argument too many");
	refuse("sallyport garden add", "needs an ENTRY");
	refuse("sallyport garden add x 1 2 3 4 5 6 7 8 9 10", "10 is one argument too many");
	refuse("sallyport garden list x", "x is one argument too many");
	refuse("sallyport up now", "now is one argument too many");
	refuse("sallyport a b c d e f g h i j k l m n o p q", "too many");
	refuse("sallyport down -c FILE", "no option --config");
	refuse("sallyport client list --vlan 1", "no option --vlan");
	refuse("sallyport client allow M --wrong", "--wrong is no option");
	refuse("sallyport client allow M -x", "-x is no option");
	refuse("sallyport client allow M --fo 1h", "--fo is no option");
	refuse("sallyport client allow M --for", "needs a value");
	refuse("sallyport up -c", "needs a value");
	refuse("sallyport status --json=yes", "takes no value");
}

static void test_given_twice(void **state)
{
	(void)state;
	refuse("sallyport client allow M --for 1h --for 2h", "--for is given twice");
	refuse("sallyport client allow M --for 1h --for=1h", "twice");
	refuse("sallyport up -c a --config b", "twice");
	refuse("sallyport -I a status --instance b", "twice");
}

static void test_json_is_known_in_spite_of_errors(void **state)
{
	struct sp_invocation invocation;
	struct sp_error err;

	(void)state;
	assert_int_equal(read_line(&invocation, "sallyport --wrong status -j", &err), -EINVAL);
	assert_true(invocation.json);
	assert_int_equal(read_line(&invocation, "sallyport --wrong status -- -j", &err), -EINVAL);
	assert_false(invocation.json);
}

static void test_suggestions(void **state)
{
	(void)state;
	assert_string_equal(sp_suggest("statsu"), "status");
	assert_string_equal(sp_suggest("stat"), "stats");
	assert_string_equal(sp_suggest("client alow"), "client allow");
	assert_string_equal(sp_suggest("allow"), "client allow");
	assert_string_equal(sp_suggest("u"), "up");
	assert_null(sp_suggest("frobnicate"));
	assert_null(sp_suggest("a word that is much longer than any command is"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_command_is_found),
		cmocka_unit_test(test_options_anywhere),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_daemon_name),
		cmocka_unit_test(test_instance),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_given_twice),
		cmocka_unit_test(test_json_is_known_in_spite_of_errors),
		cmocka_unit_test(test_suggestions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
