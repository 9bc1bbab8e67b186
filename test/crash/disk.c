/*
 * A disk that can lose power (here) and run full (disk-faults.c), as a library to preload (LD_PRELOAD) into a server.
 *
 * Power loss. Beside the data directory it keeps a shadow that holds what would be found there after the power failed
 * at this moment, if the disk kept nothing but what was made durable. Write, truncate and the like go to the real files
 * and are only remembered; fsync, fdatasync and msync carry the file's remembered changes into the shadow; a name (made,
 * renamed, unlinked) gets into the shadow by an fsync of its directory, as POSIX has it. A test kills the process
 * (SIGKILL), replaces the data directory by the shadow's `tree`, and starts again. A kill within an fsync leaves that
 * fsync's changes there in part, as a real disk might. No real fsync is made, for the machine stays up.
 *
 *   shadow/inodes/NUMBER   a file's durable content; the number is the real file's inode
 *   shadow/tree/PATH       hard links to those: the durable names
 *
 * Memory-mapped writes count only after msync: SQLite's -shm file is such, and need not survive. stdio, io_uring and
 * copy_file_range are not seen, and duplicated descriptors are not followed; set UV_USE_IO_URING=0 for Node.
 *
 * Environment: DISK_DATA, DISK_SHADOW (made anew when the process starts; empty: no shadow),
 * DISK_WHOLE=1 (an fsync carries the whole file, for programs whose processes sync what others of them wrote),
 * DISK_NAMES=1 (an fsync of a file carries its name too, as ext4, xfs and btrfs do, for programs that count on it).
 */
#include "disk.h"

#define FD_MAX 65536
#define MAPPINGS_MAX 256
#define BUCKETS 1024

struct range { off_t offset; off_t length; };

/* What has been done to a file since its last fsync. */
struct inode {
	ino_t number;
	off_t shortest; /* the least length it was cut to, or -1 */
	struct range *ranges;
	size_t count, capacity;
	struct inode *next;
};

struct mapping { char *address; size_t length; off_t offset; ino_t number; };

