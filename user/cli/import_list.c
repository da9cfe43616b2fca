/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line of an operator's list. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "cli/client_limits.h"
#include "cli/command.h"
#include "cli/import_line.h"
#include "cli/open.h"

static int wrong(struct sp_error *err, const char *text)
{
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s", text);
}

/* Decode the word at *@rest where it stands, and move *@rest behind it. NULL: a quote is open. */
static char *next_word(char **rest)
{
	char *word = *rest, *out = word, *at = word;
	char quote = '\0';

	for (; *at && (quote || (*at != ' ' && *at != '\t')); at++) {
		if (*at == '\\' && quote != '\'' && at[1])
			*out++ = *++at;
		else if (*at == quote)
			quote = '\0';
		else if (!quote && (*at == '"' || *at == '\''))
			quote = *at;
		else
			*out++ = *at;
	}
	*rest = *at ? at + 1 : at;
	*out = '\0';
	return quote ? NULL : word;
}

static bool skip_blanks(char **rest)
{
	*rest += strspn(*rest, " \t");
	return **rest && **rest != '#';
}

static uint64_t known_options(void)
{
	static uint64_t options;

	for (const struct sp_command *command = sp_commands; !options && command->name; command++)
		if (!strcmp(command->name, "client allow"))
			options = command->options;
	return options;
}

/* The option of `client allow` whose name is the @length bytes at @name; SP_OPTION_COUNT: none. */
static unsigned find_option(const char *name, size_t length)
{
	unsigned option = 0;

	while (option < SP_OPTION_COUNT && (!(known_options() & UINT64_C(1) << option) ||
	                                    strncmp(sp_options[option].name, name, length) != 0 ||
	                                    sp_options[option].name[length]))
		option++;
	return option;
}

static int take_option(struct sp_invocation *invocation, char *word, char **rest,
                       struct sp_error *err)
{
	char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);
	unsigned option = length > 2 && !strncmp(word, "--", 2) ? find_option(word + 2, length - 2)
	                                                        : SP_OPTION_COUNT;
	char *value = equals ? equals + 1 : NULL;

	if (option == SP_OPTION_COUNT)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "\"%s\": expected an option of `client allow` such as --for 8h",
		               word);
	if (!value && !skip_blanks(rest))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s needs a value", word);
	if (!value)
		value = next_word(rest);
	if (!value)
		return wrong(err, "a quote is open at the end of the line");
	if (invocation->option[option])
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "--%s is given twice",
		               sp_options[option].name);
	invocation->option[option] = value;
	return 0;
}

static int take_options(struct sp_invocation *invocation, char *rest, struct sp_error *err)
{
	int code = 0;

	while (!code && skip_blanks(&rest)) {
		char *word = next_word(&rest);

		code = word ? take_option(invocation, word, &rest, err)
		            : wrong(err, "a quote is open at the end of the line");
	}
	return code;
}

int sp_import_list_line(char *line, struct sp_bulk_client *client, struct sp_error *err)
{
	struct sp_invocation invocation = {.json = false};
	int code;

	*client = (struct sp_bulk_client){.state = SP_CLIENT_AUTHORIZED,
	                                  .method = SP_METHOD_OPERATOR,
	                                  .name = "",
	                                  .note = ""};
	(void)skip_blanks(&line);
	invocation.operand = next_word(&line);
	if (!invocation.operand)
		return wrong(err, "a quote is open at the end of the line");
	code = take_options(&invocation, line, err);
	if (!code)
		code = sp_open_key(&invocation, &client->key, err);
	if (!code)
		code = sp_client_limits_read(&invocation, &client->limits, err);
	if (invocation.option[SP_OPTION_NOTE])
		client->note = invocation.option[SP_OPTION_NOTE];
	return code;
}
