/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/outcome.h"

#include <microhttpd.h>

/*
 * Credentials that do not suffice are 403 (RFC 9110 section 15.5.4). 401 would need a challenge,
 * which a browser answers with a dialogue of its own; and with 200 browsers take a wrong password
 * for one worth remembering. Every browser shows the body of a 403, those of phones included.
 */
static const struct sp_outcome outcomes[SP_IPC_RESULTS] = {
	[SP_IPC_REFUSED] = {MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_REFUSED, SP_PAGE_ALL},
	[SP_IPC_FULL] = {MHD_HTTP_SERVICE_UNAVAILABLE, SP_MESSAGE_ERROR_FULL, SP_PAGE_ALL},
	[SP_IPC_FAILED] = {MHD_HTTP_SERVICE_UNAVAILABLE, SP_MESSAGE_ERROR_FAILED, SP_PAGE_ALL},
	[SP_IPC_WRONG] = {MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_PASSWORD, SP_PAGE_PASSWORD},
	[SP_IPC_BUSY] = {MHD_HTTP_TOO_MANY_REQUESTS, SP_MESSAGE_ERROR_BUSY, SP_PAGE_ALL},
	[SP_IPC_SILENT] = {MHD_HTTP_SERVICE_UNAVAILABLE, SP_MESSAGE_ERROR_SILENT, SP_PAGE_ALL},
	[SP_IPC_USED] = {MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_USED, SP_PAGE_ALL},
	[SP_IPC_OVER] = {MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_OVER, SP_PAGE_ALL},
	[SP_IPC_EARLY] = {MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_EARLY, SP_PAGE_ALL},
	[SP_IPC_DISABLED] = {MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_DISABLED, SP_PAGE_ALL},
	[SP_IPC_INSECURE] = {MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_INSECURE, SP_PAGE_ALL},
};

struct sp_outcome sp_outcome_of(uint32_t result, enum sp_method method)
{
	struct sp_outcome outcome = outcomes[SP_IPC_FAILED];

	if (result != SP_IPC_DONE && result < SP_IPC_RESULTS)
		outcome = outcomes[result];
	if (result == SP_IPC_WRONG && method == SP_METHOD_VOUCHER)
		outcome.text = SP_MESSAGE_ERROR_VOUCHER;
	if (result == SP_IPC_WRONG && method == SP_METHOD_EXTERNAL)
		outcome.text = SP_MESSAGE_ERROR_EXTERNAL;
	if (method == SP_METHOD_VOUCHER && (result == SP_IPC_WRONG || result == SP_IPC_USED ||
	                                    result == SP_IPC_OVER || result == SP_IPC_EARLY))
		outcome.about = SP_PAGE_CODE;
	if (method == SP_METHOD_EXTERNAL)
		outcome.about = SP_PAGE_ALL;
	return outcome;
}
