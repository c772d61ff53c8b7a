/* A disk that forgets, fails and dawdles, for a process that is started with this library preloaded.
 *
 * Below SHIM_DIR only what an fsync or fdatasync covered is kept, and only names that were there when their
 * directory was last fsynced. What is kept lies in SHIM_SHADOW (on the same file system), by inode number:
 *
 *   f<ino>   the durable bytes of a file            h<ino>   a hard link to the file as the process sees it
 *   d<ino>   the durable names of a directory: lines of "<ino> <kind> <name>", kind `f` or `d`
 *
 * The test that starts the process fills SHIM_SHADOW with what is there, kills the process whenever it likes,
 * and puts together what a disk without power would hold (see disk.rs). A hard link also keeps an inode from
 * being used again while a durable name may still mean it.
 *
 * SHIM_CONTROL names a file that the test writes to while the process runs: see struct control.
 *
 * sync_file_range makes nothing durable here, as it does not on a disk with a cache of its own. Real syncs are
 * left out: nobody pulls the real plug, and a thousand of them take a minute.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
    int64_t limit;       /* bytes that SHIM_DIR may occupy; 0 is without limit */
    int64_t fail_syncs;  /* so many syncs of files fail with EIO, and what they should have kept is dropped */
    int64_t fail_writes; /* so many writes fail with EIO */
    int64_t delay_ms;    /* every sync takes so long */
    int64_t syncs;       /* counted by the shim */
};

enum { FDS = 65536, FILES = 65536 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char root[PATH_MAX], shadow[PATH_MAX];
static size_t root_len;
static struct control none, *control = &none;
/* What a descriptor is: not looked at yet, not ours, ours. */
static unsigned char kinds[FDS];
enum { UNKNOWN, FOREIGN, OURS };
/* The bytes of each file that no sync has covered: one span, since a sync covers all of the file. */
static struct { ino_t ino; off_t from, to; } spans[FILES];

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);

static void die(const char *what) {
    fprintf(stderr, "shim: %s: %s\n", what, strerror(errno));
    abort();
}

static void start(void) {
    real_open = dlsym(RTLD_NEXT, "open");
    real_openat = dlsym(RTLD_NEXT, "openat");
    real_close = dlsym(RTLD_NEXT, "close");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_writev = dlsym(RTLD_NEXT, "writev");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    const char *dir = getenv("SHIM_DIR"), *to = getenv("SHIM_SHADOW"), *by = getenv("SHIM_CONTROL");
    if (dir && realpath(dir, root)) root_len = strlen(root);
    if (to && !realpath(to, shadow)) die(to);
    if (by) {
        int fd = real_open(by, O_RDWR);
        void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (at == MAP_FAILED) die(by);
        control = at;
        real_close(fd);
    }
}

static void ready(void) { pthread_once(&once, start); }

static void shadow_path(char out[PATH_MAX], char kind, ino_t ino) {
    snprintf(out, PATH_MAX, "%.*s/%c%llu", PATH_MAX - 32, shadow, kind, (unsigned long long)ino);
}

/* Whether `fd` is a file or directory below SHIM_DIR. Needs the lock. */
static int is_ours(int fd) {
    if (fd < 0 || fd >= FDS || !root_len) return 0;
    if (kinds[fd] == UNKNOWN) {
        char link[64], path[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, path, sizeof path - 1);
        path[n < 0 ? 0 : n] = 0;
        int below = strncmp(path, root, root_len) == 0 && (path[root_len] == '/' || path[root_len] == 0);
        kinds[fd] = below ? OURS : FOREIGN;
        struct stat st;
        if (below && *shadow && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
            char held[PATH_MAX];
            shadow_path(held, 'h', st.st_ino);
            if (linkat(AT_FDCWD, link, AT_FDCWD, held, AT_SYMLINK_FOLLOW) && errno != EEXIST && errno != ENOENT)
                die(held);
        }
    }
    return kinds[fd] == OURS;
}

