/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a language of the operator's own, beside English. What is accepted can be put into a
 * page as it is; what is refused is said with the file. Run from the top of the tree.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "web/catalogue.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FOLDER "/tmp/sallyport-fuzz-XXXXXX"

static char folder[] = FOLDER;
static char shipped[sizeof(FOLDER "/pages")];
static char english[sizeof(FOLDER "/pages/en.conf")];
static char own[sizeof(FOLDER "/xx.conf")];

static void demand(int condition)
{
	if (!condition)
		abort();
}

static void tidy_up(void)
{
	unlink(own);
	unlink(english);
	rmdir(shipped);
	rmdir(folder);
}

/* One shipped language in place of all: they are read each time. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char *real = realpath("user/portal/pages/en.conf", NULL);

	(void)argc;
	(void)argv;
	demand(real && mkdtemp(folder) && atexit(tidy_up) == 0);
	snprintf(shipped, sizeof(shipped), "%s/pages", folder);
	snprintf(english, sizeof(english), "%s/pages/en.conf", folder);
	snprintf(own, sizeof(own), "%s/xx.conf", folder);
	demand(mkdir(shipped, 0700) == 0 && symlink(real, english) == 0);
	free(real);
	return 0;
}

static void check_language(const struct sp_language *language)
{
	demand(!strcmp(language->direction, "ltr") || !strcmp(language->direction, "rtl"));
	demand(memchr(language->tag, '\0', sizeof(language->tag)) != NULL);
	for (unsigned i = 0; i < SP_MAX_ALIASES; i++)
		demand(memchr(language->alias[i], '\0', sizeof(language->alias[i])) != NULL);
	for (unsigned i = 0; i < SP_MESSAGE_COUNT; i++) {
		demand(language->text[i] && language->plain[i]);
		demand(strpbrk(language->text[i], "<>\"") == NULL);
		for (const unsigned char *c = (const unsigned char *)language->plain[i]; *c; c++)
			demand(*c >= 0x20 && *c != 0x7f);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sp_catalogue catalogue;
	struct sp_error error = {0};
	FILE *out = fopen(own, "w");

	demand(out != NULL);
	demand(fwrite(data, 1, size, out) == size && fclose(out) == 0);
	if (sp_catalogue_load(&catalogue, folder, &(struct sp_own_pages){{folder}}, &error)) {
		demand(strstr(error.text, own) != NULL && error.exit_code != 0);
		return 0;
	}
	demand(catalogue.count == 2);
	for (size_t i = 0; i < catalogue.count; i++)
		check_language(&catalogue.language[i]);
	sp_catalogue_free(&catalogue);
	return 0;
}
