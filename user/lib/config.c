/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/method.h"

void sp_config_defaults(struct sp_config *config)
{
	*config = (struct sp_config){
		.zone_count = 1,
		.max_clients = 131072,
		.mark = 0x53000000,
		.mark_mask = 0xff000000,
		.guard = true,
		.refuse_tcp = SP_REFUSE_ANSWER,
		.refuse_udp = SP_REFUSE_ANSWER,
		.probe_status = 302,
		.responder_user = "sallyport-responder",
		.portal_port = 443,
		.portal_user = "sallyport-portal",
		.verifier_user = "sallyport-verifier",
		.attempts = {.count = 5, .seconds = 60},
		.account_attempts = {.count = 50, .seconds = 60},
		.radius_timeout = 3,
		.radius_tries = 2,
		.radius_port_type = 19, /* Wireless - IEEE 802.11 */
		.radius_interim = 300,
		.radius_coa_port = 3799, /* RFC 5176, 2.1 */
		.retention =
			180 *
			UINT64_C(86400), /* half a year: what inquiries ask for comes within months,
	                                  * and what is personal is to go when it is not needed */
		.log_level = SP_LOG_INFO,
		.garden_addresses = 256,
		.garden_user = "sallyport-garden",
		.metrics_user = "sallyport-metrics",
	};
	config->zone[0].methods = SP_METHOD_BIT(SP_METHOD_CLICK);
	config->zone[0].session_seconds = 28800; /* 8 h */
	memcpy(config->budget, sp_allowance_client, sizeof(config->budget));
	memcpy(config->budget_all, sp_allowance_all, sizeof(config->budget_all));
}

static int cannot_open(const char *path, int code, struct sp_error *err)
{
	if (code == -ENOENT && !strcmp(path, SP_CONFIG_PATH))
		return sp_fail(err, code, SP_EXIT_USAGE,
		               "%s: no such file; write one that names the interfaces where the "
		               "clients are, and a port for the portal:\n[gateway]\nclient = lan0\n"
		               "[portal]\nplain_port = 8080",
		               path);
	return sp_fail(err, code, code == -EACCES ? SP_EXIT_PERMISSION : SP_EXIT_USAGE, "%s: %s",
	               path, strerror(-code));
}

static int open_file(const char *path, FILE **file, struct sp_error *err)
{
	/* Not blocking, lest a FIFO stop us before it is seen to be one. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	int result;

	if (fd < 0)
		return cannot_open(path, -errno, err);
	if (fstat(fd, &status)) {
		result = cannot_open(path, -errno, err);
	} else if (!S_ISREG(status.st_mode)) {
		result = sp_fail(err, S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL, SP_EXIT_USAGE,
		                 "%s: expected a regular file, this is a %s", path,
		                 S_ISDIR(status.st_mode) ? "directory" : "device or pipe");
	} else {
		*file = fdopen(fd, "r");
		if (*file)
			return 0;
		result = cannot_open(path, -errno, err);
	}
	close(fd);
	return result;
}

/* The daemon and later commands look for the file from other directories. */
static int remember_path(struct sp_config *config, const char *path, struct sp_error *err)
{
	char *absolute = realpath(path, NULL);
	size_t length = absolute ? strlen(absolute) : 0;

	if (!absolute)
		return cannot_open(path, -errno, err);
	if (length >= sizeof(config->path)) {
		free(absolute);
		return cannot_open(path, -ENAMETOOLONG, err);
	}
	memcpy(config->path, absolute, length + 1);
	free(absolute);
	return 0;
}

int sp_config_load(struct sp_config *config, const char *path, struct sp_config_errors *errors,
                   struct sp_error *err)
{
	FILE *file = NULL;
	int result = open_file(path, &file, err);

	if (errors)
		errors->count = errors->kept = 0;
	if (!file)
		return result;
	result = sp_config_read(config, file, path, errors, err);
	fclose(file);
	return result ? result : remember_path(config, path, err);
}

int sp_config_file(const struct sp_config *config, const char *name, char *path, size_t room,
                   struct sp_error *err)
{
	const char *slash = strrchr(config->path, '/');
	int folder = slash && name[0] != '/' ? (int)(slash - config->path) + 1 : 0;
	int length = snprintf(path, room, "%.*s%s", folder, config->path, name);

	if (length >= 0 && (size_t)length < room)
		return 0;
	return sp_fail(err, -ENAMETOOLONG, SP_EXIT_USAGE, "%s: %s", name, strerror(ENAMETOOLONG));
}

int sp_config_check_portal(const struct sp_config *config, struct sp_error *err)
{
	if (config->certificate[0] || config->plain_port)
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "%s: section [portal] does not say how the portal is reached: expected the "
	               "key 'certificate' for HTTPS (for trials `sallyport cert self-signed` makes "
	               "one), or 'plain_port = 8080' for plain HTTP, where no passwords are taken",
	               config->path);
}
