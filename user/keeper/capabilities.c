/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/capabilities.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "lib/log.h"

#define FILES 16384u /* more than the limit of any child */

static const unsigned needed[] = {
	/* Programs on interfaces that come back, and the children's socket buffers. Maps, programs
         * and links are opened by their pins, for which the right to the files is enough. */
	CAP_NET_ADMIN,
	/* Certificates and pages that belong to another account are read again after SIGHUP, by
         * the children too, which do so before they give up what they inherit from here. */
	CAP_DAC_READ_SEARCH,
	/* How a child becomes somebody else in an empty root (ipc/privileges.c), */
	CAP_SYS_CHROOT,
	CAP_SETUID,
	CAP_SETGID,
	CAP_SETPCAP,
	/* and how it is ended. */
	CAP_KILL,
};

/* A child may limit itself to more than is inherited from here only with CAP_SYS_RESOURCE. */
static void raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_max >= FILES)
		return;
	files.rlim_max = FILES;
	if (setrlimit(RLIMIT_NOFILE, &files))
		sp_log(SP_LOG_WARNING,
		       "cannot raise the limit of open files to %u: %s; a responder may not start",
		       FILES, strerror(errno));
}

int sp_capabilities_keep(struct sp_error *err)
{
	bool had[sizeof(needed) / sizeof(*needed)];
	const unsigned count = sizeof(needed) / sizeof(*needed);

	raise_files();
	/* In a container some may be missing from the beginning; what needs them will say so. */
	for (unsigned i = 0; i < count; i++)
		had[i] = capng_have_capability(CAPNG_PERMITTED, needed[i]);
	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned i = 0; i < count; i++)
		if (had[i])
			capng_update(CAPNG_ADD,
			             CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
			             needed[i]);
	if (capng_apply(CAPNG_SELECT_ALL))
		return sp_fail(err, -EPERM, SP_EXIT_FAILED,
		               "cannot give up capabilities; in a container, sallyportd needs "
		               "CAP_SETPCAP");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return sp_fail(err, -errno, SP_EXIT_FAILED, "cannot set no_new_privs: %s",
		               strerror(errno));
	return 0;
}
