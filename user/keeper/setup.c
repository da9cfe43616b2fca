/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/setup.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeper/account.h"
#include "keeper/address.h"
#include "keeper/key.h"
#include "keeper/listen.h"
#include "lib/netlink.h"

static unsigned count_workers(const struct sp_config *config)
{
	cpu_set_t cpus;
	unsigned count = config->workers;

	if (!count)
		count = sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : (unsigned)CPU_COUNT(&cpus);
	return count > SP_MAX_WORKERS ? SP_MAX_WORKERS : count;
}

static int find_accounts(struct sp_setup *setup, const struct sp_config *config,
                         struct sp_error *err)
{
	struct sp_ipc_responder_setup *responder = &setup->responder;
	struct sp_ipc_portal_setup *portal = &setup->portal;
	int ret = sp_account_find("responder_user", config->responder_user, SP_ACCOUNT_RESPONDER,
	                          &responder->uid, &responder->gid, err);

	if (!ret)
		ret = sp_account_find("portal_user", config->portal_user, SP_ACCOUNT_PORTAL,
		                      &portal->uid, &portal->gid, err);
	if (!ret && responder->uid == portal->uid)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "responder_user and portal_user are the same account; give each "
		               "process its own, or one could take over the other");
	return ret;
}

/* The directory that the children see as their whole file system. */
static int make_root(struct sp_setup *setup, const struct sp_instance *instance,
                     struct sp_error *err)
{
	struct stat status;
	char *root = setup->portal.root;
	int ret = 0;

	snprintf(root, sizeof(setup->portal.root), "%s/empty", instance->run);
	if ((mkdir(root, 0755) && errno != EEXIST) || lstat(root, &status))
		ret = -errno;
	else if (!S_ISDIR(status.st_mode) || status.st_uid != 0 || (status.st_mode & 022))
		ret = -ENOTDIR;
	else if (rmdir(root) || mkdir(root, 0755)) /* it is empty, or this says that it is not */
		ret = -errno;
	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED,
		               "%s: expected an empty directory of root's: %s; remove it", root,
		               strerror(-ret));
	memcpy(setup->responder.root, root, sizeof(setup->responder.root));
	return 0;
}

/* The login URL at the configured host name or, without one, at the first address of the family,
 * else at the first of the other. */
static void make_url(char url[SP_IPC_URL], const struct sp_config *config,
                     const struct sp_address *list, unsigned count, bool ipv4)
{
	const struct sp_address *address = &list[0];
	char text[INET6_ADDRSTRLEN];

	if (config->portal_host[0]) {
		snprintf(url, SP_IPC_URL, "http://%s:%u/", config->portal_host,
		         config->portal_port);
		return;
	}
	for (unsigned i = count; i-- > 0;)
		if (sp_address_is_ipv4(&list[i]) == ipv4)
			address = &list[i];
	snprintf(url, SP_IPC_URL, sp_address_is_ipv4(address) ? "http://%s:%u/" : "http://[%s]:%u/",
	         sp_address_text(address, text), config->portal_port);
}

static int make_portal(struct sp_setup *setup, const struct sp_config *config, struct sp_error *err)
{
	struct sp_ipc_portal_setup *portal = &setup->portal;
	struct sp_address list[SP_MAX_ADDRESSES];
	int count = sp_address_portal(config, list, err);

	if (count < 0)
		return count;
	make_url(setup->responder.login_url4, config, list, (unsigned)count, true);
	make_url(setup->responder.login_url6, config, list, (unsigned)count, false);
	for (int i = 0; i < count; i++) {
		int fd = sp_listen_portal(&list[i], config->portal_port, err);

		if (fd < 0)
			return fd;
		setup->portal_files[1 + portal->listener_count++] = fd;
	}
	for (unsigned i = 0; i < config->client_count; i++) {
		struct sp_interface interface;
		int ret = sp_netlink_link(config->client[i], &interface, err);

		/* One that comes later gets its number then. */
		if (ret && ret != -ENODEV)
			return ret;
		portal->ifindex[portal->interface_count++] = interface.ifindex;
	}
	return 0;
}

