/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sallyport export: every session and block, for another gateway or for later. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/client_output.h"
#include "cli/command.h"
#include "cli/import_file.h"
#include "cli/line.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/whose.h"

struct export
{
	const struct sp_clock *clock;
	struct sp_whose whose;
	uint64_t count;
	struct sp_error *err;
};

static int put_one(const struct sp_session *session, void *context)
{
	struct export *export = context;
	struct sp_owner owner;

	if (session->effective == SP_CLIENT_CAPTIVE)
		return 0;
	export->count++;
	owner = sp_whose_find(&export->whose, session);
	return sp_put_client_json(session, &owner, export->clock, export->err);
}

static int put_head(const struct sp_invocation *invocation, const struct export *export)
{
	struct sp_line line;

	sp_line_begin(&line);
	sp_line_text(&line, "sallyport", "export");
	sp_line_number(&line, "version", SP_EXPORT_VERSION);
	sp_line_number(&line, "time", export->clock->unix_time);
	sp_line_text(&line, "instance", invocation->instance.name);
	return sp_line_end(&line, export->err);
}

/* A file that is cut off anywhere is not taken for a whole one. */
static int put_end(const struct export *export)
{
	struct sp_line line;

	sp_line_begin(&line);
	sp_line_text(&line, "sallyport", "end");
	sp_line_number(&line, "clients", export->count);
	return sp_line_end(&line, export->err);
}

static int put_all(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_clock clock;
	struct export export = {.clock = &clock, .err = err};
	struct sp_maps maps;
	int code = sp_open_maps(invocation, &maps, &clock, err);

	if (code)
		return code;
	sp_whose_open(&export.whose, &maps);
	code = put_head(invocation, &export);
	if (!code)
		code = sp_session_each(&maps, &clock, put_one, &export, err);
	if (!code)
		code = put_end(&export);
	sp_whose_close(&export.whose);
	sp_maps_close(&maps);
	return code ? code : sp_put_end(err);
}

static int file_failed(const char *path, struct sp_error *err)
{
	int code = -errno;

	return sp_fail(err, code, SP_EXIT_FAILED, "%s: %s", path, strerror(-code));
}

/* It tells who is there: for root alone. */
static int put_to_file(const struct sp_invocation *invocation, const char *path,
                       struct sp_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int code;

	if (fd < 0)
		return file_failed(path, err);
	code = dup2(fd, STDOUT_FILENO) < 0 ? file_failed(path, err) : put_all(invocation, err);
	if (!code && fsync(fd))
		code = file_failed(path, err);
	close(fd);
	if (code)
		unlink(path);
	return code;
}

int sp_export_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	const char *path = invocation->operand;

	return path && strcmp(path, "-") != 0 ? put_to_file(invocation, path, err)
	                                      : put_all(invocation, err);
}
