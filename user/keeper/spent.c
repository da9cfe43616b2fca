/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/spent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool sp_spent_has(const struct sp_spent *spent, const uint8_t nonce[SP_IPC_NONCE])
{
	for (unsigned i = 0; i < spent->count; i++)
		if (!memcmp(spent->list[i].nonce, nonce, SP_IPC_NONCE))
			return true;
	return false;
}

static void drop_old(struct sp_spent *spent, uint64_t now)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < spent->count; i++)
		if (spent->list[i].until >= now)
			spent->list[kept++] = spent->list[i];
	spent->count = kept;
}

static int make_room(struct sp_spent *spent)
{
	unsigned room = spent->room ? 2 * spent->room : 256;
	struct sp_spent_nonce *list;

	if (spent->count < spent->room)
		return 0;
	if (room > SP_SPENT_MOST)
		return -ENOSPC;
	list = reallocarray(spent->list, room, sizeof(*list));
	if (!list)
		return -ENOMEM;
	spent->list = list;
	spent->room = room;
	return 0;
}

static int append(struct sp_spent *spent, const struct sp_spent_nonce *nonce)
{
	int ret = make_room(spent);

	if (!ret)
		spent->list[spent->count++] = *nonce;
	return ret;
}

/* One that was being written when the power failed is cut off. */
static int load(struct sp_spent *spent, FILE *file)
{
	struct sp_spent_nonce nonce;
	int ret = 0;

	while (!ret && fread(&nonce, sizeof(nonce), 1, file) == 1)
		ret = append(spent, &nonce);
	return ret;
}

static FILE *open_file(const char *path, int flags, const char *mode)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, mode);

	if (fd >= 0 && !file)
		close(fd);
	return file;
}

/* Replace the file by one with what is still of interest, and stay at its end. */
static int rewrite(struct sp_spent *spent)
{
	char fresh[sizeof(spent->path) + 4];
	FILE *file;

	snprintf(fresh, sizeof(fresh), "%s.new", spent->path);
	file = open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC, "w");
	if (!file)
		return -errno;
	if ((spent->count &&
	     fwrite(spent->list, sizeof(*spent->list), spent->count, file) != spent->count) ||
	    fflush(file) || fsync(fileno(file)) || rename(fresh, spent->path)) {
		int ret = errno ? -errno : -EIO;

		fclose(file);
		unlink(fresh);
		return ret;
	}
	if (spent->file)
		fclose(spent->file);
	spent->file = file;
	return 0;
}

int sp_spent_open(struct sp_spent *spent, const struct sp_instance *instance, struct sp_error *err)
{
	FILE *file;
	int ret = 0;

	*spent = (struct sp_spent){0};
	snprintf(spent->path, sizeof(spent->path), "%s/nonces", instance->state);
	file = open_file(spent->path, O_RDONLY, "r");
	if (file) {
		ret = load(spent, file);
		fclose(file);
	} else if (errno != ENOENT) {
		ret = -errno;
	}
	drop_old(spent, (uint64_t)time(NULL));
	if (!ret)
		ret = rewrite(spent);
	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED, "%s: %s", spent->path, strerror(-ret));
	return 0;
}

void sp_spent_close(struct sp_spent *spent)
{
	if (spent->file)
		fclose(spent->file);
	free(spent->list);
	*spent = (struct sp_spent){0};
}

int sp_spent_add(struct sp_spent *spent, const uint8_t nonce[SP_IPC_NONCE], uint64_t until,
                 uint64_t now)
{
	struct sp_spent_nonce entry = {.until = until};
	int ret = 0;

	memcpy(entry.nonce, nonce, sizeof(entry.nonce));
	if (spent->count == spent->room) {
		drop_old(spent, now);
		ret = rewrite(spent);
	}
	if (!ret)
		ret = append(spent, &entry);
	if (ret)
		return ret;
	/* It need not be on the disk: a power failure takes longer than a token is good for. */
	if (fwrite(&entry, sizeof(entry), 1, spent->file) != 1 || fflush(spent->file)) {
		spent->count--;
		return errno ? -errno : -EIO;
	}
	return 0;
}
