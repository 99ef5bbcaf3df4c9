/* Loaded before the C library (LD_PRELOAD): fails or kills at the n-th write, sync or rename of a file
   below one folder. Programs written in whatever language come by here, HDF5 and Blender too. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE, SYNC, RENAME, KINDS };
enum { COUNT, FAIL, KILL };

static char root[PATH_MAX];
static size_t length;
static long *counts; /* shared with the process that started this one */
static int wanted_kind = -1, wanted_how, is_full;
static long wanted_at;

/* Begin: count what is done below `folder`, and fail or kill at the `at`-th of `kind`, from 1. */
void faults_arm(const char *folder, long *shared, int kind, long at, int how) {
    snprintf(root, sizeof root, "%s/", folder);
    length = strlen(root);
    counts = shared;
    wanted_kind = kind, wanted_at = at, wanted_how = how, is_full = 0;
}

static int below(const char *path) {
    return length && (path[0] != '/' || strncmp(path, root, length) == 0);
}

static int file_below(int file) {
    char link[64], path[PATH_MAX];
    int kept = errno;
    ssize_t got;
    if (!length || file < 3) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    got = readlink(link, path, sizeof path - 2);
    errno = kept;
    if (got <= 0 || path[0] != '/') return 0;
    path[got] = '/', path[got + 1] = 0; /* the folder itself is below, too */
    return strncmp(path, root, length) == 0;
}

/* Whether this one is to fail; a kill does not come back. A full disk stays full. */
static int struck(int kind) {
    if (kind == WRITE && is_full) return errno = ENOSPC, 1;
    if (__sync_add_and_fetch(&counts[kind], 1) != wanted_at || kind != wanted_kind) return 0;
    if (wanted_how == KILL) kill(getpid(), SIGKILL);
    if (wanted_how != FAIL) return 0;
    is_full = kind == WRITE;
    errno = kind == WRITE ? ENOSPC : EIO;
    return 1;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

/* A process that is killed while it writes has written a part: so many of the bytes. */
static size_t torn(size_t size) {
    return wanted_how == KILL && wanted_kind == WRITE && counts[WRITE] + 1 == wanted_at ? size / 2 : 0;
}

ssize_t write(int file, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (file_below(file)) {
        if (torn(size) && real(file, data, torn(size)) < 0) return -1;
        if (struck(WRITE)) return -1;
    }
    return real(file, data, size);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    if (file_below(file)) {
        if (torn(size) && real(file, data, torn(size), at) < 0) return -1;
        if (struck(WRITE)) return -1;
    }
    return real(file, data, size, at);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    if (file_below(file)) {
        if (torn(size) && real(file, data, torn(size), at) < 0) return -1;
        if (struck(WRITE)) return -1;
    }
    return real(file, data, size, at);
}

ssize_t writev(int file, const struct iovec *parts, int number) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    if (file_below(file)) {
        if (torn(2) && real(file, parts, number > 1 ? number / 2 : 1) < 0) return -1;
        if (struck(WRITE)) return -1;
    }
    return real(file, parts, number);
}

int fsync(int file) {
    REAL(int, "fsync", int);
    return file_below(file) && struck(SYNC) ? -1 : real(file);
}

int fdatasync(int file) {
    REAL(int, "fdatasync", int);
    return file_below(file) && struck(SYNC) ? -1 : real(file);
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    return below(to) && struck(RENAME) ? -1 : real(from, to);
}

int renameat(int at, const char *from, int to_at, const char *to) {
    REAL(int, "renameat", int, const char *, int, const char *);
    return below(to) && struck(RENAME) ? -1 : real(at, from, to_at, to);
}
