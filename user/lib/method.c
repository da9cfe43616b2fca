/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/method.h"

#include <stddef.h>

const char *sp_method_name(unsigned method)
{
	static const char *const names[SP_METHODS] = {
		[SP_METHOD_CLICK] = "click",       [SP_METHOD_VOUCHER] = "voucher",
		[SP_METHOD_USER] = "user",         [SP_METHOD_RADIUS] = "radius",
		[SP_METHOD_EXTERNAL] = "external", [SP_METHOD_OPERATOR] = "operator",
	};

	return method < SP_METHODS && names[method] ? names[method] : "unknown";
}
