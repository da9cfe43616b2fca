/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values below /proc/sys of this network namespace. */
#ifndef SP_DOCTOR_SYSCTL_H
#define SP_DOCTOR_SYSCTL_H

#include "lib/error.h"

/* The number in /proc/sys/@name; a negative errno (-ENOENT: this kernel has none) if it has none or
 * cannot be read. */
int sp_sysctl_read(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* 0 or negative errno. */
int sp_sysctl_write(const char *name, const char *value, struct sp_error *err);

#endif