static char data_directory[PATH_MAX], shadow_directory[PATH_MAX];
static bool is_whole, has_names;
static unsigned char kinds[FD_MAX];
static struct inode *inodes[BUCKETS];
static struct mapping mappings[MAPPINGS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

DECLARE_REAL(open) DECLARE_REAL(close) DECLARE_REAL(pwrite) DECLARE_REAL(ftruncate) DECLARE_REAL(rename)
DECLARE_REAL(unlink) DECLARE_REAL(link)

void *find_real(const char *name, void **slot)
{
	if (*slot == NULL) *slot = dlsym(RTLD_NEXT, name);
	return *slot;
}

/* The shadow would no longer be true: the program must not go on. */
static void give_up(const char *what)
{
	dprintf(STDERR_FILENO, "disk: %s: %s\n", what, strerror(errno));
	abort();
}

static bool has_shadow(void) { return shadow_directory[0] != '\0'; }

enum kind kind_of(int fd) { return fd >= 0 && fd < FD_MAX ? kinds[fd] : FOREIGN; }

/* Whether the path lies in the data directory; gives what follows it, without a slash, or "" for the directory itself. */
static const char *within_data(const char *path)
{
	size_t length = strlen(data_directory);
	if (length == 0 || strncmp(path, data_directory, length) != 0) return NULL;
	if (path[length] == '\0') return "";
	return path[length] == '/' ? path + length + 1 : NULL;
}

static void inode_path(char *path, ino_t number)
{
	snprintf(path, PATH_SIZE, "%s/inodes/%llu", shadow_directory, (unsigned long long)number);
}

static int open_shadow(ino_t number)
{
	char path[PATH_SIZE];
	inode_path(path, number);
	return REAL(open)(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* Copies a stretch of a file, of memory where `from` is not NULL, or as much of it as there is. */
static void copy_range(int source, const char *from, int target, off_t offset, off_t length)
{
	static char buffer[1 << 16];
	while (length > 0) {
		size_t part = length < (off_t)sizeof buffer ? (size_t)length : sizeof buffer;
		ssize_t size = from == NULL ? pread(source, buffer, part, offset) : (ssize_t)part;
		if (size <= 0) return;
		if (REAL(pwrite)(target, from == NULL ? buffer : from, size, offset) != size) give_up("copy");
		offset += size;
		length -= size;
		if (from != NULL) from += size;
	}
}

/* With the lock held. */
static struct inode *find_inode(ino_t number, bool make)
{
	struct inode **slot = &inodes[number % BUCKETS];
	while (*slot != NULL && (*slot)->number != number) slot = &(*slot)->next;
	if (*slot == NULL && make) {
		*slot = calloc(1, sizeof **slot);
		if (*slot == NULL) give_up("memory");
		(*slot)->number = number;
		(*slot)->shortest = -1;
	}
	return *slot;
}

static void forget_changes(struct inode *inode)
{
	inode->count = 0;
	inode->shortest = -1;
}

void note_write(int fd, off_t offset, off_t length)
{
	struct stat status;
	if (!has_shadow() || is_whole || length <= 0 || fstat(fd, &status) != 0) return;
	pthread_mutex_lock(&lock);
	struct inode *inode = find_inode(status.st_ino, true);
	struct range *last = inode->count > 0 ? &inode->ranges[inode->count - 1] : NULL;
	if (last != NULL && last->offset + last->length == offset) {
		last->length += length;
	} else {
		if (inode->count == inode->capacity) {
			inode->capacity = inode->capacity == 0 ? 64 : inode->capacity * 2;
			inode->ranges = realloc(inode->ranges, inode->capacity * sizeof *inode->ranges);
			if (inode->ranges == NULL) give_up("memory");
		}
		inode->ranges[inode->count++] = (struct range){offset, length};
	}
	pthread_mutex_unlock(&lock);
}

void note_truncation(int fd, off_t length)
{
	struct stat status;
	if (!has_shadow() || is_whole || fstat(fd, &status) != 0) return;
	pthread_mutex_lock(&lock);
	struct inode *inode = find_inode(status.st_ino, true);
	if (inode->shortest < 0 || length < inode->shortest) inode->shortest = length;
	pthread_mutex_unlock(&lock);
}

static void sync_file(int fd, const struct stat *status)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	/* The program's own descriptor may be for writing alone. */
	int source = REAL(open)(path, O_RDONLY | O_CLOEXEC), shadow = open_shadow(status->st_ino);
	if (source < 0 || shadow < 0) give_up("open");
	struct inode *inode = find_inode(status->st_ino, true);
	if (is_whole) {
		copy_range(source, NULL, shadow, 0, status->st_size);
	} else {
		if (inode->shortest >= 0 && REAL(ftruncate)(shadow, inode->shortest) != 0) give_up("cut");
		for (size_t i = 0; i < inode->count; i++)
			copy_range(source, NULL, shadow, inode->ranges[i].offset, inode->ranges[i].length);
		forget_changes(inode);
	}
	if (REAL(ftruncate)(shadow, status->st_size) != 0) give_up("cut");
	REAL(close)(source);
	REAL(close)(shadow);
}

static void remove_tree(const char *path)
{
	DIR *directory = opendir(path);
	if (directory == NULL) {
		REAL(unlink)(path);
		return;
	}
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		char child[PATH_SIZE];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
		snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
		remove_tree(child);
	}
	closedir(directory);
	rmdir(path);
}

static void make_directories(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	mkdir(path, 0700);
}

/* Makes a name durable: the shadow's name leads to the inode that the real name leads to. */
static void sync_name(const char *shadow, const struct stat *status)
{
	char content[PATH_SIZE], fresh[PATH_SIZE];
	struct stat known, present;
	inode_path(content, status->st_ino);
	int fd = open_shadow(status->st_ino);
	if (fd < 0 || fstat(fd, &known) != 0) give_up("name");
	REAL(close)(fd);
	if (stat(shadow, &present) == 0 && present.st_ino == known.st_ino) return;
	snprintf(fresh, sizeof fresh, "%s", shadow);
	*strrchr(fresh, '/') = '\0';
	make_directories(fresh);
	snprintf(fresh, sizeof fresh, "%s/fresh-%d", shadow_directory, (int)getpid());
	REAL(unlink)(fresh);
	if (REAL(link)(content, fresh) != 0 || REAL(rename)(fresh, shadow) != 0) give_up("name");
}

/* Makes a directory's names durable as they are. When the process starts, contents and subdirectories too. */
static void sync_directory(const char *real, bool is_start)
{
	char shadow[PATH_SIZE];
	snprintf(shadow, sizeof shadow, "%s/tree/%s", shadow_directory, within_data(real));
	make_directories(shadow);
	DIR *directory = opendir(real);
	if (directory == NULL) return;
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		char path[PATH_SIZE], name[PATH_SIZE];
		struct stat status;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
		snprintf(path, sizeof path, "%s/%s", real, entry->d_name);
		if (snprintf(name, sizeof name, "%s/%s", shadow, entry->d_name) >= (int)sizeof name) give_up("path");
		if (lstat(path, &status) != 0) continue;
		if (S_ISDIR(status.st_mode)) {
			mkdir(name, 0700);
			if (is_start) sync_directory(path, true);
		} else if (S_ISREG(status.st_mode)) {
			if (is_start) {
				int from = REAL(open)(path, O_RDONLY | O_CLOEXEC), to = open_shadow(status.st_ino);
				copy_range(from, NULL, to, 0, status.st_size);
				REAL(close)(from);
				REAL(close)(to);
			}
			sync_name(name, &status);
		}
	}
	closedir(directory);
	directory = opendir(shadow);
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		char path[PATH_SIZE], name[PATH_SIZE];
		struct stat status;
		snprintf(path, sizeof path, "%s/%s", real, entry->d_name);
		if (snprintf(name, sizeof name, "%s/%s", shadow, entry->d_name) >= (int)sizeof name) give_up("path");
		if (lstat(path, &status) != 0) remove_tree(name);
	}
	closedir(directory);
}

