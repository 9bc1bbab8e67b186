/*
 * Faults. While the file `enospc` is in the control directory, writes that take space fail with ENOSPC; with DISK_QUOTA
 * they fail once so many bytes have been written. While `eio` is there, fsync fails with EIO and, as on Linux, forgets
 * what it did not write: a later fsync succeeds and the changes are not on the disk.
 *
 * Environment: DISK_CONTROL (a directory), DISK_QUOTA (in bytes).
 */
#include "disk.h"

static char control_directory[PATH_MAX];
static long long quota = -1;

void begin_faults(void)
{
	const char *control = getenv("DISK_CONTROL"), *bytes = getenv("DISK_QUOTA");
	if (control != NULL) snprintf(control_directory, sizeof control_directory, "%s", control);
	if (bytes != NULL) quota = atoll(bytes);
}

bool has_control(const char *name)
{
	char path[PATH_SIZE];
	if (control_directory[0] == '\0') return false;
	snprintf(path, sizeof path, "%s/%s", control_directory, name);
	return access(path, F_OK) == 0;
}

bool is_full(off_t length)
{
	bool is_over = quota >= 0 && __atomic_sub_fetch(&quota, length, __ATOMIC_RELAXED) < 0;
	if (is_over) __atomic_store_n(&quota, 0, __ATOMIC_RELAXED);
	if (!is_over && !has_control("enospc")) return false;
	errno = ENOSPC;
	return true;
}
