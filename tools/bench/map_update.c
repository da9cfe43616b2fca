/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limit for a login: one entry of a map after the other, each by a system call. Neither says
 * who it is for, nor remembers it.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <sallyport/abi.h>

#include "lib/monotonic.h"
#include "lib/text.h"

static int update_all(int map, uint32_t count)
{
	struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED};
	struct sp_client_key key = {.mac = {2}};

	for (uint32_t i = 0; i < count; i++) {
		int ret;

		memcpy(&key.mac[2], &i, sizeof(i));
		policy.slot = i;
		ret = bpf_map_update_elem(map, &key, &policy, BPF_NOEXIST);
		if (ret)
			return ret;
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t count, begun;
	int map, ret;

	if (argc != 2 || sp_text_number(argv[1], 1, 1u << 24, &count)) {
		fputs("usage: map_update COUNT\n\n"
		      "Write COUNT clients into a map of their own, one by one.\n",
		      stderr);
		return 2;
	}
	map = bpf_map_create(BPF_MAP_TYPE_HASH, "bench", sizeof(struct sp_client_key),
	                     sizeof(struct sp_client_policy), (uint32_t)count, NULL);
	begun = sp_monotonic_ns();
	ret = map < 0 ? map : update_all(map, (uint32_t)count);
	if (ret) {
		fprintf(stderr, "map_update: %s\n", strerror(-ret));
		return EXIT_FAILURE;
	}
	printf("{\"logins\": %llu, \"seconds\": %.9f}\n", (unsigned long long)count,
	       (double)(sp_monotonic_ns() - begun) / 1e9);
	close(map);
	return EXIT_SUCCESS;
}
