/* What disk.c (the model of the disk), disk-faults.c and disk-calls.c (the calls that reach it) share. */
#ifndef DISK_H
#define DISK_H
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* The C library's own function of that name. */
#define REAL(name) ((__typeof__(name) *)find_real(#name, &real_##name))
#define PATH_SIZE (PATH_MAX * 2)
#define DECLARE_REAL(name) static void *real_##name;

enum kind { FOREIGN = 0, FILE_OF_DATA, DIRECTORY_OF_DATA };

void *find_real(const char *name, void **slot);
/* What an open descriptor leads to. */
enum kind kind_of(int fd);
/* After an open that succeeded or failed; gives the descriptor. */
int note_open(int fd, int flags);
void note_close(int fd);
void note_write(int fd, off_t offset, off_t length);
void note_truncation(int fd, off_t length);
/* Before a name goes: its inode's number if it is the last name, or 0; after it has gone, note_freed. */
ino_t last_link(int directory, const char *path);
void note_freed(ino_t number);
void note_mapping(int fd, char *address, size_t length, off_t offset);
void forget_mapping(char *address);
void sync_mapping(char *address, size_t length);
int sync_descriptor(int fd);
/* Whether so many bytes may not be written; sets errno. */
bool is_full(off_t length);
/* Whether a fault of that name is switched on. */
bool has_control(const char *name);
void begin_faults(void);
#endif
