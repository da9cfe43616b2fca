/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/setup.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeper/account.h"
#include "keeper/address.h"
#include "keeper/external.h"
#include "keeper/listen.h"
#include "keeper/radius.h"
#include "keeper/setup_zone.h"
#include "keeper/tls.h"
#include "lib/key.h"
#include "lib/method.h"
#include "lib/netlink.h"
#include "web/pages.h"

static unsigned count_workers(const struct sp_config *config)
{
	cpu_set_t cpus;
	unsigned count = config->workers;

	if (!count)
		count = sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : (unsigned)CPU_COUNT(&cpus);
	return count > SP_MAX_WORKERS ? SP_MAX_WORKERS : count;
}

/* A worker that waits for a RADIUS server does nothing else; one that hashes keeps a CPU busy. */
static unsigned count_verifiers(const struct sp_config *config)
{
	if (config->verifiers)
		return config->verifiers;
	return sp_config_methods(config) & SP_METHOD_BIT(SP_METHOD_RADIUS) ? 8 : 2;
}

struct account {
	const char *option, *user;
	uint32_t fallback, *uid, *gid;
};

static int check_different(const struct account *accounts, unsigned count, struct sp_error *err)
{
	for (unsigned i = 0; i < count; i++)
		for (unsigned j = 0; j < i; j++)
			if (*accounts[i].uid == *accounts[j].uid)
				return sp_fail(
					err, -EINVAL, SP_EXIT_USAGE,
					"%s and %s are the same account; give each process its "
					"own, or one could take over another",
					accounts[j].option, accounts[i].option);
	return 0;
}

static int find_accounts(struct sp_setup *setup, const struct sp_config *config,
                         struct sp_error *err)
{
	const struct account accounts[] = {
		{"responder_user", config->responder_user, SP_ACCOUNT_RESPONDER,
	         &setup->responder.uid, &setup->responder.gid},
		{"portal_user", config->portal_user, SP_ACCOUNT_PORTAL, &setup->portal.uid,
	         &setup->portal.gid},
		{"garden_user", config->garden_user, SP_ACCOUNT_GARDEN, &setup->garden.uid,
	         &setup->garden.gid},
		{"verifier_user", config->verifier_user, SP_ACCOUNT_VERIFIER, &setup->verifier.uid,
	         &setup->verifier.gid},
		{"metrics_user", config->metrics_user, SP_ACCOUNT_METRICS, &setup->metrics.uid,
	         &setup->metrics.gid},
	};
	const unsigned count = sizeof(accounts) / sizeof(*accounts);

	for (unsigned i = 0; i < count; i++) {
		const struct account *account = &accounts[i];
		int ret = sp_account_find(account->option, account->user, account->fallback,
		                          account->uid, account->gid, err);

		if (ret)
			return ret;
	}
	return check_different(accounts, count, err);
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
	memcpy(setup->garden.root, root, sizeof(setup->garden.root));
	memcpy(setup->verifier.root, root, sizeof(setup->verifier.root));
	memcpy(setup->metrics.root, root, sizeof(setup->metrics.root));
	return 0;
}

/* Listen at @count addresses of @list, at the port of the key @key. */
static int listen_at(struct sp_setup *setup, const struct sp_address *list, unsigned count,
                     const char *key, uint16_t port, struct sp_error *err)
{
	struct sp_ipc_portal_setup *portal = &setup->portal;

	for (unsigned i = 0; i < count; i++) {
		int fd = sp_listen_portal(&list[i], key, port, err);

		if (fd < 0)
			return fd;
		setup->portal_files[1 + portal->listener_count++] = fd;
	}
	return 0;
}

static int make_portal(struct sp_setup *setup, const struct sp_config *config, struct sp_error *err)
{
	struct sp_ipc_portal_setup *portal = &setup->portal;
	struct sp_address list[SP_MAX_ADDRESSES];
	int count = sp_address_portal(config, list, err), ret = 0;

	if (count < 0)
		return count;
	ret = sp_setup_zones(setup, config, list, (unsigned)count, err);
	if (!ret && config->certificate[0])
		ret = listen_at(setup, list, (unsigned)count, "port", config->portal_port, err);
	portal->tls_count = portal->listener_count;
	if (!ret && config->plain_port)
		ret = listen_at(setup, list, (unsigned)count, "plain_port", config->plain_port,
		                err);
	if (ret)
		return ret;
	for (unsigned i = 0; i < config->client_count; i++) {
		struct sp_interface interface;

		ret = sp_netlink_link(config->client[i], &interface, err);
		/* One that comes later gets its number then. */
		if (ret && ret != -ENODEV)
			return ret;
		portal->ifindex[portal->interface_count++] = interface.ifindex;
	}
	return 0;
}

