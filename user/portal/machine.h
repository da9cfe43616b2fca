/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signing in and out for scripts and devices without a browser, by Basic authentication. */
#ifndef SP_PORTAL_MACHINE_H
#define SP_PORTAL_MACHINE_H

#include "portal/request.h"

/* Route SP_API_LOGIN_PATH: a name and its password, or the code of a voucher as the name, with the
 * code again or nothing as the password. Over TLS alone. */
enum MHD_Result sp_machine_login(struct sp_request *request, const char *method);

/* Route SP_API_LOGOUT_PATH. */
enum MHD_Result sp_machine_logout(struct sp_request *request, const char *method);

#endif
