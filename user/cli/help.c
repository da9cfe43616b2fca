/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

static void print_synopsis(const struct sp_command *command)
{
	printf("%s%s%s", command->name, command->operand ? " " : "",
	       command->operand ? command->operand : "");
	if (command->more)
		printf(" %s", command->more);
	for (unsigned i = 0; i < SP_OPTION_COUNT; i++) {
		if (!(command->options & UINT64_C(1) << i))
			continue;
		if (!sp_options[i].value)
			printf(" [--%s]", sp_options[i].name);
		else if (sp_options[i].letter)
			printf(" [-%c %s]", sp_options[i].letter, sp_options[i].value);
		else
			printf(" [--%s %s]", sp_options[i].name, sp_options[i].value);
	}
}

static void print_option(const char *left, const char *help)
{
	printf("  %-20s %s\n", left, help);
}

static void print_globals(void)
{
	print_option("-I, --instance NAME", "the gateway meant (default: SALLYPORT_INSTANCE, or "
	                                    "\"sallyport\")");
	print_option("-j, --json", "JSON, errors too; lists as one object per line");
	print_option("-h, --help", "this help, or that of the command");
	print_option("-V, --version", "the version");
}

static void print_command(const struct sp_command *command)
{
	char left[64];

	printf("Usage: sallyport ");
	print_synopsis(command);
	printf("\n\n%c%s.\n%s\nOptions:\n", command->summary[0] - 'a' + 'A', command->summary + 1,
	       command->details);
	for (unsigned i = 0; i < SP_OPTION_COUNT; i++) {
		if (!(command->options & UINT64_C(1) << i))
			continue;
		if (sp_options[i].letter)
			snprintf(left, sizeof(left), "-%c, --%s %s", sp_options[i].letter,
			         sp_options[i].name, sp_options[i].value ?: "");
		else
			snprintf(left, sizeof(left), "    --%s %s", sp_options[i].name,
			         sp_options[i].value ?: "");
		print_option(left, sp_options[i].help);
	}
	print_globals();
	printf("\nExamples:\n");
	for (const char *line = command->examples; *line;) {
		int length = (int)strcspn(line, "\n");

		printf("  %.*s\n", length, line);
		line += length + 1;
	}
}

static bool in_group(const struct sp_command *command, const char *group)
{
	size_t length = strlen(group);

	return !strncmp(command->name, group, length) && command->name[length] == ' ';
}

/* @group: only the commands that begin with this word; NULL: all. */
static void print_list(const char *group)
{
	for (const struct sp_command *command = sp_commands; command->name; command++) {
		char left[64];

		if (group && !in_group(command, group))
			continue;
		snprintf(left, sizeof(left), "%s%s%s", command->name, command->operand ? " " : "",
		         command->operand ? command->operand : "");
		print_option(left, command->summary);
	}
}

static void print_overview(void)
{
	printf("Usage: sallyport [-I NAME] [-j] COMMAND ...\n\n"
	       "Captive portal access enforcer: clients without a session meet the login page, "
	       "all\n"
	       "others are forwarded. Every command works with or without the daemon.\n\n"
	       "Commands:\n");
	print_list(NULL);
	printf("\nOptions, before or after the command:\n");
	print_globals();
	printf("\nMACs are written aa:bb:cc:dd:ee:ff, AA-BB-CC-DD-EE-FF or aabb.ccdd.eeff.\n"
	       "Exit codes: 0 done, 1 failed, 2 usage, 3 no such thing, 4 not loaded,\n"
	       "5 no permission.\n\n"
	       "`sallyport help COMMAND` or `sallyport COMMAND --help` says more, with "
	       "examples.\n");
}

void sp_help_print(const struct sp_invocation *invocation)
{
	if (invocation->command) {
		print_command(invocation->command);
	} else if (invocation->group) {
		printf("Usage: sallyport %s COMMAND ...\n\nCommands:\n", invocation->group);
		print_list(invocation->group);
	} else {
		print_overview();
	}
}
