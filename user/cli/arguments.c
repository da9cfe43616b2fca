/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_WORDS 16

/* Words that are no options, in order: the command and its operand. */
struct words {
	const char *word[MAX_WORDS];
	unsigned count;
};

/* The command line while it is read. */
struct reading {
	struct sp_invocation *invocation;
	char *const *argv;
	int argc, next;
	struct words words;
	struct sp_error *err;
};

static int usage(struct reading *reading, const char *what, const char *which)
{
	return sp_fail(reading->err, -EINVAL, SP_EXIT_USAGE, "%s %s; see `sallyport --help`", which,
	               what);
}

static int set_once(struct reading *reading, const char **slot, const char *name, const char *value)
{
	if (*slot)
		return usage(reading, "is given twice", name);
	*slot = value;
	return 0;
}

/* @inline_value: behind "=" or the letter; else the next argument is the value. */
static int take_value(struct reading *reading, const char **slot, const char *name,
                      const char *inline_value)
{
	if (inline_value)
		return set_once(reading, slot, name, inline_value);
	if (reading->next >= reading->argc)
		return usage(reading, "needs a value", name);
	return set_once(reading, slot, name, reading->argv[reading->next++]);
}

static int take_option(struct reading *reading, unsigned option, const char *argument,
                       const char *inline_value)
{
	const char **slot = &reading->invocation->option[option];

	if (sp_options[option].value)
		return take_value(reading, slot, argument, inline_value);
	if (inline_value)
		return usage(reading, "takes no value", argument);
	return set_once(reading, slot, argument, "");
}

static bool set_flag(struct sp_invocation *invocation, char letter)
{
	switch (letter) {
	case 'j':
		invocation->json = true;
		return true;
	case 'h':
		invocation->help = true;
		return true;
	case 'V':
		invocation->version = true;
		return true;
	default:
		return false;
	}
}

static bool is(const char *name, size_t length, const char *known)
{
	return strlen(known) == length && !strncmp(name, known, length);
}

/* The letter of a long option without a value; 0: it is none. */
static char flag_letter(const char *name, size_t length)
{
	if (is(name, length, "json"))
		return 'j';
	if (is(name, length, "help"))
		return 'h';
	return is(name, length, "version") ? 'V' : '\0';
}

static int read_long(struct reading *reading, const char *argument)
{
	const char *name = argument + 2, *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	char letter = flag_letter(name, length);

	if (letter && equals)
		return usage(reading, "takes no value", argument);
	if (letter && set_flag(reading->invocation, letter))
		return 0;
	if (is(name, length, "instance"))
		return take_value(reading, &reading->invocation->instance_name, "--instance",
		                  equals ? equals + 1 : NULL);
	for (unsigned i = 0; i < SP_OPTION_COUNT; i++)
		if (is(name, length, sp_options[i].name))
			return take_option(reading, i, argument, equals ? equals + 1 : NULL);
	return usage(reading, "is no option", argument);
}

static int read_short(struct reading *reading, const char *argument)
{
	for (const char *letter = argument + 1; *letter; letter++) {
		const char *rest = letter[1] ? letter + 1 : NULL;

		if (set_flag(reading->invocation, *letter))
			continue;
		if (*letter == 'I')
			return take_value(reading, &reading->invocation->instance_name, "-I", rest);
		for (unsigned i = 0; i < SP_OPTION_COUNT; i++)
			if (sp_options[i].letter == *letter)
				return take_option(reading, i, argument, rest);
		return usage(reading, "is no option", argument);
	}
	return 0;
}

static int read_word(struct reading *reading, const char *word)
{
	if (reading->words.count == MAX_WORDS)
		return usage(reading, "is one argument too many", word);
	reading->words.word[reading->words.count++] = word;
	return 0;
}

static int read_all(struct reading *reading)
{
	bool only_words = false;
	int code = 0;

	while (!code && reading->next < reading->argc) {
		const char *argument = reading->argv[reading->next++];

		if (only_words || argument[0] != '-' || !argument[1])
			code = read_word(reading, argument);
		else if (!strcmp(argument, "--"))
			only_words = true;
		else if (argument[1] == '-')
			code = read_long(reading, argument);
		else
			code = read_short(reading, argument);
	}
	return code;
}

/* An error found on the way must not hide that JSON was asked for further on. */
static bool asks_json(int argc, char *const argv[])
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "-j") || !strcmp(argv[i], "--json"))
			return true;
	return false;
}

/* How many of the words make up @name; 0: they do not. */
static unsigned matches(const struct words *words, const char *name)
{
	unsigned used = 0;

	while (*name) {
		size_t length = strcspn(name, " ");

		if (used == words->count || strlen(words->word[used]) != length ||
		    strncmp(words->word[used], name, length) != 0)
			return 0;
		used++;
		name += length + (name[length] == ' ');
	}
	return used;
}

static bool is_group(const char *word)
{
	size_t length = strlen(word);

	for (const struct sp_command *command = sp_commands; command->name; command++)
		if (!strncmp(command->name, word, length) && command->name[length] == ' ')
			return true;
	return false;
}

