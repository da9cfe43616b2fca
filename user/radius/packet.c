/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "radius/packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <nettle/hmac.h>
#include <nettle/md5.h>
#include <nettle/memops.h>
#include <stdio.h>
#include <string.h>

#include "lib/address.h"

#define AUTHENTICATOR_AT 4u
#define BLOCK            16u /* of hidden passwords; an MD5 digest */

static const uint8_t nothing[SP_RADIUS_AUTHENTICATOR];

static void put_word(uint8_t *at, uint32_t number)
{
	const uint32_t word = htonl(number);

	memcpy(at, &word, sizeof(word));
}

static uint32_t get_word(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return ntohl(word);
}

/* --- building --- */

static bool is_accounting(uint8_t code)
{
	return code == SP_RADIUS_ACCOUNTING_REQUEST || code == SP_RADIUS_ACCOUNTING_RESPONSE;
}

void sp_radius_begin(struct sp_radius_packet *packet, uint8_t code, uint8_t id,
                     const uint8_t authenticator[SP_RADIUS_AUTHENTICATOR])
{
	packet->length = SP_RADIUS_HEAD;
	packet->overflow = false;
	packet->data[0] = code;
	packet->data[1] = id;
	memcpy(packet->data + AUTHENTICATOR_AT, authenticator ? authenticator : nothing,
	       SP_RADIUS_AUTHENTICATOR);
	if (!is_accounting(code))
		sp_radius_put(packet, SP_RADIUS_MESSAGE_AUTHENTICATOR, nothing, sizeof(nothing));
}

void sp_radius_put(struct sp_radius_packet *packet, uint8_t type, const void *value, size_t length)
{
	uint8_t *at = packet->data + packet->length;

	if (!length)
		return;
	if (length > SP_RADIUS_VALUE || packet->length + 2 + length > SP_RADIUS_MOST) {
		packet->overflow = true;
		return;
	}
	at[0] = type;
	at[1] = (uint8_t)(2 + length);
	memcpy(at + 2, value, length);
	packet->length += 2 + (unsigned)length;
}

void sp_radius_put_text(struct sp_radius_packet *packet, uint8_t type, const char *text)
{
	sp_radius_put(packet, type, text, strlen(text));
}

void sp_radius_put_number(struct sp_radius_packet *packet, uint8_t type, uint32_t number)
{
	uint8_t value[4];

	put_word(value, number);
	sp_radius_put(packet, type, value, sizeof(value));
}

void sp_radius_put_address(struct sp_radius_packet *packet, uint8_t type4, uint8_t type6,
                           const struct sp_address *address)
{
	if (sp_address_is_ipv4(address))
		sp_radius_put(packet, type4, &address->word[3], sizeof(address->word[3]));
	else
		sp_radius_put(packet, type6, address->word, sizeof(address->word));
}

void sp_radius_put_mac(struct sp_radius_packet *packet, uint8_t type, const uint8_t mac[6])
{
	char text[18];

	snprintf(text, sizeof(text), "%02X-%02X-%02X-%02X-%02X-%02X", mac[0], mac[1], mac[2],
	         mac[3], mac[4], mac[5]);
	sp_radius_put_text(packet, type, text);
}

void sp_radius_put_password(struct sp_radius_packet *packet, const char *secret,
                            const char *password)
{
	const uint8_t *before = packet->data + AUTHENTICATOR_AT;
	uint8_t hidden[SP_RADIUS_PASSWORD] = {0};
	size_t length = strlen(password);
	size_t padded = length ? (length + BLOCK - 1) / BLOCK * BLOCK : BLOCK;

	if (length > sizeof(hidden)) {
		packet->overflow = true;
		return;
	}
	for (size_t at = 0; at < padded; at += BLOCK) {
		struct md5_ctx md5;
		uint8_t pad[BLOCK];

		md5_init(&md5);
		md5_update(&md5, strlen(secret), (const uint8_t *)secret);
		md5_update(&md5, BLOCK, before);
		md5_digest(&md5, sizeof(pad), pad);
		for (size_t i = 0; i < BLOCK; i++)
			hidden[at + i] = pad[i] ^ (uint8_t)(at + i < length ? password[at + i] : 0);
		before = hidden + at;
	}
	sp_radius_put(packet, SP_RADIUS_USER_PASSWORD, hidden, padded);
}