/* The span of the file `ino`. Needs the lock. */
static int span_of(ino_t ino) {
    for (size_t at = ino % FILES, n = 0; n < FILES; at = (at + 1) % FILES, n++) {
        if (spans[at].ino == 0) {
            spans[at].ino = ino;
            spans[at].from = spans[at].to = 0;
        }
        if (spans[at].ino == ino) return at;
    }
    errno = ENFILE;
    die("more files than the shim has room for");
    return 0;
}

static void changed(int fd, off_t from, off_t to) {
    struct stat st;
    if (!*shadow || fstat(fd, &st) || !S_ISREG(st.st_mode)) return;
    int at = span_of(st.st_ino);
    int empty = spans[at].from == spans[at].to;
    if (empty || from < spans[at].from) spans[at].from = from;
    if (empty || to > spans[at].to) spans[at].to = to;
}

static int64_t used;
static int add(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
    (void)path, (void)flag, (void)ftw;
    used += (int64_t)st->st_blocks * 512;
    return 0;
}

/* What a write of `len` bytes at `from` is answered: 0, or an error number. Needs the lock. */
static int refusal(int fd, off_t from, size_t len) {
    struct stat st;
    if (control->fail_writes > 0) {
        control->fail_writes--;
        return EIO;
    }
    if (control->limit == 0 || fstat(fd, &st) || from + (off_t)len <= (off_t)st.st_blocks * 512) return 0;
    used = 0;
    nftw(root, add, 16, FTW_PHYS);
    return used + (int64_t)len > control->limit ? ENOSPC : 0;
}

static off_t end_of(int fd) {
    int flags = fcntl(fd, F_GETFL);
    struct stat st;
    if (flags >= 0 && (flags & O_APPEND) && fstat(fd, &st) == 0) return st.st_size;
    return lseek(fd, 0, SEEK_CUR);
}

#define GUARDED(fd, from, len, call)                            \
    ready();                                                    \
    pthread_mutex_lock(&lock);                                  \
    ssize_t done;                                               \
    if (!is_ours(fd)) {                                         \
        pthread_mutex_unlock(&lock);                            \
        return call;                                            \
    }                                                           \
    off_t begin = from;                                         \
    int error = refusal(fd, begin, len);                        \
    if (error) {                                                \
        errno = error;                                          \
        done = -1;                                              \
    } else {                                                    \
        done = call;                                            \
        if (done > 0) changed(fd, begin, begin + done);         \
    }                                                           \
    error = errno;                                              \
    pthread_mutex_unlock(&lock);                                \
    errno = error;                                              \
    return done;

ssize_t write(int fd, const void *bytes, size_t len) { GUARDED(fd, end_of(fd), len, real_write(fd, bytes, len)) }

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at) {
    GUARDED(fd, at, len, real_pwrite(fd, bytes, len, at))
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at) { return pwrite(fd, bytes, len, at); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    size_t len = 0;
    for (int n = 0; n < count; n++) len += parts[n].iov_len;
    GUARDED(fd, end_of(fd), len, real_writev(fd, parts, count))
}

