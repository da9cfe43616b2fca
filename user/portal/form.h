/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bodies of type application/x-www-form-urlencoded (URL Standard, section 5). */
#ifndef SP_PORTAL_FORM_H
#define SP_PORTAL_FORM_H

#include <stddef.h>

/*
 * Decode the value of the field @name, which must come exactly once, into @out (NUL-terminated).
 * Returns its length; -ENOENT: no such field; -EINVAL: it comes twice, has a NUL or a bad escape;
 * -ENOSPC: it does not fit.
 */
int sp_form_value(const char *body, size_t length, const char *name, char *out, size_t room);

#endif
