/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/html.h"

#include <stddef.h>

const char *sp_html_entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}