/* A descriptor of its own for a child; with BPF_F_RDONLY it cannot be used to write. */
static int open_pin(const struct sp_instance *instance, const char *name, uint32_t flags, int *file,
                    struct sp_error *err)
{
	LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = flags);
	char path[SP_INSTANCE_PATH + 16];

	snprintf(path, sizeof(path), "%s/%s", instance->pins, name);
	*file = bpf_obj_get_opts(path, &options);
	if (*file < 0)
		return sp_fail(err, *file, SP_EXIT_FAILED, "%s: %s", path, strerror(-*file));
	return 0;
}

static int pass_over(void *context, void *data, size_t size)
{
	(void)context;
	(void)data;
	(void)size;
	return 0;
}

/* The portal reads `origins`. The reader of DNS answers moves on in their ring, which is writing:
 * nothing else can be written there. */
static int open_pins(struct sp_setup *setup, const struct sp_instance *instance,
                     struct sp_error *err)
{
	int ret = open_pin(instance, "origins", BPF_F_RDONLY, &setup->portal_files[0], err);

	if (!ret)
		ret = open_pin(instance, "answers", 0, &setup->garden_files[0], err);
	if (!ret)
		ret = open_pin(instance, "garden_names", BPF_F_RDONLY, &setup->garden_files[1],
		               err);
	return ret;
}

/* The file @file of @worker: of its zones' sockets, to which the datapath brings something, for
 * each address family. First come the listeners of all zones, then where their letters come. */
static int make_socket(struct sp_setup *setup, const struct sp_maps *maps, unsigned worker,
                       unsigned file, struct sp_error *err)
{
	const unsigned number = file - SP_IPC_ANSWER_FILES;
	const unsigned listeners = 2 * setup->responder.zone_count;
	const unsigned zone = setup->responder_zone[number % listeners / 2];
	const bool ipv6 = number % 2, letters = number >= listeners;
	uint32_t index = letters ? SP_LETTERS(zone, worker, ipv6) : SP_LISTENER(zone, worker, ipv6);
	int fd = letters ? sp_listen_letters(ipv6, err) : sp_listen_responder(ipv6, err);
	uint64_t value = (uint64_t)fd;
	int ret;

	if (fd < 0)
		return fd;
	setup->responder_files[worker][file] = fd;
	ret = bpf_map_update_elem(maps->listeners, &index, &value, BPF_ANY);
	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED,
		               "%s/listeners: cannot store the socket of responder %u: %s",
		               maps->instance.pins, worker, strerror(-ret));
	return 0;
}

/* What another daemon left is gone with its sockets. */
static int make_responders(struct sp_setup *setup, const struct sp_maps *maps, struct sp_error *err)
{
	const unsigned files = SP_IPC_RESPONDER_FILES(setup->responder.zone_count);
	int ret = 0;

	for (unsigned i = 0; i < setup->workers && ret >= 0; i++) {
		for (unsigned k = 0; k < SP_IPC_ANSWER_FILES && ret >= 0; k++)
			ret = setup->responder_files[i][k] = sp_listen_answers(k, err);
		for (unsigned k = SP_IPC_ANSWER_FILES; k < files && ret >= 0; k++)
			ret = make_socket(setup, maps, i, k, err);
	}
	return ret < 0 ? ret : 0;
}

/* Over TCP, or at a socket in the file system. */
static int make_metrics(struct sp_setup *setup, const struct sp_instance *instance,
                        const struct sp_config *config, struct sp_error *err)
{
	const struct sp_metrics_listen *listen = &config->metrics_listen;
	int fd;

	if (!listen->on)
		return 0;
	if (listen->path[0])
		snprintf(setup->metrics_socket, sizeof(setup->metrics_socket), "%s", listen->path);
	else if (!listen->endpoint.port)
		snprintf(setup->metrics_socket, sizeof(setup->metrics_socket), "%s/metrics.sock",
		         instance->run);
	fd = setup->metrics_socket[0]
	             ? sp_listen_path(setup->metrics_socket, err)
	             : sp_listen_metrics(&listen->endpoint.address, listen->endpoint.port, err);
	if (fd < 0) {
		/* Of somebody else, perhaps. */
		setup->metrics_socket[0] = '\0';
		return fd;
	}
	setup->metrics_file = fd;
	return 0;
}

