/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/voucher_code.h"

#include <errno.h>
#include <nettle/hmac.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define LENGTH (SP_VOUCHER_CODE - 1)
#define HALF   (LENGTH / 2)

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

int sp_voucher_code_make(char code[SP_VOUCHER_CODE])
{
	uint8_t random[LENGTH];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	/* 256 is a multiple of 32: no character is likelier than another. */
	for (size_t i = 0; i < LENGTH; i++)
		code[i] = alphabet[random[i] % 32u];
	code[LENGTH] = '\0';
	return 0;
}

/* The next character of @text, which is moved on: bytes of ASCII as they are, of UTF-8 up to three
 * bytes decoded, 0 at the end, and UINT32_MAX for anything else. */
static uint32_t next_character(const char **text)
{
	const uint8_t *byte = (const uint8_t *)*text;

	if (byte[0] < 0x80) {
		*text += byte[0] != 0;
		return byte[0];
	}
	if ((byte[0] & 0xe0) == 0xc0 && (byte[1] & 0xc0) == 0x80) {
		*text += 2;
		return (byte[0] & 0x1fu) << 6 | (byte[1] & 0x3fu);
	}
	if ((byte[0] & 0xf0) == 0xe0 && (byte[1] & 0xc0) == 0x80 && (byte[2] & 0xc0) == 0x80) {
		*text += 3;
		return (byte[0] & 0x0fu) << 12 | (byte[1] & 0x3fu) << 6 | (byte[2] & 0x3fu);
	}
	return UINT32_MAX;
}

/* What stands between groups on paper, and what a telephone makes of it. */
static bool is_gap(uint32_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == '-' || c == '_' || c == '.' ||
	       c == 0xa0 ||                    /* no-break space */
	       (c >= 0x2000 && c <= 0x200d) || /* spaces, none of them wide; zero-width ones */
	       (c >= 0x2010 && c <= 0x2015) || /* hyphens and dashes */
	       c == 0x2212 ||                  /* minus */
	       c == 0x3000 || c == 0x30fc || /* ideographic space; long vowel of a kana keyboard */
	       c == 0xff0d || c == 0xff0e || c == 0xff3f || c == 0xfeff;
}

/* The character of the alphabet that was meant; '\0': none. */
static char meant(uint32_t c)
{
	if (c >= 0xff01 && c <= 0xff5e) /* full-width forms of ASCII */
		c -= 0xfee0;
	if (c >= 'a' && c <= 'z')
		c -= 'a' - 'A';
	switch (c) {
	case 'O':
		return '0';
	case 'I':
	case 'L':
		return '1';
	case 'U':
		return 'V';
	default:
		return c && c < 0x80 && strchr(alphabet, (int)c) ? (char)c : '\0';
	}
}

int sp_voucher_code_read(const char *text, char code[SP_VOUCHER_CODE])
{
	size_t length = 0;
	uint32_t c;

	while ((c = next_character(&text)) != 0) {
		char letter = meant(c);

		if (!letter && is_gap(c))
			continue;
		if (!letter || length == LENGTH) {
			code[0] = '\0';
			return -EINVAL;
		}
		code[length++] = letter;
	}
	code[length == LENGTH ? LENGTH : 0] = '\0';
	return length == LENGTH ? 0 : -EINVAL;
}

bool sp_voucher_code_is_plain(const char *text)
{
	return strnlen(text, SP_VOUCHER_CODE) == LENGTH && strspn(text, alphabet) == LENGTH;
}

char *sp_voucher_code_show(char out[SP_VOUCHER_SHOWN], const char plain[SP_VOUCHER_CODE])
{
	snprintf(out, SP_VOUCHER_SHOWN, "%.*s-%.*s", HALF, plain, HALF, plain + HALF);
	return out;
}

void sp_voucher_code_digest(uint8_t digest[SP_VOUCHER_DIGEST], const uint8_t key[SP_VOUCHER_KEY],
                            const char plain[SP_VOUCHER_CODE])
{
	struct hmac_sha256_ctx context;

	hmac_sha256_set_key(&context, SP_VOUCHER_KEY, key);
	hmac_sha256_update(&context, LENGTH, (const uint8_t *)plain);
	hmac_sha256_digest(&context, SP_VOUCHER_DIGEST, digest);
}
