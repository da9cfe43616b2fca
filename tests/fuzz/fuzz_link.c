/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a wanted URL: what is accepted is harmless, and encoding can be undone. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/ipc.h"
#include "web/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

static void check_encoding(const char *url, size_t size)
{
	size_t room = 3 * size + 1, length, used = 0;
	char *out = malloc(room);

	demand(out != NULL);
	length = sp_link_encode(out, room, url, size);
	demand(length == strlen(out));
	for (size_t i = 0; i < length; i++, used++) {
		char hex[3] = {0};

		demand(used < size);
		demand(!strchr("\"'<>&=#+ \\", out[i]));
		if (out[i] != '%') {
			demand(out[i] == url[used]);
			continue;
		}
		memcpy(hex, out + i + 1, 2);
		demand((char)strtoul(hex, NULL, 16) == url[used]);
		i += 2;
	}
	demand(used == size);
	if (size > 0)
		demand(sp_link_encode(out, length, url, size) == 0);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[SP_IPC_KEY];
	char *url = calloc(1, size ? size : 1), tag[SP_LINK_TAG];

	demand(url != NULL);
	memcpy(url, data, size);
	if (sp_link_acceptable(url, size)) {
		const char *slash = memchr(url + 7, '/', size - 7);

		demand(size < SP_LINK_WANTED && memcmp(url, "http://", 7) == 0);
		demand(!memchr(url + 7, '@', slash ? (size_t)(slash - url - 7) : size - 7));
		for (size_t i = 0; i < size; i++)
			demand(url[i] > 0x20 && url[i] < 0x7f && !strchr("\"<>\\^`{|}#", url[i]));
	}
	check_encoding(url, size);
	sp_link_tag(tag, key, url, size);
	demand(sp_link_verify(tag, key, url, size));
	free(url);
	return 0;
}
