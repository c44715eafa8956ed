#include "faults.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <fcntl.h>
#include <unistd.h>

#define PATH_SIZE 512
#define FILES_MAX 8
#define SECTOR    512
#define BLOCK     4096

/* A write that no sync has covered: what was there, what came. */
struct pending {
    struct pending *next;
    int file;
    sqlite3_int64 at, size_before;
    int size;
    uint8_t *before, *after;
    bool is_cut; /* a truncation to `at` */
};

/* What SQLite sees as a file: ours first, the real one behind it. */
struct shim {
    sqlite3_file base;
    int file;
    sqlite3_file *real;
};

static struct {
    pthread_mutex_t lock;
    sqlite3_vfs vfs, *real;
    sqlite3_io_methods methods;
    sqlite3_mem_methods memory;
    enum fault fault;
    uint64_t n, writes, syncs, allocations;
    uint32_t seed;
    bool is_reached, is_dead; /* dead: no power */
    struct pending *oldest, **newest;
    char paths[FILES_MAX][PATH_SIZE];
    int files;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .newest = &disk.oldest};

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct shim *)file)->real;
}

static void forget(struct pending *one)
{
    free(one->before);
    free(one->after);
    free(one);
}

/* A sync makes everything durable that was written to the file; drop = -1: of all files. */
static void forget_file(int file)
{
    struct pending **link = &disk.oldest;

    while (*link != NULL) {
        struct pending *one = *link;

        if (file < 0 || one->file == file) {
            *link = one->next;
            forget(one);
        } else {
            link = &one->next;
        }
    }
    disk.newest = link;
}

static void remember(struct shim *shim, const void *data, int size, sqlite3_int64 at)
{
    struct pending *one = calloc(1, sizeof *one);

    one->file = shim->file;
    one->at = at;
    one->size = size;
    one->is_cut = data == NULL;
    shim->real->pMethods->xFileSize(shim->real, &one->size_before);
    if (data == NULL && one->size_before > at) {
        one->size = (int)(one->size_before - at);
    }
    one->before = calloc(1, (size_t)one->size + 1);
    if (at < one->size_before) {
        shim->real->pMethods->xRead(shim->real, one->before, one->size, at);
    }
    if (data != NULL) {
        one->after = malloc((size_t)size);
        memcpy(one->after, data, (size_t)size);
    }
    *disk.newest = one;
    disk.newest = &one->next;
}

/* A power cut loses any of a write's blocks. */
static void remember_blocks(struct shim *shim, const uint8_t *data, int size, sqlite3_int64 at)
{
    while (size > 0) {
        const int rest = BLOCK - (int)(at % BLOCK), piece = size < rest ? size : rest;

        remember(shim, data, piece, at);
        data += piece;
        at += piece;
        size -= piece;
    }
}

/* Whether this operation is the one; counts it. */
static bool is_hit(uint64_t *counter, bool counts)
{
    if (!counts || disk.is_reached) {
        return false;
    }
    disk.is_reached = ++*counter == disk.n;
    return disk.is_reached;
}

static int write_locked(struct shim *shim, const void *data, int size, sqlite3_int64 at)
{
    if (disk.is_dead) {
        return SQLITE_IOERR_WRITE;
    }
    if (is_hit(&disk.writes, disk.fault == FAULT_WRITE)) {
        return SQLITE_IOERR_WRITE;
    }
    if (is_hit(&disk.writes, disk.fault == FAULT_FULL)) {
        return SQLITE_FULL;
    }
    if (disk.fault == FAULT_POWER) {
        remember_blocks(shim, data, size, at);
        disk.is_dead = is_hit(&disk.writes, true);
    }
    return shim->real->pMethods->xWrite(shim->real, data, size, at);
}

static int shim_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 at)
{
    bool hangs;
    int code;

    pthread_mutex_lock(&disk.lock);
    hangs = is_hit(&disk.writes, disk.fault == FAULT_HANG);
    code = write_locked((struct shim *)file, data, size, at);
    pthread_mutex_unlock(&disk.lock);
    while (hangs) {
        pause();
    }
    return code;
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = SQLITE_IOERR_TRUNCATE;

    pthread_mutex_lock(&disk.lock);
    if (!disk.is_dead) {
        if (disk.fault == FAULT_POWER) {
            remember((struct shim *)file, NULL, 0, size);
        }
        code = real_of(file)->pMethods->xTruncate(real_of(file), size);
    }
    pthread_mutex_unlock(&disk.lock);
    return code;
}

/* The real disk is not asked: a sync is the moment when a power cut can take nothing away any more. */
static int shim_sync(sqlite3_file *file, int flags)
{
    int code = SQLITE_OK;

    (void)flags;
    pthread_mutex_lock(&disk.lock);
    if (disk.is_dead || is_hit(&disk.syncs, disk.fault == FAULT_SYNC)) {
        code = SQLITE_IOERR_FSYNC;
    } else if (disk.fault == FAULT_POWER && is_hit(&disk.writes, true)) {
        disk.is_dead = true; /* before it did anything */
        code = SQLITE_IOERR_FSYNC;
    } else {
        forget_file(((struct shim *)file)->file);
    }
    pthread_mutex_unlock(&disk.lock);
    return code;
}

static int shim_close(sqlite3_file *file)
{
    struct shim *shim = (struct shim *)file;
    int code = shim->real->pMethods->xClose(shim->real);

    free(shim->real);
    return code;
}

static int shim_read(sqlite3_file *file, void *data, int size, sqlite3_int64 at)
{
    return real_of(file)->pMethods->xRead(real_of(file), data, size, at);
}

static int shim_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int shim_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int shim_reserved(sqlite3_file *file, int *result)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}

