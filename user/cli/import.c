/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sallyport import: many clients at once, of another gateway or of a list. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/import_file.h"
#include "cli/open.h"
#include "cli/output.h"

static void tell_wrong(const struct sp_error *err, void *context)
{
	const struct sp_invocation *invocation = context;

	sp_put_error(err, invocation->json);
}

static int read_file(const struct sp_invocation *invocation, struct sp_import *import,
                     struct sp_error *err)
{
	const char *path = invocation->operand;
	bool is_stdin = !strcmp(path, "-");
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	int code = -errno;

	if (!file)
		return sp_fail(err, code, SP_EXIT_USAGE, "%s: %s", path, strerror(-code));
	code = sp_import_read(import, file, path, (uint64_t)time(NULL), tell_wrong,
	                      (void *)(uintptr_t)invocation, err);
	if (!is_stdin)
		fclose(file);
	return code;
}

static void show_progress(unsigned percent, void *context)
{
	(void)context;
	fprintf(stderr, "\r%3u %%%s", percent, percent == 100 ? "\n" : "");
}

static int put_result(const struct sp_invocation *invocation, const struct sp_import *import,
                      struct sp_error *err)
{
	const struct sp_bulk *bulk = &import->bulk;

	if (invocation->json)
		return sp_put_json(json_pack("{s:I, s:I, s:I, s:I, s:b}", "added",
		                             (json_int_t)bulk->added, "replaced",
		                             (json_int_t)bulk->replaced, "kept",
		                             (json_int_t)bulk->kept, "ended",
		                             (json_int_t)import->ended, "dry_run", bulk->dry_run),
		                   err);
	printf("%s%u new, %u replaced, %u kept as they were%s", bulk->dry_run ? "would be: " : "",
	       bulk->added, bulk->replaced, bulk->kept,
	       bulk->kept ? " (--replace replaces them)" : "");
	if (import->ended)
		printf(", %u left out: their session has ended", import->ended);
	putchar('\n');
	return 0;
}

static int import_all(const struct sp_invocation *invocation, struct sp_import *import,
                      struct sp_error *err)
{
	struct sp_clock clock;
	struct sp_maps maps;
	int code = sp_open_maps(invocation, &maps, &clock, err);

	if (code)
		return code;
	import->bulk.replace = invocation->option[SP_OPTION_REPLACE];
	import->bulk.dry_run = invocation->option[SP_OPTION_DRY_RUN];
	if (isatty(STDERR_FILENO) && !invocation->json)
		import->bulk.progress = show_progress;
	code = sp_session_import(&maps, &import->bulk, err);
	sp_maps_close(&maps);
	return code ? code : put_result(invocation, import, err);
}

int sp_import_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_import import = {.room = 0};
	int code = read_file(invocation, &import, err);

	if (!code)
		code = import_all(invocation, &import, err);
	sp_import_free(&import);
	return code;
}