int ftruncate(int fd, off_t len) {
    ready();
    pthread_mutex_lock(&lock);
    struct stat st;
    if (is_ours(fd) && fstat(fd, &st) == 0)
        changed(fd, len < st.st_size ? len : st.st_size, len < st.st_size ? st.st_size : len);
    int done = real_ftruncate(fd, len), error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int ftruncate64(int fd, off_t len) { return ftruncate(fd, len); }

/* A descriptor that was just opened; `flags` as it was opened with. */
static int opened(int fd, int flags) {
    if (fd < 0) return fd;
    int error = errno;
    pthread_mutex_lock(&lock);
    if (fd < FDS) kinds[fd] = UNKNOWN;
    /* Whatever the file held before, a sync must now write all of it. */
    if ((flags & O_TRUNC) && is_ours(fd)) changed(fd, 0, (off_t)1 << 40);
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define MODE(flags)                                  \
    mode_t mode = 0;                                 \
    if ((flags) & (O_CREAT | O_TMPFILE)) {           \
        va_list rest;                                \
        va_start(rest, flags);                       \
        mode = va_arg(rest, int);                    \
        va_end(rest);                                \
    }                                                \
    ready();

int open(const char *path, int flags, ...) {
    MODE(flags)
    return opened(real_open(path, flags, mode), flags);
}

int open64(const char *path, int flags, ...) {
    MODE(flags)
    return opened(real_open(path, flags, mode), flags);
}

int openat(int at, const char *path, int flags, ...) {
    MODE(flags)
    return opened(real_openat(at, path, flags, mode), flags);
}

int openat64(int at, const char *path, int flags, ...) {
    MODE(flags)
    return opened(real_openat(at, path, flags, mode), flags);
}

int close(int fd) {
    ready();
    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < FDS) kinds[fd] = UNKNOWN;
    pthread_mutex_unlock(&lock);
    return real_close(fd);
}

/* Copies what no sync has covered. Needs the lock. */
static void keep_bytes(const struct stat *st, int fd) {
    char path[PATH_MAX], buffer[1 << 16];
    int span = span_of(st->st_ino);
    shadow_path(path, 'f', st->st_ino);
    int to = real_open(path, O_WRONLY | O_CREAT, 0644);
    /* The process may have opened the file for writing only. */
    snprintf(buffer, sizeof buffer, "/proc/self/fd/%d", fd);
    int from = real_open(buffer, O_RDONLY);
    if (to < 0 || from < 0) die(path);
    off_t end = spans[span].to < st->st_size ? spans[span].to : st->st_size;
    for (off_t at = spans[span].from; at < end;) {
        size_t most = end - at < (off_t)sizeof buffer ? (size_t)(end - at) : sizeof buffer;
        ssize_t n = pread(from, buffer, most, at);
        if (n <= 0 || real_pwrite(to, buffer, n, at) != n) die(path);
        at += n;
    }
    if (real_ftruncate(to, st->st_size)) die(path);
    real_close(to);
    real_close(from);
    spans[span].from = spans[span].to = 0;
}

/* Writes down the names in a directory, all at once. Needs the lock. */
static void keep_names(const struct stat *dir, int fd) {
    char path[PATH_MAX], new[PATH_MAX + 8], link[64];
    shadow_path(path, 'd', dir->st_ino);
    snprintf(new, sizeof new, "%s.new", path);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int to = real_open(new, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    DIR *names = opendir(link);
    if (to < 0 || !names) die(path);
    for (struct dirent *name; (name = readdir(names));) {
        char line[NAME_MAX + 64];
        if (strcmp(name->d_name, ".") == 0 || strcmp(name->d_name, "..") == 0) continue;
        int n = snprintf(line, sizeof line, "%llu %c %s\n", (unsigned long long)name->d_ino,
                         name->d_type == DT_DIR ? 'd' : 'f', name->d_name);
        if (real_write(to, line, n) != n) die(path);
    }
    closedir(names);
    real_close(to);
    if (rename(new, path)) die(path);
}

static int sync_of(int fd) {
    ready();
    struct stat st;
    pthread_mutex_lock(&lock);
    int ours = is_ours(fd) && fstat(fd, &st) == 0;
    pthread_mutex_unlock(&lock);
    if (!ours) return real_fsync(fd);
    struct timespec delay = {control->delay_ms / 1000, control->delay_ms % 1000 * 1000000};
    if (control->delay_ms) nanosleep(&delay, NULL);
    int error = 0;
    pthread_mutex_lock(&lock);
    control->syncs++;
    if (fstat(fd, &st)) die("fstat");
    if (control->fail_syncs > 0 && S_ISREG(st.st_mode)) {
        control->fail_syncs--;
        /* As the kernel does: the pages are clean now, and never written. */
        int span = span_of(st.st_ino);
        spans[span].from = spans[span].to = 0;
        error = EIO;
    } else if (*shadow) {
        S_ISDIR(st.st_mode) ? keep_names(&st, fd) : keep_bytes(&st, fd);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return error ? -1 : 0;
}

int fsync(int fd) { return sync_of(fd); }

int fdatasync(int fd) { return sync_of(fd); }
