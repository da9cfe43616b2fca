/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/metrics_output.h"
#include "cli/open.h"
#include "cli/output.h"
#include "ipc/ipc.h"
#include "lib/metrics.h"

/* What can be told without the daemon. */
static int write_own(FILE *out, struct sp_maps *maps, const struct sp_clock *clock,
                     struct sp_error *err)
{
	static struct sp_dataplane_status status;
	struct sp_openmetrics metrics = {.out = out};
	struct sp_census census;
	int code = sp_dataplane_status(&maps->instance, &status, err);

	if (!code)
		code = sp_maps_map_usage(maps, err);
	if (!code)
		code = sp_census_take(&census, maps, clock, err);
	if (!code)
		code = sp_metrics_write(&metrics,
		                        &(struct sp_metrics_source){
						.maps = maps,
						.status = &status,
						.census = &census,
						.daemon = status.daemon != 0,
					},
		                        err);
	sp_openmetrics_end(&metrics);
	return code;
}

/* @text is freed by the caller. */
static int make_own(char **text, const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_clock clock;
	struct sp_maps maps;
	size_t length;
	FILE *out;
	int code = sp_open_maps(invocation, &maps, &clock, err);

	if (code)
		return code;
	out = open_memstream(text, &length);
	code = out ? write_own(out, &maps, &clock, err) : -ENOMEM;
	if (out && fclose(out))
		code = -ENOMEM;
	if (code == -ENOMEM)
		sp_fail(err, code, SP_EXIT_FAILED, "out of memory");
	sp_maps_close(&maps);
	return code;
}

/* The whole of @file, whose size does not change. */
static int read_all(char **text, int file, struct sp_error *err)
{
	const off_t size = lseek(file, 0, SEEK_END);

	*text = size < 0 ? NULL : calloc(1, (size_t)size + 1);
	if (*text && pread(file, *text, (size_t)size, 0) == size)
		return 0;
	return sp_fail(err, -EIO, SP_EXIT_FAILED, "the daemon's answer cannot be read");
}

/* The text of the daemon. -ENOENT: there is none. */
static int ask_daemon(char **text, const struct sp_instance *instance, struct sp_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct sp_ipc_ready message;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), file, code = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/metrics", instance->run);
	if (fd < 0)
		return sp_fail(err, -errno, SP_EXIT_FAILED, "socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		code = -ENOENT;
	if (!code && sp_ipc_receive_file(fd, SP_IPC_SCRAPED, &message, sizeof(message), &file))
		code = sp_fail(err, -EIO, SP_EXIT_FAILED,
		               "the daemon has no answer; its log says why");
	close(fd);
	if (code)
		return code;
	code = read_all(text, file, err);
	close(file);
	return code;
}

int sp_metrics_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	char *text = NULL;
	int code = ask_daemon(&text, &invocation->instance, err);

	if (code == -ENOENT)
		code = make_own(&text, invocation, err);

	if (!code && invocation->json)
		code = sp_put_metrics_json(text, err);
	else if (!code && invocation->option[SP_OPTION_PROMETHEUS])
		sp_openmetrics_plain(text, stdout);
	else if (!code)
		fputs(text, stdout);
	free(text);
	return code;
}