void sp_radius_put_chap(struct sp_radius_packet *packet, uint8_t id, const uint8_t challenge[16],
                        const char *password)
{
	uint8_t response[1 + BLOCK] = {id};
	struct md5_ctx md5;

	md5_init(&md5);
	md5_update(&md5, 1, &id);
	md5_update(&md5, strlen(password), (const uint8_t *)password);
	md5_update(&md5, 16, challenge);
	md5_digest(&md5, BLOCK, response + 1);
	sp_radius_put(packet, SP_RADIUS_CHAP_PASSWORD, response, sizeof(response));
	sp_radius_put(packet, SP_RADIUS_CHAP_CHALLENGE, challenge, 16);
}

/* --- signatures --- */

/* Of requests but Access-Request the authenticator is a signature too, made after this one with
 * zeros in its place (RFC 2869, 5.14; RFC 5176, 3.5). */
static bool signs_itself(uint8_t code)
{
	return code == SP_RADIUS_ACCOUNTING_REQUEST || code == SP_RADIUS_DISCONNECT_REQUEST ||
	       code == SP_RADIUS_COA_REQUEST;
}

/* The Message-Authenticator of @packet: HMAC-MD5 over it with @authenticator in its head and zeros
 * at @value_at. */
static void make_message_authenticator(const struct sp_radius_packet *packet, unsigned value_at,
                                       const uint8_t *authenticator, const char *secret,
                                       uint8_t digest[BLOCK])
{
	const unsigned after = value_at + BLOCK;
	struct hmac_md5_ctx hmac;

	hmac_md5_set_key(&hmac, strlen(secret), (const uint8_t *)secret);
	hmac_md5_update(&hmac, AUTHENTICATOR_AT, packet->data);
	hmac_md5_update(&hmac, SP_RADIUS_AUTHENTICATOR, authenticator);
	hmac_md5_update(&hmac, value_at - SP_RADIUS_HEAD, packet->data + SP_RADIUS_HEAD);
	hmac_md5_update(&hmac, BLOCK, nothing);
	hmac_md5_update(&hmac, packet->length - after, packet->data + after);
	hmac_md5_digest(&hmac, BLOCK, digest);
}

/* MD5(code, id, length, @authenticator, attributes, secret): of an answer and of requests that sign
 * themselves. */
static void make_authenticator(const struct sp_radius_packet *packet, const uint8_t *authenticator,
                               const char *secret, uint8_t digest[BLOCK])
{
	struct md5_ctx md5;

	md5_init(&md5);
	md5_update(&md5, AUTHENTICATOR_AT, packet->data);
	md5_update(&md5, SP_RADIUS_AUTHENTICATOR, authenticator);
	md5_update(&md5, packet->length - SP_RADIUS_HEAD, packet->data + SP_RADIUS_HEAD);
	md5_update(&md5, strlen(secret), (const uint8_t *)secret);
	md5_digest(&md5, BLOCK, digest);
}

int sp_radius_seal(struct sp_radius_packet *packet, const char *secret)
{
	const uint8_t code = packet->data[0];
	uint8_t *authenticator = packet->data + AUTHENTICATOR_AT;
	uint8_t digest[BLOCK];

	if (packet->overflow)
		return -EMSGSIZE;
	packet->data[2] = (uint8_t)(packet->length >> 8);
	packet->data[3] = (uint8_t)packet->length;
	if (!is_accounting(code)) {
		make_message_authenticator(packet, SP_RADIUS_HEAD + 2, authenticator, secret,
		                           digest);
		memcpy(packet->data + SP_RADIUS_HEAD + 2, digest, BLOCK);
	}
	if (code != SP_RADIUS_ACCESS_REQUEST) {
		make_authenticator(packet, authenticator, secret, digest);
		memcpy(authenticator, digest, BLOCK);
	}
	return 0;
}

/* --- reading --- */

bool sp_radius_receive(struct sp_radius_packet *packet, const void *data, size_t length)
{
	const uint8_t *bytes = data;
	unsigned said, at = SP_RADIUS_HEAD;

	if (length < SP_RADIUS_HEAD)
		return false;
	said = (unsigned)bytes[2] << 8 | bytes[3];
	/* What is behind the length is padding (RFC 2865, 3). */
	if (said < SP_RADIUS_HEAD || said > SP_RADIUS_MOST || said > length)
		return false;
	while (at < said) {
		if (said - at < 2 || bytes[at + 1] < 2 || bytes[at + 1] > said - at)
			return false;
		at += bytes[at + 1];
	}
	packet->length = said;
	packet->overflow = false;
	memcpy(packet->data, bytes, said);
	return true;
}

uint8_t sp_radius_code(const struct sp_radius_packet *packet)
{
	return packet->data[0];
}

