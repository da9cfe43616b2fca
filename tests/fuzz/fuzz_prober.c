/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as an answer to the doctor's prober: what it says of them is of the form it promises.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "ipc/prober.h"
#include "prober/dns.h"
#include "prober/http.h"
#include "prober/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sp_probe_question question = {.kind = SP_PROBE_A,
	                                                  .name = "example.org"};
	static struct sp_ipc_probed probed;
	uint16_t id = size >= 2 ? (uint16_t)(data[0] << 8 | data[1]) : 0;
	int code = sp_dns_read(&probed.answer[0], &question, id, data, size);

	require(code == 0 || code == -EAGAIN || code == -EBADMSG);
	sp_http_read(&probed.answer[1], (const char *)data, size);
	for (uint32_t kind = SP_PROBE_WIRE_TCP; kind <= SP_PROBE_WIRE_HTTP; kind++) {
		const struct sp_probe_question wire = {
			.kind = kind, .id = id, .port = 68, .name = "example.org"};

		code = sp_wire_read(&probed.answer[kind], &wire, data, size);
		require(code == 0 || code == -EAGAIN || code == -EBADMSG);
	}
	require(sp_ipc_probed_fits(&probed));
	return 0;
}
