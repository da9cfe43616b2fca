/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The route fast path: what the stack would do with a packet that it only forwards, by the kernel's
 * own FIB and without the stack.
 */
#ifndef SP_BPF_FORWARD_H
#define SP_BPF_FORWARD_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "parse.h"

#endif
