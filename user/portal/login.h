/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signing in and out: the first page, the forms on it, and what becomes of them. Each is the
 * handler of a route, called with the whole request and again with the keeper's answer.
 */
#ifndef SP_PORTAL_LOGIN_H
#define SP_PORTAL_LOGIN_H

#include "portal/request.h"

enum MHD_Result sp_login_front(struct sp_request *request);
enum MHD_Result sp_login_click(struct sp_request *request);
enum MHD_Result sp_login_voucher(struct sp_request *request);
enum MHD_Result sp_login_password(struct sp_request *request);
enum MHD_Result sp_login_external(struct sp_request *request); /* there, and back */
enum MHD_Result sp_login_out(struct sp_request *request);

#endif
