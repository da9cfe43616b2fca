/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Message catalogues: one UTF-8 file per language, LANGUAGE.conf (`key = text`, read by libinih),
 * so that a language is added by adding a file. They are in DIRECTORY/pages, as shipped, and in
 * folders of the operator's own, whose texts replace those. Loaded once, before privileges are
 * given up; responder and portal share it. English is required and complete; a key missing in
 * another language is taken from English.
 *
 * Texts are plain text in the files; each is kept as it is and escaped for HTML.
 */
#ifndef SP_WEB_CATALOGUE_H
#define SP_WEB_CATALOGUE_H

#include <stddef.h>

#include "lib/error.h"
#include "web/asset.h"

#define SP_MAX_LANGUAGES 32
#define SP_MAX_ALIASES   8
#define SP_LANGUAGE_TAG  16 /* bytes of the longest tag, NUL included */

/* Most that the texts of the responder's page may have, the title counted twice, since it stands
 * there twice: with two login links of 200 bytes the page is below SP_MAX_BODY. */
#define SP_FIRST_PAGE_TEXTS 400

/* Every text: identifier, key in the file. The first block is the responder's 511 and 302 pages. */
#define SP_MESSAGES(X)                                                     \
	X(TITLE, "title")                                                  \
	X(EXPLAIN, "explain")                                              \
	X(LOGIN, "login")                                                  \
	/* the portal's pages */                                           \
	X(LOGO, "logo")                                                    \
	X(WELCOME, "welcome")                                              \
	X(TERMS_TITLE, "terms_title")                                      \
	X(TERMS, "terms")                                                  \
	X(TERMS_PRIVACY, "terms_privacy")                                  \
	X(ACCEPT, "accept")                                                \
	X(TERMS_AGREE, "terms_agree")                                      \
	X(VOUCHER_TITLE, "voucher_title")                                  \
	X(VOUCHER_CODE, "voucher_code")                                    \
	X(VOUCHER_HINT, "voucher_hint")                                    \
	X(VOUCHER_USE, "voucher_use")                                      \
	X(USER_TITLE, "user_title")                                        \
	X(USER_NAME, "user_name")                                          \
	X(PASSWORD, "password")                                            \
	X(SIGN_IN, "sign_in")                                              \
	X(EXTERNAL, "external")                                            \
	X(SECURE, "secure")                                                \
	X(CONNECTED_TITLE, "connected_title")                              \
	X(CONNECTED, "connected")                                          \
	X(CONTINUE, "continue")                                            \
	X(TIME_LEFT, "time_left")                                          \
	X(DATA_LEFT, "data_left")                                          \
	X(SIGN_OUT, "sign_out")                                            \
	X(SIGNED_OUT_TITLE, "signed_out_title")                            \
	X(SIGNED_OUT, "signed_out")                                        \
	X(ENDED_TITLE, "ended_title")                                      \
	X(ENDED_TIME, "ended_time")                                        \
	X(ENDED_IDLE, "ended_idle")                                        \
	X(ENDED_DATA, "ended_data")                                        \
	X(ENDED_OPERATOR, "ended_operator")                                \
	X(ERROR_TITLE, "error_title")                                      \
	X(ERROR_UNKNOWN, "error_unknown")                                  \
	X(ERROR_REFUSED, "error_refused")                                  \
	X(ERROR_FULL, "error_full")                                        \
	X(ERROR_FAILED, "error_failed")                                    \
	X(ERROR_NOT_FOUND, "error_not_found")                              \
	X(ERROR_REQUEST, "error_request")                                  \
	X(ERROR_VOUCHER, "error_voucher")                                  \
	X(ERROR_PASSWORD, "error_password")                                \
	X(ERROR_EXTERNAL, "error_external")                                \
	X(ERROR_BUSY, "error_busy")                                        \
	X(WAIT, "wait")                                                    \
	X(ERROR_SILENT, "error_silent")                                    \
	X(ERROR_USED, "error_used")                                        \
	X(ERROR_OVER, "error_over")                                        \
	X(ERROR_EARLY, "error_early")                                      \
	X(ERROR_DISABLED, "error_disabled")                                \
	X(ERROR_INSECURE, "error_insecure")                                \
	X(ERROR_FORM, "error_form")                                        \
	X(RETRY, "retry")                                                  \
	/* how quantities are written; the first two are lists of words */ \
	X(TIMES, "times")                                                  \
	X(SIZES, "sizes")                                                  \
	X(DECIMAL, "decimal")

#define SP_MESSAGE_ENUM(name, key) SP_MESSAGE_##name,
enum sp_message { SP_MESSAGES(SP_MESSAGE_ENUM) SP_MESSAGE_COUNT };
#undef SP_MESSAGE_ENUM

enum sp_time_word { SP_TIME_DAYS, SP_TIME_HOURS, SP_TIME_MINUTES, SP_TIME_SECONDS, SP_TIME_WORDS };
#define SP_SIZE_WORDS 7 /* from bytes up, each a thousand of the one before */

struct sp_language {
	char tag[SP_LANGUAGE_TAG]; /* "en", "zh-hant": the file's name, lower case (RFC 5646) */
	char alias[SP_MAX_ALIASES]
		  [SP_LANGUAGE_TAG];         /* further tags that it is meant by; "": none */
	const char *direction;               /* "ltr" or "rtl": key `direction` of the file */
	const char *text[SP_MESSAGE_COUNT];  /* HTML-escaped; owned by the catalogue */
	const char *plain[SP_MESSAGE_COUNT]; /* as in the file; owned by the catalogue */
};

struct sp_catalogue {
	struct sp_language language[SP_MAX_LANGUAGES];
	size_t count;
	size_t english; /* index of "en" */
};

/*
 * Load DIRECTORY/pages/LANGUAGE.conf, English first, the others by name, then LANGUAGE.conf of the
 * folders of @own (NULL: none). An unknown or repeated key, text that is not UTF-8 or a missing
 * en.conf is an error that names file and line. 0 or negative errno; nothing stays allocated on
 * failure.
 */
int sp_catalogue_load(struct sp_catalogue *catalogue, const char *directory,
                      const struct sp_own_pages *own, struct sp_error *err);

/* Free what load allocated. */
void sp_catalogue_free(struct sp_catalogue *catalogue);

/* The word @index of @text, in which one blank stands between two; sets its @length. */
const char *sp_catalogue_word(const char *text, unsigned index, int *length);

/*
 * Index of the best language for an Accept-Language value of @length bytes (RFC 9110
 * section 12.5.4, lookup by RFC 4647 section 3.4: "fr-CA" matches "fr"; "zh-TW" what has
 * that alias; "*" and no match: English; q=0 excludes).
 * @value need not be NUL-terminated and may be any bytes; what does not parse is passed over.
 * Allocates nothing.
 */
size_t sp_catalogue_choose(const struct sp_catalogue *catalogue, const char *value, size_t length);

#endif
