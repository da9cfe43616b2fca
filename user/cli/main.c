/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sallyport: reads the command line, runs one command, says what went wrong, exits as documented.
 */
#include <errno.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/output.h"
#include "lib/objects.h"
#include "lib/version.h"

static int act(const struct sp_invocation *invocation, struct sp_error *err)
{
	int code = 0;

	if (invocation->help)
		sp_help_print(invocation);
	else if (invocation->version)
		printf("sallyport " SP_VERSION "\n");
	else
		code = invocation->command->run(invocation, err);
	return code ? code : sp_put_end(err);
}

int main(int argc, char *argv[])
{
	struct sp_error err = {.exit_code = SP_EXIT_FAILED};
	struct sp_invocation invocation;
	int code;

	sp_objects_quiet();
	code = sp_arguments_read(&invocation, argc, argv, &err);

	if (!code)
		code = act(&invocation, &err);
	if (!code)
		return SP_EXIT_DONE;
	/* What was written before the failure comes first; -EPIPE: the reader had enough. */
	fflush(stdout);
	if (code != -EPIPE && err.text[0])
		sp_put_error(&err, invocation.json);
	return (int)err.exit_code;
}
