/* The calls by which a program reaches its disk, each with its 64-bit twin; see disk.c. */
#include "disk.h"

#define TWIN(name) __attribute__((alias(#name)))

DECLARE_REAL(open) DECLARE_REAL(openat) DECLARE_REAL(close) DECLARE_REAL(write) DECLARE_REAL(pwrite)
DECLARE_REAL(writev) DECLARE_REAL(pwritev) DECLARE_REAL(pwritev2) DECLARE_REAL(ftruncate) DECLARE_REAL(fallocate)
DECLARE_REAL(posix_fallocate) DECLARE_REAL(fsync) DECLARE_REAL(fdatasync) DECLARE_REAL(msync) DECLARE_REAL(mmap)
DECLARE_REAL(munmap) DECLARE_REAL(renameat) DECLARE_REAL(unlinkat)

/* ---- opening and closing ---- */

static mode_t mode_of(int flags, va_list arguments)
{
	return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = mode_of(flags, arguments);
	va_end(arguments);
	return note_open(REAL(open)(path, flags, mode), flags);
}

int openat(int directory, const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = mode_of(flags, arguments);
	va_end(arguments);
	return note_open(REAL(openat)(directory, path, flags, mode), flags);
}

int open64(const char *path, int flags, ...) TWIN(open);
int openat64(int directory, const char *path, int flags, ...) TWIN(openat);

/* What programs that were compiled with _FORTIFY_SOURCE call. */
int __open_2(const char *path, int flags) { return open(path, flags); }
int __open64_2(const char *path, int flags) { return open(path, flags); }

int creat(const char *path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) TWIN(creat);

int close(int fd)
{
	note_close(fd);
	return REAL(close)(fd);
}

/* ---- writing ---- */

static off_t length_of(const struct iovec *parts, int count)
{
	off_t length = 0;
	for (int i = 0; i < count; i++) length += (off_t)parts[i].iov_len;
	return length;
}

/* After a write at the descriptor's own place, which has moved by then. */
static ssize_t note_at_place(int fd, ssize_t written)
{
	if (written > 0) note_write(fd, lseek(fd, 0, SEEK_CUR) - written, written);
	return written;
}

static ssize_t note_at(int fd, off_t offset, ssize_t written)
{
	if (written > 0) note_write(fd, offset, written);
	return written;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
	if (kind_of(fd) != FILE_OF_DATA) return REAL(write)(fd, bytes, size);
	return is_full((off_t)size) ? -1 : note_at_place(fd, REAL(write)(fd, bytes, size));
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	if (kind_of(fd) != FILE_OF_DATA) return REAL(writev)(fd, parts, count);
	return is_full(length_of(parts, count)) ? -1 : note_at_place(fd, REAL(writev)(fd, parts, count));
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	if (kind_of(fd) != FILE_OF_DATA) return REAL(pwrite)(fd, bytes, size, offset);
	return is_full((off_t)size) ? -1 : note_at(fd, offset, REAL(pwrite)(fd, bytes, size, offset));
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
	if (kind_of(fd) != FILE_OF_DATA) return REAL(pwritev)(fd, parts, count, offset);
	return is_full(length_of(parts, count)) ? -1 : note_at(fd, offset, REAL(pwritev)(fd, parts, count, offset));
}

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
	if (kind_of(fd) != FILE_OF_DATA) return REAL(pwritev2)(fd, parts, count, offset, flags);
	if (is_full(length_of(parts, count))) return -1;
	ssize_t written = REAL(pwritev2)(fd, parts, count, offset, flags);
	return offset < 0 ? note_at_place(fd, written) : note_at(fd, offset, written);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset) TWIN(pwrite);
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) TWIN(pwritev);
ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off_t offset, int flags) TWIN(pwritev2);

int ftruncate(int fd, off_t length)
{
	struct stat status;
	if (kind_of(fd) != FILE_OF_DATA) return REAL(ftruncate)(fd, length);
	if (fstat(fd, &status) == 0 && length > status.st_size && is_full(length - status.st_size)) return -1;
	int result = REAL(ftruncate)(fd, length);
	if (result == 0) note_truncation(fd, length);
	return result;
}

int ftruncate64(int fd, off_t length) TWIN(ftruncate);

int fallocate(int fd, int mode, off_t offset, off_t length)
{
	if (kind_of(fd) == FILE_OF_DATA && is_full(length)) return -1;
	return REAL(fallocate)(fd, mode, offset, length);
}

int posix_fallocate(int fd, off_t offset, off_t length)
{
	if (kind_of(fd) == FILE_OF_DATA && is_full(length)) return ENOSPC;
	return REAL(posix_fallocate)(fd, offset, length);
}

int fallocate64(int fd, int mode, off_t offset, off_t length) TWIN(fallocate);
int posix_fallocate64(int fd, off_t offset, off_t length) TWIN(posix_fallocate);

/* ---- making durable ---- */

int fsync(int fd) { return kind_of(fd) == FOREIGN ? REAL(fsync)(fd) : sync_descriptor(fd); }
int fdatasync(int fd) { return kind_of(fd) == FOREIGN ? REAL(fdatasync)(fd) : sync_descriptor(fd); }

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	void *mapped = REAL(mmap)(address, length, protection, flags, fd, offset);
	bool is_written = (protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0;
	if (mapped != MAP_FAILED && is_written && kind_of(fd) == FILE_OF_DATA) note_mapping(fd, mapped, length, offset);
	return mapped;
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset) TWIN(mmap);

int munmap(void *address, size_t length)
{
	forget_mapping(address);
	return REAL(munmap)(address, length);
}

int msync(void *address, size_t length, int flags)
{
	if ((flags & MS_SYNC) != 0) sync_mapping(address, length);
	return REAL(msync)(address, length, flags);
}

/* ---- names ---- */

int renameat(int from, const char *old_path, int to, const char *new_path)
{
	ino_t freed = strcmp(old_path, new_path) == 0 ? 0 : last_link(to, new_path);
	int result = REAL(renameat)(from, old_path, to, new_path);
	if (result == 0) note_freed(freed);
	return result;
}

int rename(const char *old_path, const char *new_path) { return renameat(AT_FDCWD, old_path, AT_FDCWD, new_path); }

int unlinkat(int directory, const char *path, int flags)
{
	ino_t freed = last_link(directory, path);
	int result = REAL(unlinkat)(directory, path, flags);
	if (result == 0) note_freed(freed);
	return result;
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
