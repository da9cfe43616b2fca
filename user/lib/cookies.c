/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/cookies.h"

#include <bpf/btf.h>
#include <stdio.h>

static bool is_on(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/tcp_syncookies", "re");
	int value = 0;

	if (!file)
		return false;
	if (fscanf(file, "%d", &value) != 1)
		value = 0;
	fclose(file);
	return value != 0;
}

bool sp_cookies_possible(void)
{
	struct btf *btf;
	bool known;

	if (!is_on())
		return false;
	btf = btf__load_vmlinux_btf();
	if (!btf)
		return false;
	known = btf__find_by_name_kind(btf, "bpf_sk_assign_tcp_reqsk", BTF_KIND_FUNC) > 0;
	btf__free(btf);
	return known;
}
