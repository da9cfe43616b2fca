/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/inherit.h"
#include "lib/rundir.h"

/* What only the datapath has a use for, which `up` has told it. */
static void ignore_datapath(struct sp_config *config, const struct sp_config *as)
{
	memcpy(config->path, as->path, sizeof(config->path));
	config->attach = as->attach;
	config->tc = as->tc;
	config->max_clients = as->max_clients;
	config->mark = as->mark;
	config->mark_mask = as->mark_mask;
	config->guard = as->guard;
	config->refuse_tcp = as->refuse_tcp;
	config->refuse_udp = as->refuse_udp;
	memcpy(config->budget, as->budget, sizeof(config->budget));
	memcpy(config->budget_all, as->budget_all, sizeof(config->budget_all));
	memcpy(config->garden, as->garden, sizeof(config->garden));
	config->garden_count = as->garden_count;
	for (unsigned i = 0; i < SP_ZONES; i++)
		config->zone[i].forward = as->zone[i].forward;
}

/* What the keeper looks up when a client logs in. */
static void ignore_limits(struct sp_config *config, const struct sp_config *as)
{
	for (unsigned i = 0; i < SP_ZONES; i++) {
		struct sp_zone *zone = &config->zone[i];
		const struct sp_zone *other = &as->zone[i];

		zone->session_seconds = other->session_seconds;
		zone->idle_seconds = other->idle_seconds;
		zone->quota_bytes = other->quota_bytes;
		zone->quota_up = other->quota_up;
		zone->quota_down = other->quota_down;
		zone->rate_up = other->rate_up;
		zone->rate_down = other->rate_down;
		zone->bind = other->bind;
	}
}

static uint64_t mix(uint64_t stamp, const void *bytes, size_t size)
{
	/* FNV-1a. */
	for (size_t i = 0; i < size; i++)
		stamp = (stamp ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
	return stamp;
}

/* Secrets are read at the start, and may change while their names stay. */
static uint64_t stamp_of_secrets(const struct sp_config *config)
{
	const char *const names[] = {config->radius_secret_file, config->radius_coa_secret_file,
	                             config->external_secret};
	uint64_t stamp = UINT64_C(0xcbf29ce484222325);

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[sizeof(config->path) + SP_CONFIG_TEXT];
		struct stat status = {.st_size = 0};

		if (!names[i][0] || sp_config_file(config, names[i], path, sizeof(path), NULL) ||
		    stat(path, &status))
			continue;
		stamp = mix(stamp, &status.st_ino, sizeof(status.st_ino));
		stamp = mix(stamp, &status.st_size, sizeof(status.st_size));
		stamp = mix(stamp, &status.st_mtim, sizeof(status.st_mtim));
	}
	return stamp;
}

void sp_reload_begin(struct sp_keeper *keeper)
{
	keeper->secrets = stamp_of_secrets(keeper->config);
}

/* What is between members is the same too: both were filled by the same function, in zeroed memory,
 * and copied as a whole. */
static bool same(const void *a, const void *b)
{
	return !memcmp(a, b, sizeof(struct sp_config));
}

static enum sp_reload compare(const struct sp_keeper *keeper, const struct sp_config *config)
{
	static struct sp_config other;

	memcpy(&other, config, sizeof(other));
	ignore_datapath(&other, keeper->config);
	if (stamp_of_secrets(config) != keeper->secrets)
		return SP_RELOAD_AGAIN;
	if (same(&other, keeper->config))
		return SP_RELOAD_SAME;
	ignore_limits(&other, keeper->config);
	return same(&other, keeper->config) ? SP_RELOAD_TAKEN : SP_RELOAD_AGAIN;
}

/* Sockets that this keeper has, and that are not handed over, cannot be opened a second time. */
static void leave_out_own(struct sp_config *config, const struct sp_config *own)
{
	const struct sp_metrics_listen *now = &config->metrics_listen, *was = &own->metrics_listen;

	if (was->on && !strcmp(now->path, was->path) && now->endpoint.port == was->endpoint.port &&
	    !memcmp(&now->endpoint.address, &was->endpoint.address, sizeof(struct sp_address)))
		config->metrics_listen.on = false;
	if (own->radius_coa && config->radius_coa_port == own->radius_coa_port)
		config->radius_coa = false;
}

/* In a process of its own, because a part of it stays when the rest fails. Never returns. */
static void try_setup(struct sp_keeper *keeper, const struct sp_config *config, int told)
{
	static struct sp_setup setup;
	static struct sp_config tried;
	struct sp_error err = {.text = ""};
	int ret;

	tried = *config;
	leave_out_own(&tried, keeper->config);
	sp_inherit_offer();
	ret = sp_setup_make(&setup, &keeper->maps, &tried, &err);
	if (ret && write(told, &err, sizeof(err)) != (ssize_t)sizeof(err))
		_exit(2);
	_exit(ret ? 1 : 0);
}

/* Whether a keeper with @config could open what it needs. 0 or negative errno. */
static int try(struct sp_keeper *keeper, const struct sp_config *config, struct sp_error *err)
{
	int pipe_ends[2], status = 0;
	ssize_t length;
	pid_t pid;

	if (pipe2(pipe_ends, O_CLOEXEC))
		return sp_fail(err, -errno, SP_EXIT_FAILED, "pipe: %s", strerror(errno));
	pid = fork();
	if (!pid)
		try_setup(keeper, config, pipe_ends[1]);
	close(pipe_ends[1]);
	length = pid < 0 ? 0 : read(pipe_ends[0], err, sizeof(*err));
	close(pipe_ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return sp_fail(err, -errno, SP_EXIT_FAILED, "fork: %s", strerror(errno));
	if (!length && WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (length != (ssize_t)sizeof(*err))
		return sp_fail(err, -EPROTO, SP_EXIT_FAILED,
		               "the configuration could not be tried");
	return -EINVAL;
}

enum sp_reload sp_reload(struct sp_keeper *keeper, struct sp_error *err)
{
	static struct sp_config config;
	char path[sizeof(config.path)];
	enum sp_reload result;
	int ret;

	sp_run_config(&keeper->maps.instance, path, sizeof(path));
	ret = sp_config_load(&config, path[0] ? path : keeper->config->path, NULL, err);
	if (!ret)
		ret = sp_config_check_portal(&config, err);
	if (ret)
		return SP_RELOAD_FAILED;
	/* What the command line said. */
	config.log_level = keeper->config->log_level;
	result = compare(keeper, &config);
	if (result == SP_RELOAD_AGAIN)
		return try(keeper, &config, err) ? SP_RELOAD_FAILED : SP_RELOAD_AGAIN;
	memcpy(keeper->config, &config, sizeof(config));
	return result;
}
