/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "responder/date.h"

void sp_date_set(struct sp_date *date, time_t now)
{
	struct tm tm;

	if (date->text[0] && date->second == now)
		return;
	date->second = now;
	/* No setlocale() was called: the names are those of the C locale. */
	if (!gmtime_r(&now, &tm) || strftime(date->text, sizeof(date->text),
	                                     "%a, %d %b %Y %H:%M:%S GMT", &tm) != SP_DATE_LENGTH)
		*date = (struct sp_date){.text = "Thu, 01 Jan 1970 00:00:00 GMT"};
}
