/* SPDX-License-Identifier: GPL-2.0-only */
/* A frame as XDP sees it; parse.h wants to know. */
#ifndef SP_BPF_XDP_FRAME_H
#define SP_BPF_XDP_FRAME_H

#include "parse.h"

static __always_inline void sp_frame_of(struct xdp_md *ctx, __u32 length, struct sp_frame *frame)
{
	frame->context = ctx;
	frame->data = (void *)(long)ctx->data;
	frame->end = (void *)(long)ctx->data_end;
	frame->length = length;
	frame->segments = 1;
}

#endif
