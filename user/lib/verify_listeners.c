/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets that captured HTTP is handed to. Without the daemon there is none, and captive
 * clients get nothing: no difference, but what `status` says. Zones without sockets of their own
 * share those of zone 0.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>

#include "lib/daemon.h"
#include "lib/verify.h"

/* Whether the socket is there that responder @worker has for @what of that family. */
static void check(struct sp_verify *verify, uint32_t index, uint32_t worker, bool ipv6,
                  const char *what)
{
	char about[32], command[64];
	uint64_t cookie;

	if (!bpf_map_lookup_elem(verify->maps->listeners, &index, &cookie))
		return;
	snprintf(about, sizeof(about), "listener %u", index);
	snprintf(command, sizeof(command), "systemctl restart sallyport@%s",
	         verify->instance->name);
	sp_verify_add(verify, SP_DIFFERENCE_LISTENER, about, command,
	              "responder %u has no socket for %s over IPv%s there", worker, what,
	              ipv6 ? "6" : "4");
}

int sp_verify_listeners(struct sp_verify *verify, struct sp_error *err)
{
	struct sp_settings settings;
	uint32_t zero = 0;
	int code;

	if (!sp_daemon_pid(verify->instance))
		return 0;
	code = bpf_map_lookup_elem(verify->maps->settings, &zero, &settings);
	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED, "%s/settings: cannot be read",
		               verify->instance->pins);
	for (uint32_t worker = 0; worker < settings.workers && worker < SP_MAX_WORKERS; worker++)
		for (uint32_t ipv6 = 0; ipv6 < 2; ipv6++) {
			check(verify, SP_LISTENER(0, worker, ipv6), worker, ipv6, "connections");
			check(verify, SP_LETTERS(0, worker, ipv6), worker, ipv6, "short requests");
		}
	return 0;
}
