/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limit of loading and listing clients: one call that writes them into a map like `clients`,
 * and one that reads them, in seconds.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>

#include <sallyport/abi.h>

#include "lib/monotonic.h"
#include "lib/text.h"

#define ROOM 1048576u /* entries of the map: the buckets are as many as of a gate of a million */

struct clients {
	struct sp_client_key *keys;
	struct sp_client_policy *policies;
	uint32_t count;
};

static void make(struct clients *clients)
{
	for (uint32_t i = 0; i < clients->count; i++) {
		uint8_t *mac = clients->keys[i].mac;

		mac[0] = 2;
		for (int byte = 0; byte < 4; byte++)
			mac[2 + byte] = (uint8_t)(i >> (24 - 8 * byte));
		clients->policies[i] = (struct sp_client_policy){
			.state = SP_CLIENT_AUTHORIZED,
			.slot = i,
			.generation = i + 1,
		};
	}
}

static int run(int map, struct clients *clients)
{
	uint64_t began = sp_monotonic_ms(), written;
	uint32_t count = clients->count, next;
	int code = bpf_map_update_batch(map, clients->keys, clients->policies, &count, NULL);

	if (code)
		return code;
	written = sp_monotonic_ms();
	count = clients->count;
	code = bpf_map_lookup_batch(map, NULL, &next, clients->keys, clients->policies, &count,
	                            NULL);
	if (code && code != -ENOENT)
		return code;
	printf("{\"write\": %.3f, \"read\": %.3f}\n", (double)(written - began) / 1000,
	       (double)(sp_monotonic_ms() - written) / 1000);
	return count == clients->count ? 0 : -EIO;
}

int main(int argc, char **argv)
{
	struct clients clients = {.count = 0};
	uint64_t count;
	int map, code;

	if (argc != 2 || sp_text_number(argv[1], 1, ROOM, &count)) {
		fputs("usage: batch COUNT\n\n"
		      "Seconds for COUNT clients to be written into a map, and read, by one "
		      "call.\n",
		      stderr);
		return 2;
	}
	clients.count = (uint32_t)count;
	clients.keys = calloc(clients.count, sizeof(*clients.keys));
	clients.policies = calloc(clients.count, sizeof(*clients.policies));
	map = bpf_map_create(BPF_MAP_TYPE_HASH, "clients", sizeof(*clients.keys),
	                     sizeof(*clients.policies), ROOM, NULL);
	code = map < 0 ? map : clients.keys && clients.policies ? 0 : -ENOMEM;
	if (!code) {
		make(&clients);
		code = run(map, &clients);
	}
	free(clients.keys);
	free(clients.policies);
	if (code)
		fprintf(stderr, "batch: %s\n", strerror(-code));
	return code ? EXIT_FAILURE : EXIT_SUCCESS;
}
