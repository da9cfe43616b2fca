/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Authorize many clients at once, through the session module like `sallyport import`, but without
 * the ledger.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/session_bulk.h"
#include "lib/text.h"

/* The last four bytes of a MAC are the client's number, as in traffic.bpf.c. */
static void next(uint8_t mac[6])
{
	for (int i = 5; i >= 2 && ++mac[i] == 0; i--)
		;
}

static struct sp_bulk_client *make_clients(const uint8_t first[6], uint32_t count)
{
	struct sp_bulk_client *clients = calloc(count, sizeof(*clients));
	uint8_t mac[6];

	memcpy(mac, first, sizeof(mac));
	for (uint32_t i = 0; clients && i < count; i++) {
		clients[i] = (struct sp_bulk_client){
			.state = SP_CLIENT_AUTHORIZED,
			.method = SP_METHOD_OPERATOR,
			.limits.seconds = 86400,
			.name = "",
			.note = "",
		};
		memcpy(clients[i].key.mac, mac, sizeof(mac));
		next(mac);
	}
	return clients;
}

static int fill(const char *name, struct sp_bulk *bulk, struct sp_error *err)
{
	struct sp_instance instance;
	struct sp_maps maps;
	int result = sp_instance_init(&instance, name, err);

	if (!result)
		result = sp_maps_open(&maps, &instance, err);
	if (result)
		return result;
	sp_bulk_sort(bulk);
	result = sp_session_import(&maps, bulk, err);
	sp_maps_close(&maps);
	return result;
}

int main(int argc, char **argv)
{
	struct sp_bulk bulk = {.replace = true};
	struct sp_error err = {0};
	uint64_t count;
	int result;
	uint8_t mac[6];

	if (argc != 4 || sp_text_mac(argv[2], mac) ||
	    sp_text_number(argv[3], 1, UINT32_MAX, &count)) {
		fputs("usage: fill INSTANCE MAC COUNT\n\n"
		      "Authorize COUNT clients for a day: MAC, MAC + 1, ...\n",
		      stderr);
		return 2;
	}
	bulk.count = (uint32_t)count;
	bulk.clients = make_clients(mac, bulk.count);
	if (!bulk.clients) {
		fputs("fill: out of memory\n", stderr);
		return EXIT_FAILURE;
	}
	result = fill(argv[1], &bulk, &err);
	free(bulk.clients);
	if (result) {
		fprintf(stderr, "fill: %s\n", err.text);
		return (int)err.exit_code;
	}
	return EXIT_SUCCESS;
}