/* The portal reads `origins`; a descriptor of its own cannot write it. */
static int open_origins(struct sp_setup *setup, const struct sp_instance *instance,
                        struct sp_error *err)
{
	LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = BPF_F_RDONLY);
	char path[SP_INSTANCE_PATH + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/origins", instance->pins);
	fd = bpf_obj_get_opts(path, &options);
	if (fd < 0)
		return sp_fail(err, fd, SP_EXIT_FAILED, "%s: %s", path, strerror(-fd));
	setup->portal_files[0] = fd;
	return 0;
}

static int make_listener(struct sp_setup *setup, const struct sp_maps *maps, unsigned worker,
                         bool ipv6, struct sp_error *err)
{
	uint32_t index = SP_LISTENER(worker, ipv6);
	int fd = sp_listen_responder(ipv6, err);
	uint64_t value = (uint64_t)fd;
	int ret;

	if (fd < 0)
		return fd;
	setup->responder_files[worker][ipv6] = fd;
	ret = bpf_map_update_elem(maps->listeners, &index, &value, BPF_ANY);
	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED,
		               "%s/listeners: cannot store the socket of responder %u: %s",
		               maps->instance.pins, worker, strerror(-ret));
	return 0;
}

static int make_responders(struct sp_setup *setup, const struct sp_maps *maps, struct sp_error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < setup->workers && !ret; i++) {
		ret = make_listener(setup, maps, i, false, err);
		if (!ret)
			ret = make_listener(setup, maps, i, true, err);
	}
	return ret;
}

static int make_all(struct sp_setup *setup, const struct sp_maps *maps,
                    const struct sp_config *config, struct sp_error *err)
{
	int ret = sp_paths_find(&setup->paths, err);

	if (!ret)
		ret = find_accounts(setup, config, err);
	if (!ret)
		ret = make_root(setup, &maps->instance, err);
	if (!ret)
		ret = sp_key_get(&maps->instance, setup->portal.key, err);
	if (!ret)
		ret = make_portal(setup, config, err);
	if (!ret)
		ret = open_origins(setup, &maps->instance, err);
	if (!ret)
		ret = make_responders(setup, maps, err);
	return ret;
}

int sp_setup_make(struct sp_setup *setup, const struct sp_maps *maps,
                  const struct sp_config *config, struct sp_error *err)
{
	int ret;

	memset(setup, 0, sizeof(*setup));
	memset(setup->responder_files, -1, sizeof(setup->responder_files));
	memset(setup->portal_files, -1, sizeof(setup->portal_files));
	setup->workers = count_workers(config);
	setup->responder.header.kind = SP_IPC_RESPONDER_SETUP;
	setup->portal.header.kind = SP_IPC_PORTAL_SETUP;
	setup->responder.probe_status = config->probe_status;
	setup->responder.refresh = config->refresh;
	ret = make_all(setup, maps, config, err);
	if (ret) {
		sp_setup_close(setup);
		return ret;
	}
	memcpy(setup->responder.key, setup->portal.key, sizeof(setup->responder.key));
	memcpy(setup->responder.data, setup->paths.data, sizeof(setup->responder.data));
	memcpy(setup->portal.data, setup->paths.data, sizeof(setup->portal.data));
	return 0;
}

void sp_setup_close(struct sp_setup *setup)
{
	for (unsigned i = 0; i < SP_MAX_WORKERS; i++)
		for (unsigned j = 0; j < 2; j++)
			if (setup->responder_files[i][j] >= 0)
				close(setup->responder_files[i][j]);
	for (unsigned i = 0; i < 1 + SP_MAX_ADDRESSES; i++)
		if (setup->portal_files[i] >= 0)
			close(setup->portal_files[i]);
	if (setup->portal.root[0])
		rmdir(setup->portal.root);
}
