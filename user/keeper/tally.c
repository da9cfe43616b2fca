/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* No child counts further in its life: 142 years at a million a second. What is more is a lie, and
 * a thousand of them add up to less than a cell holds. */
#define MOST_COUNT (UINT64_C(1) << 52)
#define MOST_SUM   (UINT64_C(1) << 62)
#define MOST_GAUGE UINT32_MAX

/* Of a size that nobody can change: reading it can never fault. */
static int make_file(void)
{
	int fd = memfd_create("sallyport-tally", MFD_CLOEXEC | MFD_ALLOW_SEALING), ret = 0;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(struct sp_tally)) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		ret = -errno;
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static int make_room(struct sp_tally_book *book)
{
	if (!book->before)
		book->before = calloc(1, sizeof(*book->before));
	if (!book->seen)
		book->seen = calloc(1, sizeof(*book->seen));
	return book->before && book->seen ? 0 : -ENOMEM;
}

int sp_tally_begin(struct sp_tally_book *book)
{
	int ret = make_room(book);
	int fd = ret ? ret : make_file();
	void *shared;

	sp_tally_end(book);
	if (fd < 0)
		return fd;
	shared = mmap(NULL, sizeof(struct sp_tally), PROT_READ, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED) {
		ret = -errno;
		close(fd);
		return ret;
	}
	book->shared = shared;
	return fd;
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

/* The child may write at any moment: each cell is read once. */
void sp_tally_look(struct sp_tally_book *book)
{
	const struct sp_tally *shared = book->shared;

	if (!shared)
		return;
	for (unsigned i = 0; i < SP_TALLY_GAUGES; i++)
		book->seen->gauge[i] =
			at_most(__atomic_load_n(&shared->gauge[i], __ATOMIC_RELAXED), MOST_GAUGE);
	for (unsigned i = 0; i < SP_TALLY_CELLS; i++) {
		uint64_t now =
			at_most(__atomic_load_n(&shared->cell[i], __ATOMIC_RELAXED), MOST_COUNT);

		if (now > book->seen->cell[i])
			book->seen->cell[i] = now;
	}
}

void sp_tally_end(struct sp_tally_book *book)
{
	if (!book->shared)
		return;
	sp_tally_look(book);
	for (unsigned i = 0; i < SP_TALLY_CELLS; i++)
		book->before->cell[i] =
			at_most(book->before->cell[i] + book->seen->cell[i], MOST_SUM);
	memset(book->seen, 0, sizeof(*book->seen));
	munmap((void *)(uintptr_t)book->shared, sizeof(*book->shared));
	book->shared = NULL;
}

void sp_tally_add(const struct sp_tally_book *book, struct sp_tally *sum)
{
	if (!book->before || !book->seen)
		return;
	for (unsigned i = 0; i < SP_TALLY_GAUGES; i++)
		sum->gauge[i] += book->seen->gauge[i];
	for (unsigned i = 0; i < SP_TALLY_CELLS; i++)
		sum->cell[i] += book->before->cell[i] + book->seen->cell[i];
}

void sp_tally_close(struct sp_tally_book *book)
{
	sp_tally_end(book);
	free(book->before);
	free(book->seen);
	*book = (struct sp_tally_book){.shared = NULL};
}
