/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading and writing what operators type: MAC addresses, VLAN ids, durations, sizes, rates.
 * Readers take the whole string or fail: no leading or trailing blanks, no sign, no overflow.
 * All readers return 0, or -EINVAL (form) / -ERANGE (too large or too small) and leave the result
 * alone. The caller words the error, since it knows which argument or line it was.
 */
#ifndef SP_LIB_TEXT_H
#define SP_LIB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_TEXT_DURATION_MOST (36525ull * 86400) /* seconds: 100 years */
#define SP_TEXT_RATE_MOST     400000000000ull    /* bit/s */

/* aa:bb:cc:dd:ee:ff, AA-BB-CC-DD-EE-FF or aabb.ccdd.eeff, either case, one separator throughout. */
int sp_text_mac(const char *text, uint8_t mac[6]);

/* A decimal VLAN id, 0 (untagged) to 4094. */
int sp_text_vlan(const char *text, uint16_t *vlan);

/* 90s, 30m, 8h, 7d: seconds, at least 1, at most 100 years; the unit is required. */
int sp_text_duration(const char *text, uint64_t *seconds);

/* 1500, 64K, 500M, 2G, 1T: bytes, decimal multiples (1K = 1000), either case, at least 1. */
int sp_text_size(const char *text, uint64_t *bytes);

/* 64K, 5M, 1G: bit/s, decimal multiples, either case, from 8K (a slower one is unusable) to 400G.
 */
int sp_text_rate(const char *text, uint64_t *bits_per_second);

/* The value of a hexadecimal digit of either case, -1 for anything else. */
int sp_text_hex_digit(char c);

/* @size bytes, two such digits each, from the beginning of @text. -EINVAL: there are not so many.
 */
int sp_text_hex(const char *text, uint8_t *bytes, size_t size);

/* A decimal number from @least to @most. */
int sp_text_number(const char *text, uint64_t least, uint64_t most, uint64_t *number);

/* Whether @text is UTF-8 (RFC 3629) without control characters, so that it can be shown as it is.
 */
bool sp_text_printable(const char *text, size_t length);

/* Whether @text is the name of a host: at most 253 letters, digits, inner hyphens and dots between
 * labels (RFC 1123 section 2.1), and no IPv4 address. */
bool sp_text_is_host_name(const char *text);

/* Letters to add, drop, change or swap with their neighbour to make one word of the other (optimal
 * string alignment): how wrong a typed name is. UINT_MAX for words longer than SP_TEXT_WORD. */
#define SP_TEXT_WORD 32
unsigned sp_text_distance(const char *one, const char *other);

#define SP_TEXT_MAC      18 /* buffer for sp_text_put_mac */
#define SP_TEXT_QUANTITY 32 /* buffer for the writers below */

/* aa:bb:cc:dd:ee:ff. Returns @out. */
char *sp_text_put_mac(char out[SP_TEXT_MAC], const uint8_t mac[6]);

/* The largest unit and the one below it, cut off there: "7h59m", "45s", "2d3h", "8h"; 0 is "0s".
 * Returns @out. */
char *sp_text_put_duration(char out[SP_TEXT_QUANTITY], uint64_t seconds);

/* "812 B", "1.5 MB", "2.0 GB" (decimal). Returns @out. */
char *sp_text_put_size(char out[SP_TEXT_QUANTITY], uint64_t bytes);

/* "256 kbit/s", "20 Mbit/s" (decimal). Returns @out. */
char *sp_text_put_rate(char out[SP_TEXT_QUANTITY], uint64_t bits_per_second);

#endif
