/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RADIUS packets (RFC 2865, 2866, 2869, 5176): building, signing, checking. No sockets, no clock.
 *
 * Why not radcli: the version of Debian 12 (1.2.11) neither sends nor checks a
 * Message-Authenticator in logins, so that an answer can be forged as CVE-2024-3596 tells; it does
 * not even refuse one whose Response Authenticator is wrong (lib/sendserver.c drops the result of
 * rc_check_reply); it takes an answer from any address; and it has nothing for the server's side of
 * RFC 5176. What is left of it, attributes in a row, is less than the glue would be.
 */
#ifndef SP_RADIUS_PACKET_H
#define SP_RADIUS_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "radius/dictionary.h"

#define SP_RADIUS_MOST          4096u /* bytes of a packet (RFC 2865, 3) */
#define SP_RADIUS_HEAD          20u
#define SP_RADIUS_AUTHENTICATOR 16u
#define SP_RADIUS_VALUE         253u /* bytes of an attribute's value */
#define SP_RADIUS_PASSWORD      128u /* bytes of a password by PAP (RFC 2865, 5.2) */

struct sp_radius_packet {
	unsigned length; /* of what is in data; while building, of what is there so far */
	bool overflow;   /* while building: something did not fit */
	uint8_t data[SP_RADIUS_MOST];
};

/* --- building --- */

/*
 * Begin a packet. @authenticator: of an Access-Request its random one; of an answer that of the
 * request; of others NULL (it comes with _seal). Packets that get a Message-Authenticator begin
 * with it, so that nothing can be put in front (CVE-2024-3596): all but those of accounting.
 */
void sp_radius_begin(struct sp_radius_packet *packet, uint8_t code, uint8_t id,
                     const uint8_t authenticator[SP_RADIUS_AUTHENTICATOR]);

/* Append an attribute. Too long or no room: packet->overflow. Empty values are left out. */
void sp_radius_put(struct sp_radius_packet *packet, uint8_t type, const void *value, size_t length);
void sp_radius_put_text(struct sp_radius_packet *packet, uint8_t type, const char *text);
void sp_radius_put_number(struct sp_radius_packet *packet, uint8_t type, uint32_t number);

/* As @type4 or @type6, according to its family. */
void sp_radius_put_address(struct sp_radius_packet *packet, uint8_t type4, uint8_t type6,
                           const struct sp_address *address);

/* "AA-BB-CC-DD-EE-FF" (RFC 3580, 3.21). */
void sp_radius_put_mac(struct sp_radius_packet *packet, uint8_t type, const uint8_t mac[6]);

/* User-Password, hidden with @secret and the request's authenticator. One that is longer than
 * SP_RADIUS_PASSWORD makes an overflow. */
void sp_radius_put_password(struct sp_radius_packet *packet, const char *secret,
                            const char *password);

/* CHAP-Password and CHAP-Challenge (RFC 2865, 5.3 and 5.40). */
void sp_radius_put_chap(struct sp_radius_packet *packet, uint8_t id, const uint8_t challenge[16],
                        const char *password);

/* Complete it: length, Message-Authenticator, authenticator. 0, or -EMSGSIZE after an overflow. */
int sp_radius_seal(struct sp_radius_packet *packet, const char *secret);

/* --- reading --- */

/* Take over a packet as it was received. False: its lengths are not those of a RADIUS packet. */
bool sp_radius_receive(struct sp_radius_packet *packet, const void *data, size_t length);

uint8_t sp_radius_code(const struct sp_radius_packet *packet);
uint8_t sp_radius_id(const struct sp_radius_packet *packet);

/* NULL if @reply is an answer to @request by who knows @secret, else what is wrong with it, for the
 * log. The answer to an Access-Request must have a Message-Authenticator. */
const char *sp_radius_check_reply(const struct sp_radius_packet *reply,
                                  const struct sp_radius_packet *request, const char *secret);

/* The same of a request that came from outside (Disconnect, CoA), which must have a
 * Message-Authenticator too. */
const char *sp_radius_check_request(const struct sp_radius_packet *request, const char *secret);

struct sp_radius_attribute {
	uint32_t vendor; /* 0: none */
	uint8_t type;
	uint8_t length;
	const uint8_t *value; /* within the packet */
};

/* Where a walk over the attributes is. Begins as {0}. */
struct sp_radius_cursor {
	unsigned at;         /* of the next attribute; 0: the first */
	unsigned vendor_end; /* while within a Vendor-Specific one: its end */
	uint32_t vendor;
};

/* The next attribute, those within Vendor-Specific ones one by one. False: there are no more. What
 * a vendor wrote in a form of its own is skipped. */
bool sp_radius_next(const struct sp_radius_packet *packet, struct sp_radius_cursor *cursor,
                    struct sp_radius_attribute *attribute);

/* The number of a four-byte attribute; false if it has another length. */
bool sp_radius_number(const struct sp_radius_attribute *attribute, uint32_t *number);

#endif
