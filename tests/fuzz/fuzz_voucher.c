/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text as the code of a voucher: what is read is a code in its plain form, and what is printed
 * of it is read as the same. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/voucher_code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char code[SP_VOUCHER_CODE], again[SP_VOUCHER_CODE], shown[SP_VOUCHER_SHOWN];
	char *text = malloc(size + 1);
	int result;

	demand(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	result = sp_voucher_code_read(text, code);
	demand(result == 0 || result == -EINVAL);
	if (result == 0) {
		demand(sp_voucher_code_is_plain(code));
		demand(strlen(sp_voucher_code_show(shown, code)) == SP_VOUCHER_SHOWN - 1);
		demand(sp_voucher_code_read(shown, again) == 0 && !strcmp(again, code));
	} else {
		demand(code[0] == '\0');
	}
	demand(!sp_voucher_code_is_plain(text) || (result == 0 && !strcmp(text, code)));
	free(text);
	return 0;
}
