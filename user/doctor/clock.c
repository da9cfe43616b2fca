/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/timex.h>
#include <time.h>

#include "doctor/doctor.h"

/* This file is younger than that: 2026-01-01. */
#define FORMER_TIME 1767225600

void sp_doctor_clock(struct sp_doctor *doctor)
{
	struct timex state = {.modes = 0};
	struct sp_finding *finding;
	time_t now = time(NULL);
	char text[32] = "?";
	struct tm parts;

	if (gmtime_r(&now, &parts))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &parts);
	if (now < FORMER_TIME) {
		finding = sp_report_add(doctor->report, SP_LEVEL_ERROR, "clock", "",
		                        "the clock says %s, which is long past", text);
	} else if (adjtimex(&state) == TIME_ERROR || (state.status & STA_UNSYNC)) {
		finding = sp_report_add(doctor->report, SP_LEVEL_WARNING, "clock", "",
		                        "nobody keeps the clock right; it says %s", text);
	} else {
		sp_report_add(doctor->report, SP_LEVEL_OK, "clock", "", "synchronised, %s", text);
		return;
	}
	sp_finding_why(finding, "vouchers, accounts and certificates are good by the clock, and "
	                        "after a reboot sessions go on until the hour they were given");
	sp_finding_command(finding, "timedatectl set-ntp true");
}
