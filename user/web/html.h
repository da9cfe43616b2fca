/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_WEB_HTML_H
#define SP_WEB_HTML_H

/* What @c must be written as in HTML text and attribute values; NULL: as it is. */
const char *sp_html_entity(char c);

#endif
