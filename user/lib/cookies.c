/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/cookies.h"

#include <bpf/btf.h>
#include <stdio.h>

/* 0: never; 1: when too many are waiting; 2: always (ip-sysctl). */
static bool is_on(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/tcp_syncookies", "re");
	int first;

	if (!file)
		return false;
	first = fgetc(file);
	fclose(file);
	return first != EOF && first != '0';
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
