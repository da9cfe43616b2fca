/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session that is bound to one IPv4 address.
 */
#ifndef SP_BPF_BINDING_H
#define SP_BPF_BINDING_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "parse.h"

/* Whether the packet comes from the address that its session is bound to. */
static __always_inline bool sp_binding_holds(const struct sp_view *view,
                                             const struct sp_client_policy *policy,
                                             const struct sp_usage *cell)
{
	(void)cell;
	if (view->family != 4 || !policy->ipv4)
		return true;
	return view->from.word[3] == policy->ipv4;
}

#endif
