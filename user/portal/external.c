/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/external.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "lib/address.h"
#include "lib/method.h"
#include "portal/visitor.h"
#include "web/handover.h"

/* Our own first page: over TLS if there is that, else at the address of the visitor's family. */
static const char *front(const struct sp_ipc_portal_zone *zone, const struct sp_address *visitor)
{
	if (zone->api.url[0])
		return zone->api.url;
	return sp_address_is_ipv4(visitor) ? zone->url4 : zone->url6;
}

/* Where the visitor comes back to, the token put behind it. */
static int make_back(const struct sp_request *request, const char *url, char *out, size_t room)
{
	char wanted[3 * SP_LINK_WANTED];
	const struct sp_page_link *link = &request->link;
	bool onward =
		link->length && sp_link_encode(wanted, sizeof(wanted), link->wanted, link->length);
	int length = snprintf(out, room, "%sexternal?%s%s%s%s%stoken=", url, onward ? "u=" : "",
	                      onward ? wanted : "", onward ? "&t=" : "", onward ? link->tag : "",
	                      onward ? "&" : "");

	return length < 0 || (size_t)length >= room ? -ENOSPC : 0;
}

int sp_external_link(const struct sp_request *request, char *out, size_t room)
{
	const struct sp_ipc_portal_setup *setup = &request->portal->setup;
	const struct sp_ipc_portal_zone *zone = sp_request_zone(request);
	char back[SP_IPC_URL + 3 * SP_LINK_WANTED + 64];
	struct sp_handover handover = {
		.url = setup->external,
		.back = back,
		.client = request->visitor.client,
		.nonce_key = setup->key,
		.key = setup->handover_key,
		.now = (uint64_t)time(NULL),
	};
	int ret;

	if (!setup->external[0] || !(zone->methods & SP_METHOD_BIT(SP_METHOD_EXTERNAL)))
		return -ENOENT;
	ret = sp_visitor_address(request->connection, &handover.address);
	if (!ret)
		ret = make_back(request, front(zone, &handover.address), back, sizeof(back));
	return ret ? ret : sp_handover_link(out, room, &handover);
}