/* The descriptor's path below the data directory (see within_data), or NULL. */
static const char *path_of(int fd, char path[PATH_MAX])
{
	char link_path[64];
	snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link_path, path, PATH_MAX - 1);
	if (length <= 0) return NULL;
	path[length] = '\0';
	return within_data(path);
}

int sync_descriptor(int fd)
{
	struct stat status;
	char path[PATH_MAX], shadow[PATH_SIZE];
	if (fstat(fd, &status) != 0) return -1;
	const char *name = path_of(fd, path);
	pthread_mutex_lock(&lock);
	bool has_failed = has_control("eio");
	if (has_failed) {
		forget_changes(find_inode(status.st_ino, true));
	} else if (has_shadow() && S_ISDIR(status.st_mode)) {
		if (name != NULL) sync_directory(path, false);
	} else if (has_shadow()) {
		sync_file(fd, &status);
		snprintf(shadow, sizeof shadow, "%s/tree/%s", shadow_directory, name == NULL ? "" : name);
		if (has_names && name != NULL && status.st_nlink > 0) sync_name(shadow, &status);
	}
	pthread_mutex_unlock(&lock);
	if (has_failed) errno = EIO;
	return has_failed ? -1 : 0;
}

void note_close(int fd)
{
	if (fd >= 0 && fd < FD_MAX) kinds[fd] = FOREIGN;
}

void note_mapping(int fd, char *address, size_t length, off_t offset)
{
	struct stat status;
	if (!has_shadow() || fstat(fd, &status) != 0) return;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < MAPPINGS_MAX; i++) {
		if (mappings[i].address != NULL) continue;
		mappings[i] = (struct mapping){address, length, offset, status.st_ino};
		break;
	}
	pthread_mutex_unlock(&lock);
}

void forget_mapping(char *address)
{
	for (size_t i = 0; i < MAPPINGS_MAX; i++)
		if (mappings[i].address == address) mappings[i].address = NULL;
}

void sync_mapping(char *address, size_t length)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < MAPPINGS_MAX; i++) {
		struct mapping *mapping = &mappings[i];
		if (mapping->address == NULL || address < mapping->address) continue;
		if (address >= mapping->address + mapping->length) continue;
		int shadow = open_shadow(mapping->number);
		copy_range(-1, address, shadow, mapping->offset + (address - mapping->address), length);
		REAL(close)(shadow);
	}
	pthread_mutex_unlock(&lock);
}

/* Learns whether a new descriptor leads into the data directory. */
int note_open(int fd, int flags)
{
	char path[PATH_MAX];
	struct stat status;
	if (fd < 0 || fd >= FD_MAX) return fd;
	kinds[fd] = FOREIGN;
	if (data_directory[0] == '\0' || path_of(fd, path) == NULL || fstat(fd, &status) != 0) return fd;
	kinds[fd] = S_ISDIR(status.st_mode) ? DIRECTORY_OF_DATA : S_ISREG(status.st_mode) ? FILE_OF_DATA : FOREIGN;
	if (kinds[fd] == FILE_OF_DATA && (flags & O_TRUNC) != 0) note_truncation(fd, 0);
	return fd;
}

/* The number of the last name's inode, or 0: what is about to be freed may be used for another file. */
ino_t last_link(int directory, const char *path)
{
	struct stat status;
	if (!has_shadow() || fstatat(directory, path, &status, AT_SYMLINK_NOFOLLOW) != 0) return 0;
	return S_ISREG(status.st_mode) && status.st_nlink == 1 ? status.st_ino : 0;
}

void note_freed(ino_t number)
{
	char path[PATH_SIZE];
	if (number == 0) return;
	pthread_mutex_lock(&lock);
	forget_changes(find_inode(number, true));
	inode_path(path, number);
	REAL(unlink)(path);
	pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void begin(void)
{
	const char *data = getenv("DISK_DATA"), *shadow = getenv("DISK_SHADOW");
	if (data == NULL) return;
	char resolved[PATH_MAX];
	if (realpath(data, resolved) == NULL) return;
	begin_faults();
	is_whole = getenv("DISK_WHOLE") != NULL;
	has_names = getenv("DISK_NAMES") != NULL;
	memcpy(data_directory, resolved, sizeof resolved);
	if (shadow != NULL && shadow[0] != '\0') {
		char path[PATH_SIZE];
		remove_tree(shadow);
		snprintf(shadow_directory, sizeof shadow_directory, "%s", shadow);
		snprintf(path, sizeof path, "%s/inodes", shadow);
		make_directories(path);
		sync_directory(data_directory, true);
	}
	/* A program that is started by this one has a disk of its own. */
	unsetenv("DISK_DATA");
}