static int make_all(struct sp_setup *setup, const struct sp_maps *maps,
                    const struct sp_config *config, struct sp_error *err)
{
	int ret = sp_paths_find(&setup->paths, err);

	/* Before the children meet what is wrong and cannot start. */
	if (!ret)
		ret = sp_pages_check(setup->paths.data, config, err);
	if (!ret)
		ret = find_accounts(setup, config, err);
	if (!ret)
		ret = sp_radius_plan_access(&setup->verifier.radius, config, err);
	if (!ret)
		ret = sp_radius_plan_accounting(&setup->accounting.radius, config, err);
	if (!ret)
		ret = sp_radius_plan_authority(&setup->authority, &setup->authority_file, config,
		                               err);
	if (!ret)
		ret = make_root(setup, &maps->instance, err);
	if (!ret)
		ret = sp_key_get(&maps->instance, "link.key", setup->portal.key, err);
	if (!ret)
		ret = sp_tls_make(&setup->portal.tls, config, err);
	if (!ret)
		ret = sp_external_plan(&setup->verifier, &setup->portal, config, err);
	if (!ret)
		ret = make_portal(setup, config, err);
	if (!ret)
		ret = make_metrics(setup, &maps->instance, config, err);
	if (!ret)
		ret = open_pins(setup, &maps->instance, err);
	if (!ret)
		ret = make_responders(setup, maps, err);
	return ret;
}

/* The other verifiers are started like those that judge logins. */
static void share_verifier(struct sp_ipc_verifier_setup *setup, enum sp_ipc_verifier_role role,
                           const struct sp_ipc_verifier_setup *verifier)
{
	setup->header = verifier->header;
	setup->uid = verifier->uid;
	setup->gid = verifier->gid;
	setup->role = role;
	memcpy(setup->root, verifier->root, sizeof(setup->root));
}

int sp_setup_make(struct sp_setup *setup, const struct sp_maps *maps,
                  const struct sp_config *config, struct sp_error *err)
{
	int ret;

	memset(setup, 0, sizeof(*setup));
	memset(setup->responder_files, -1, sizeof(setup->responder_files));
	memset(setup->portal_files, -1, sizeof(setup->portal_files));
	memset(setup->garden_files, -1, sizeof(setup->garden_files));
	setup->authority_file = setup->metrics_file = -1;
	setup->workers = count_workers(config);
	setup->verifiers = count_verifiers(config);
	setup->responder.header.kind = SP_IPC_RESPONDER_SETUP;
	setup->portal.header.kind = SP_IPC_PORTAL_SETUP;
	setup->garden.header.kind = SP_IPC_GARDEN_SETUP;
	setup->verifier.header.kind = SP_IPC_VERIFIER_SETUP;
	setup->metrics.header.kind = SP_IPC_METRICS_SETUP;
	setup->responder.probe_status = config->probe_status;
	setup->responder.refresh = config->refresh;
	ret = make_all(setup, maps, config, err);
	if (ret) {
		sp_setup_close(setup);
		return ret;
	}
	share_verifier(&setup->accounting, SP_IPC_VERIFIER_ACCOUNTING, &setup->verifier);
	share_verifier(&setup->authority, SP_IPC_VERIFIER_AUTHORITY, &setup->verifier);
	memcpy(setup->responder.key, setup->portal.key, sizeof(setup->responder.key));
	memcpy(setup->verifier.key, setup->portal.key, sizeof(setup->verifier.key));
	memcpy(setup->responder.data, setup->paths.data, sizeof(setup->responder.data));
	memcpy(setup->portal.data, setup->paths.data, sizeof(setup->portal.data));
	return 0;
}

void sp_setup_close(struct sp_setup *setup)
{
	explicit_bzero(&setup->verifier, sizeof(setup->verifier));
	explicit_bzero(&setup->accounting, sizeof(setup->accounting));
	explicit_bzero(&setup->authority, sizeof(setup->authority));
	if (setup->authority_file >= 0)
		close(setup->authority_file);
	if (setup->metrics_file >= 0)
		close(setup->metrics_file);
	if (setup->metrics_socket[0])
		unlink(setup->metrics_socket);
	for (unsigned i = 0; i < SP_MAX_WORKERS; i++)
		for (unsigned j = 0; j < SP_IPC_RESPONDER_FILES(SP_ZONES); j++)
			if (setup->responder_files[i][j] >= 0)
				close(setup->responder_files[i][j]);
	for (unsigned i = 0; i < SP_SETUP_PORTAL_FILES; i++)
		if (setup->portal_files[i] >= 0)
			close(setup->portal_files[i]);
	for (unsigned i = 0; i < 2; i++)
		if (setup->garden_files[i] >= 0)
			close(setup->garden_files[i]);
	if (setup->portal.root[0])
		rmdir(setup->portal.root);
}

int sp_setup_forget_answers(const struct sp_setup *setup, struct sp_error *err)
{
	struct ring_buffer *ring = ring_buffer__new(setup->garden_files[0], pass_over, NULL, NULL);

	if (!ring)
		return sp_fail(err, -errno, SP_EXIT_FAILED, "cannot read the map answers: %s",
		               strerror(errno));
	ring_buffer__consume(ring);
	ring_buffer__free(ring);
	return 0;
}
