/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/instance.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALPHANUMERIC "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool acceptable(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length < SP_INSTANCE_NAME && strchr(ALPHANUMERIC, name[0]) &&
	       strspn(name, ALPHANUMERIC "-_") == length;
}

int sp_instance_init(struct sp_instance *instance, const char *name, struct sp_error *err)
{
	const char *source = "instance name";

	if (!name) {
		name = getenv("SALLYPORT_INSTANCE");
		source = "environment variable SALLYPORT_INSTANCE";
		if (!name || !*name)
			name = SP_INSTANCE_DEFAULT;
	}
	if (!acceptable(name))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "%s '%.64s': expected 1 to %d letters, digits, '-' or '_', "
		               "beginning with a letter or digit",
		               source, name, SP_INSTANCE_NAME - 1);

	*instance = (struct sp_instance){0};
	snprintf(instance->name, sizeof(instance->name), "%s", name);
	snprintf(instance->pins, sizeof(instance->pins), "/sys/fs/bpf/%s", instance->name);
	snprintf(instance->run, sizeof(instance->run), "/run/%s", instance->name);
	snprintf(instance->state, sizeof(instance->state), "/var/lib/%s", instance->name);
	return 0;
}
