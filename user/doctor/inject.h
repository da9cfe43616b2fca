/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Having the gateway receive frames that nobody has sent, and hear what it answers. */
#ifndef SP_DOCTOR_INJECT_H
#define SP_DOCTOR_INJECT_H

#include <stdint.h>

#include "doctor/frame.h"

/*
 * Have interface @ifindex receive @frame, by way of the XDP program @program (-1: of one that lets
 * everything on): it goes where a client's would. 0 or negative errno.
 */
int sp_inject(int program, uint32_t ifindex, const struct sp_frame *frame);

/* A packet socket that has what leaves by interface @ifindex for @mac. Or a negative errno. */
int sp_overhear(uint32_t ifindex, const uint8_t mac[6]);

#endif
