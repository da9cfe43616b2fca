/* SPDX-License-Identifier: GPL-2.0-only */
/* A frame as XDP sees it. */
#ifndef SP_BPF_XDP_FRAME_H
#define SP_BPF_XDP_FRAME_H

#include "parse.h"
#include "plain.h"

static __always_inline void sp_frame_of(struct xdp_md *ctx, __u32 length, struct sp_frame *frame)
{
	frame->context = ctx;
	frame->data = (void *)(long)ctx->data;
	frame->end = (void *)(long)ctx->data_end;
	frame->length = length;
	frame->segments = 1;
}

static __always_inline bool sp_plain_read(const struct xdp_md *ctx, struct sp_view *view)
{
	return sp_plain_parse((void *)(long)ctx->data, (void *)(long)ctx->data_end, view);
}

#endif
