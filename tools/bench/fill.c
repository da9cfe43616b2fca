/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Authorize many clients at once, through the session module like `sallyport client allow`, but
 * without a process for each.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/session.h"
#include "lib/text.h"

/* The last four bytes of a MAC are the client's number, as in traffic.bpf.c. */
static void next(uint8_t mac[6])
{
	for (int i = 5; i >= 2 && ++mac[i] == 0; i--)
		;
}

static int fill(const char *name, const uint8_t first[6], uint64_t count, struct sp_error *err)
{
	const struct sp_limits limits = {.seconds = 86400};
	struct sp_client_key key = {.vlan = 0};
	struct sp_instance instance;
	struct sp_maps maps;
	int result = sp_instance_init(&instance, name, err);

	if (!result)
		result = sp_maps_open(&maps, &instance, err);
	if (result)
		return result;
	for (int i = 0; i < 6; i++)
		key.mac[i] = first[i];
	for (; count && !result; count--) {
		result = sp_session_allow(&maps, &key, &limits, NULL, err);
		next(key.mac);
	}
	sp_maps_close(&maps);
	return result;
}

int main(int argc, char **argv)
{
	struct sp_error err = {0};
	uint64_t count;
	uint8_t mac[6];

	if (argc != 4 || sp_text_mac(argv[2], mac) ||
	    sp_text_number(argv[3], 1, UINT32_MAX, &count)) {
		fputs("usage: fill INSTANCE MAC COUNT\n\n"
		      "Authorize COUNT clients for a day: MAC, MAC + 1, ...\n",
		      stderr);
		return 2;
	}
	if (fill(argv[1], mac, count, &err)) {
		fprintf(stderr, "fill: %s\n", err.text);
		return (int)err.exit_code;
	}
	return EXIT_SUCCESS;
}
