/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quantities as people read them, in the words of their language. */
#ifndef SP_PORTAL_QUANTITY_H
#define SP_PORTAL_QUANTITY_H

#include <stdint.h>
#include <stdio.h>

#include "web/catalogue.h"

/* "7 h 59 min", "2 d 3 h", "45 s". */
void sp_quantity_put_duration(FILE *out, const struct sp_language *language, uint64_t seconds);

/* "812 B", "1.5 MB". */
void sp_quantity_put_size(FILE *out, const struct sp_language *language, uint64_t bytes);

#endif
