/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/settings.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/bpffs.h"
#include "lib/budgets.h"

/* One that is there stays, so that a connection survives that its programs are replaced. */
static int fill_key(struct sp_settings *settings)
{
	__u64 *key = settings->cookie_key;

	if (key[0] || key[1])
		return 0;
	return getrandom(key, sizeof(settings->cookie_key), 0) == sizeof(settings->cookie_key)
	               ? 0
	               : -EIO;
}

int sp_settings_fill(struct sp_settings *settings, const struct sp_config *config)
{
	for (enum sp_budget_kind kind = 0; kind < SP_BUDGETS; kind++) {
		settings->client[kind] =
			sp_allowance_budget(kind, &config->budget[kind], settings->hz);
		settings->total[kind] =
			sp_allowance_budget(kind, &config->budget_all[kind], settings->hz);
	}
	settings->route_zones = 0;
	for (unsigned zone = 0; zone < config->zone_count; zone++)
		if (config->zone[zone].forward == SP_FORWARD_ROUTE)
			settings->route_zones |= 1u << zone;
	settings->refuse_tcp = config->refuse_tcp;
	settings->refuse_udp = config->refuse_udp;
	return fill_key(settings);
}

/* -ENOENT: there is none; -EPROTO: it is none of any version. */
static int read_pinned(const struct sp_instance *instance, struct sp_settings *settings)
{
	union {
		struct sp_settings settings;
		char room[SP_SETTINGS_ROOM];
	} value = {.room = ""};
	struct bpf_map_info info = {0};
	uint32_t key = 0, size = sizeof(info);
	char path[SP_PIN_PATH];
	int fd, code;

	snprintf(path, sizeof(path), "%s/settings", instance->pins);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	code = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (!code && (info.value_size < sizeof(uint32_t) || info.value_size > sizeof(value)))
		code = -EPROTO;
	if (!code)
		code = bpf_map_lookup_elem(fd, &key, &value);
	close(fd);
	*settings = value.settings;
	return code;
}

uint32_t sp_settings_version(const struct sp_instance *instance)
{
	struct sp_settings settings;

	return read_pinned(instance, &settings) ? 0 : settings.abi_version;
}

bool sp_settings_loaded(const struct sp_instance *instance)
{
	struct sp_settings settings;
	int code = read_pinned(instance, &settings);

	if (code)
		return code != -ENOENT;
	return settings.abi_version != SP_ABI_VERSION || settings.loaded_unix;
}