static int unknown(struct reading *reading)
{
	const struct words *words = &reading->words;
	char typed[64];
	const char *near;

	if (is_group(words->word[0]) && words->count > 1)
		snprintf(typed, sizeof(typed), "%s %s", words->word[0], words->word[1]);
	else
		snprintf(typed, sizeof(typed), "%s", words->word[0]);
	if (is_group(typed))
		return sp_fail(reading->err, -EINVAL, SP_EXIT_USAGE,
		               "`%s` needs one more word; see `sallyport %s --help`", typed, typed);
	near = sp_suggest(typed);
	if (near)
		return sp_fail(reading->err, -EINVAL, SP_EXIT_USAGE,
		               "there is no command `%s`; did you mean `%s`?", typed, near);
	return sp_fail(reading->err, -EINVAL, SP_EXIT_USAGE,
	               "there is no command `%s`; see `sallyport --help`", typed);
}

/* Set the command; @used is the number of words it took. */
static int find_command(struct reading *reading, unsigned *used)
{
	struct sp_invocation *invocation = reading->invocation;

	*used = 0;
	for (const struct sp_command *command = sp_commands; command->name && !*used; command++) {
		*used = matches(&reading->words, command->name);
		if (*used)
			invocation->command = command;
	}
	if (invocation->command)
		return 0;
	if (invocation->help && reading->words.count == 1 && is_group(reading->words.word[0])) {
		invocation->group = reading->words.word[0];
		*used = 1;
		return 0;
	}
	return unknown(reading);
}

static int check_options(struct reading *reading)
{
	const struct sp_invocation *invocation = reading->invocation;

	for (unsigned i = 0; i < SP_OPTION_COUNT; i++)
		if (invocation->option[i] && !(invocation->command->options & UINT64_C(1) << i))
			return sp_fail(reading->err, -EINVAL, SP_EXIT_USAGE,
			               "`%s` takes no option --%s; see `sallyport %s --help`",
			               invocation->command->name, sp_options[i].name,
			               invocation->command->name);
	return 0;
}

static int take_operand(struct reading *reading, unsigned used)
{
	struct sp_invocation *invocation = reading->invocation;
	const struct sp_command *command = invocation->command;
	bool optional = command->operand && command->operand[0] == '[';
	unsigned wanted = command->operand ? 1 : 0, given = reading->words.count - used;
	unsigned most = wanted + (command->more ? SP_MORE_WORDS : 0);

	if (optional && !given)
		return 0;
	if (given < wanted)
		return sp_fail(reading->err, -EINVAL, SP_EXIT_USAGE,
		               "`%s` needs %s %s; see `sallyport %s --help`", command->name,
		               strchr("AEIOU", command->operand[0]) ? "an" : "a", command->operand,
		               command->name);
	if (given > most)
		return sp_fail(reading->err, -EINVAL, SP_EXIT_USAGE,
		               "%s is one argument too many for `%s`; see `sallyport %s --help`",
		               reading->words.word[used + most], command->name, command->name);
	invocation->operand = wanted ? reading->words.word[used] : NULL;
	invocation->more_count = given - wanted;
	memcpy(invocation->more, reading->words.word + used + wanted,
	       invocation->more_count * sizeof(*invocation->more));
	return 0;
}

/* `sallyport help client allow` is `sallyport client allow --help`. */
static void shift_help(struct reading *reading)
{
	struct words *words = &reading->words;

	if (!words->count || strcmp(words->word[0], "help") != 0)
		return;
	reading->invocation->help = true;
	words->count--;
	memmove(words->word, words->word + 1, words->count * sizeof(words->word[0]));
}

/* sallyportd is `sallyport run`. */
static void insert_run(struct reading *reading, const char *program)
{
	const char *slash = strrchr(program, '/');
	struct words *words = &reading->words;

	if (strcmp(slash ? slash + 1 : program, "sallyportd") != 0 || words->count == MAX_WORDS)
		return;
	memmove(words->word + 1, words->word, words->count * sizeof(words->word[0]));
	words->word[0] = "run";
	words->count++;
}

int sp_arguments_read(struct sp_invocation *invocation, int argc, char *const argv[],
                      struct sp_error *err)
{
	struct reading reading = {.invocation = invocation, .argv = argv, .argc = argc, .err = err};
	unsigned used;
	int code;

	*invocation = (struct sp_invocation){.json = asks_json(argc, argv), .argv = argv};
	reading.next = 1;
	code = read_all(&reading);
	if (code)
		return code;
	insert_run(&reading, argc ? argv[0] : "");
	shift_help(&reading);
	if (!reading.words.count && (invocation->help || invocation->version))
		return 0;
	if (!reading.words.count)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "a command is missing; `sallyport --help` lists them");
	code = find_command(&reading, &used);
	if (code || invocation->help || invocation->version)
		return code;
	code = check_options(&reading);
	if (!code)
		code = take_operand(&reading, used);
	if (!code)
		code = sp_instance_init(&invocation->instance, invocation->instance_name, err);
	return code;
}