uint8_t sp_radius_id(const struct sp_radius_packet *packet)
{
	return packet->data[1];
}

/* Where the value of the one Message-Authenticator is. 0: there is none, or not one of the right
 * form. */
static unsigned find_message_authenticator(const struct sp_radius_packet *packet, unsigned *count)
{
	unsigned found = 0;

	*count = 0;
	for (unsigned at = SP_RADIUS_HEAD; at < packet->length; at += packet->data[at + 1]) {
		if (packet->data[at] != SP_RADIUS_MESSAGE_AUTHENTICATOR)
			continue;
		(*count)++;
		found = packet->data[at + 1] == 2 + BLOCK ? at + 2 : 0;
	}
	return *count == 1 ? found : 0;
}

static const char *check_message_authenticator(const struct sp_radius_packet *packet,
                                               const uint8_t *authenticator, const char *secret,
                                               bool required)
{
	unsigned count;
	unsigned at = find_message_authenticator(packet, &count);
	uint8_t digest[BLOCK];

	if (!count)
		return required ? "it has no Message-Authenticator (see sallyport.conf(5))" : NULL;
	if (!at)
		return "its Message-Authenticator is malformed";
	make_message_authenticator(packet, at, authenticator, secret, digest);
	return memeql_sec(digest, packet->data + at, BLOCK)
	               ? NULL
	               : "its Message-Authenticator is wrong: is the secret the same?";
}

const char *sp_radius_check_reply(const struct sp_radius_packet *reply,
                                  const struct sp_radius_packet *request, const char *secret)
{
	const uint8_t *asked = request->data + AUTHENTICATOR_AT;
	const bool accounting = is_accounting(request->data[0]);
	uint8_t digest[BLOCK];

	if (reply->data[1] != request->data[1])
		return "it answers another request";
	make_authenticator(reply, asked, secret, digest);
	if (!memeql_sec(digest, reply->data + AUTHENTICATOR_AT, BLOCK))
		return "its authenticator is wrong: is the secret the same?";
	if (accounting ? reply->data[0] != SP_RADIUS_ACCOUNTING_RESPONSE
	               : reply->data[0] != SP_RADIUS_ACCESS_ACCEPT &&
	                         reply->data[0] != SP_RADIUS_ACCESS_REJECT &&
	                         reply->data[0] != SP_RADIUS_ACCESS_CHALLENGE)
		return "it is no answer to such a request";
	return check_message_authenticator(reply, asked, secret, !accounting);
}

const char *sp_radius_check_request(const struct sp_radius_packet *request, const char *secret)
{
	uint8_t digest[BLOCK];

	if (!signs_itself(request->data[0]))
		return "it is of a kind that is not served here";
	make_authenticator(request, nothing, secret, digest);
	if (!memeql_sec(digest, request->data + AUTHENTICATOR_AT, BLOCK))
		return "its authenticator is wrong: is the secret the same?";
	return check_message_authenticator(request, nothing, secret, true);
}

/* Whether the bytes from @at to @end are attributes in a row. */
static bool is_row(const uint8_t *data, unsigned at, unsigned end)
{
	while (at < end) {
		if (end - at < 2 || data[at + 1] < 2 || data[at + 1] > end - at)
			return false;
		at += data[at + 1];
	}
	return true;
}

bool sp_radius_next(const struct sp_radius_packet *packet, struct sp_radius_cursor *cursor,
                    struct sp_radius_attribute *attribute)
{
	const uint8_t *data = packet->data;

	if (!cursor->at)
		cursor->at = SP_RADIUS_HEAD;
	for (;;) {
		const unsigned at = cursor->at;

		if (at >= cursor->vendor_end)
			cursor->vendor = 0;
		if (at >= packet->length)
			return false;
		cursor->at += data[at + 1];
		*attribute = (struct sp_radius_attribute){
			cursor->vendor, data[at], (uint8_t)(data[at + 1] - 2), data + at + 2};
		if (cursor->vendor || data[at] != SP_RADIUS_VENDOR_SPECIFIC)
			return true;
		if (attribute->length > 4 && get_word(attribute->value) &&
		    is_row(data, at + 6, cursor->at)) {
			cursor->vendor = get_word(attribute->value);
			cursor->vendor_end = cursor->at;
			cursor->at = at + 6;
		}
	}
}

bool sp_radius_number(const struct sp_radius_attribute *attribute, uint32_t *number)
{
	if (attribute->length != 4)
		return false;
	*number = get_word(attribute->value);
	return true;
}