static int shim_control(sqlite3_file *file, int op, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, argument);
}

static int shim_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int shim_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int number_of(const char *path)
{
    for (int i = 0; i < disk.files; i++) {
        if (strcmp(disk.paths[i], path) == 0) {
            return i;
        }
    }
    snprintf(disk.paths[disk.files % FILES_MAX], PATH_SIZE, "%s", path);
    return disk.files++ % FILES_MAX;
}

static int shim_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out)
{
    struct shim *shim = (struct shim *)file;
    int code;

    (void)vfs;
    shim->base.pMethods = NULL;
    shim->real = calloc(1, (size_t)disk.real->szOsFile);
    code = disk.real->xOpen(disk.real, path, shim->real, flags, out);
    if (code != SQLITE_OK) {
        free(shim->real);
        return code;
    }
    pthread_mutex_lock(&disk.lock);
    shim->file = number_of(path == NULL ? "" : path);
    pthread_mutex_unlock(&disk.lock);
    shim->base.pMethods = &disk.methods;
    return SQLITE_OK;
}

static void *bad_malloc(int size)
{
    if (disk.fault == FAULT_ALLOCATION &&
        __atomic_add_fetch(&disk.allocations, 1, __ATOMIC_RELAXED) >= disk.n) {
        disk.is_reached = true;
        return NULL;
    }
    return disk.memory.xMalloc(size);
}

/* Whether a change of the directory may be made. */
static bool may_change(void)
{
    bool may = true;

    pthread_mutex_lock(&disk.lock);
    if (disk.is_dead || is_hit(&disk.writes, disk.fault == FAULT_WRITE)) {
        may = false;
    } else if (disk.fault == FAULT_POWER && is_hit(&disk.writes, true)) {
        disk.is_dead = true;
        may = false;
    }
    pthread_mutex_unlock(&disk.lock);
    if (!may) {
        errno = EIO;
    }
    return may;
}

/* The linker puts these in place of the calls. */
int __real_unlinkat(int fd, const char *path, int flags);
int __wrap_unlinkat(int fd, const char *path, int flags);
int __real_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_unlinkat(int fd, const char *path, int flags)
{
    return may_change() ? __real_unlinkat(fd, path, flags) : -1;
}

int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    return may_change() ? __real_linkat(from_fd, from, to_fd, to, flags) : -1;
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return may_change() ? __real_renameat(from_fd, from, to_fd, to) : -1;
}

int __wrap_fsync(int fd)
{
    return may_change() ? __real_fsync(fd) : -1;
}

void faults_install(void)
{
    sqlite3_mem_methods memory;

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &disk.memory);
    memory = disk.memory;
    memory.xMalloc = bad_malloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.zName = "faults";
    disk.vfs.szOsFile = sizeof(struct shim);
    disk.vfs.xOpen = shim_open;
    disk.methods = (sqlite3_io_methods){
        .iVersion = 1,
        .xClose = shim_close,
        .xRead = shim_read,
        .xWrite = shim_write,
        .xTruncate = shim_truncate,
        .xSync = shim_sync,
        .xFileSize = shim_size,
        .xLock = shim_lock,
        .xUnlock = shim_unlock,
        .xCheckReservedLock = shim_reserved,
        .xFileControl = shim_control,
        .xSectorSize = shim_sector,
        .xDeviceCharacteristics = shim_characteristics,
    };
    sqlite3_vfs_register(&disk.vfs, 1);
}

void faults_arm(enum fault fault, uint64_t n, uint32_t seed)
{
    pthread_mutex_lock(&disk.lock);
    forget_file(-1);
    disk.fault = fault;
    disk.n = n;
    disk.seed = seed;
    disk.writes = disk.syncs = disk.allocations = 0;
    disk.is_reached = disk.is_dead = false;
    disk.files = 0;
    pthread_mutex_unlock(&disk.lock);
}

static uint32_t next_random(void)
{
    disk.seed = disk.seed * 1664525 + 1013904223;
    return disk.seed >> 8;
}

/* Everything is undone, newest first; then what the disk had taken by chance is done again, some of it
 * torn at a sector. */
static void lose(void)
{
    struct pending *all[65536];
    size_t count = 0;

    for (struct pending *one = disk.oldest; one != NULL && count < 65536; one = one->next) {
        all[count++] = one;
    }
    for (size_t i = count; i-- > 0;) {
        const struct pending *one = all[i];
        int fd = open(disk.paths[one->file], O_RDWR);

        if (fd < 0) {
            continue; /* deleted meanwhile */
        }
        if (pwrite(fd, one->before, (size_t)one->size, one->at) < 0 ||
            ftruncate(fd, one->size_before) != 0) {
            abort();
        }
        close(fd);
    }
    for (size_t i = 0; i < count; i++) {
        const struct pending *one = all[i];
        int fd = open(disk.paths[one->file], O_RDWR);
        size_t size = (size_t)one->size;

        if (fd < 0) {
            continue;
        }
        if (next_random() % 4 == 0) {
            size = size / SECTOR * (next_random() % 100) / 100 * SECTOR;
        }
        if (next_random() % 2 == 0 &&
            (one->is_cut ? ftruncate(fd, one->at)
                         : (int)(pwrite(fd, one->after, size, one->at) < 0)) != 0) {
            abort();
        }
        close(fd);
    }
}

bool faults_settle(void)
{
    bool is_reached;

    pthread_mutex_lock(&disk.lock);
    is_reached = disk.is_reached;
    if (disk.is_dead) {
        lose();
    }
    forget_file(-1);
    disk.fault = FAULT_NONE;
    disk.is_dead = false;
    pthread_mutex_unlock(&disk.lock);
    return is_reached;
}
