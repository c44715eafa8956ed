#include "core/io/store_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/io/store.h"

#define LOCK_NAME    "lock"
#define RESERVE_NAME "reserve"
#define PARTIAL_NAME "importing"

static enum ms_error refuse(const char *path, int why, struct ms_complaint *complaint)
{
    ms_complain(complaint, "data directory %s: %s", path, strerror(why));
    return why == ENOSPC || why == EDQUOT  ? MS_E_STORE_FULL
           : why == EACCES || why == EPERM ? MS_E_PERMISSION
                                           : MS_E_IO;
}

/* A new directory survives a power cut when the one above it was synced. */
static void sync_parent(int fd)
{
    int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (parent >= 0) {
        (void)fsync(parent);
        close(parent);
    }
}

/* The lock goes away with the process, however it ends. The number inside is for people. */
static enum ms_error take_lock(struct ms_store_directory *directory, const char *path,
                               bool is_read_only, struct ms_complaint *complaint)
{
    const int flags = is_read_only ? O_RDWR : O_RDWR | O_CREAT;
    char text[32] = "";
    ssize_t size;

    directory->lock_fd = openat(directory->fd, LOCK_NAME, flags | O_CLOEXEC, 0600);
    if (directory->lock_fd < 0 && errno == ENOENT) {
        ms_complain(complaint, "data directory %s: there is no store in it", path);
        return MS_E_IO;
    }
    if (directory->lock_fd < 0) {
        return refuse(path, errno, complaint);
    }
    if (flock(directory->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return refuse(path, errno, complaint);
        }
        size = pread(directory->lock_fd, text, sizeof text - 1, 0);
        text[size < 0 ? 0 : size] = '\0';
        text[strcspn(text, "\n")] = '\0';
        ms_complain(complaint, "data directory %s is in use by process %s: stop that one first",
                    path, text[0] == '\0' ? "(unknown)" : text);
        return MS_E_PERMISSION;
    }
    if (!is_read_only) {
        size = snprintf(text, sizeof text, "%ld\n", (long)getpid());
        if (ftruncate(directory->lock_fd, 0) != 0 ||
            pwrite(directory->lock_fd, text, (size_t)size, 0) != size) {
            text[0] = '\0'; /* the disk may be full; the lock holds without a name */
        }
    }
    return MS_E_OK;
}

static enum ms_error refuse_partial(const struct ms_store_directory *directory, const char *path,
                                    struct ms_complaint *complaint)
{
    if (faccessat(directory->fd, PARTIAL_NAME, F_OK, 0) != 0) {
        return MS_E_OK;
    }
    ms_complain(complaint,
                "data directory %s holds a part of an import that did not end: remove it, and "
                "import again",
                path);
    return MS_E_STORE_CORRUPT;
}

bool ms_store_mark(const char *path, bool is_partial)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int mark = -1;
    bool is_good;

    if (fd < 0) {
        return false;
    }
    if (is_partial) {
        mark = openat(fd, PARTIAL_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        is_good = mark >= 0;
    } else {
        is_good = unlinkat(fd, PARTIAL_NAME, 0) == 0;
    }
    is_good = is_good && fsync(fd) == 0;
    if (mark >= 0) {
        close(mark);
    }
    close(fd);
    return is_good;
}

enum ms_error ms_store_directory_open(struct ms_store_directory *directory, const char *path,
                                      bool is_read_only, struct ms_complaint *complaint)
{
    bool is_new = !is_read_only && mkdir(path, 0700) == 0;
    enum ms_error error;

    directory->fd = -1;
    directory->lock_fd = -1;
    if (!is_read_only && !is_new && errno != EEXIST) {
        return refuse(path, errno, complaint);
    }
    directory->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->fd < 0) {
        return refuse(path, errno, complaint);
    }
    if (is_new) {
        sync_parent(directory->fd);
    }
    error = take_lock(directory, path, is_read_only, complaint);
    return error == MS_E_OK ? refuse_partial(directory, path, complaint) : error;
}

enum ms_error ms_store_directory_visit(struct ms_store_directory *directory, const char *path,
                                       struct ms_complaint *complaint)
{
    directory->lock_fd = -1;
    directory->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return directory->fd < 0 ? refuse(path, errno, complaint) : MS_E_OK;
}

void ms_store_directory_close(struct ms_store_directory *directory)
{
    if (directory->lock_fd >= 0) {
        close(directory->lock_fd);
    }
    if (directory->fd >= 0) {
        close(directory->fd);
    }
    directory->lock_fd = -1;
    directory->fd = -1;
}

uint64_t ms_store_directory_free(const struct ms_store_directory *directory)
{
    struct statvfs disk;

    if (fstatvfs(directory->fd, &disk) != 0) {
        return 0;
    }
    return (uint64_t)disk.f_bavail * disk.f_frsize;
}

/* Twice as much must be free, so that the reserve is not taken and given back in turns. */
bool ms_store_directory_hold(struct ms_store_directory *directory)
{
    struct stat stat;
    uint64_t held;
    int fd;

    if (directory->is_reserve_held || directory->reserve == 0) {
        directory->is_reserve_held = true;
        return true;
    }
    fd = openat(directory->fd, RESERVE_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    held = fstat(fd, &stat) == 0 ? (uint64_t)stat.st_blocks * 512 : 0;
    if (held >= directory->reserve ||
        ms_store_directory_free(directory) + held >= 2 * directory->reserve) {
        directory->is_reserve_held = ftruncate(fd, (off_t)directory->reserve) == 0 &&
                                     posix_fallocate(fd, 0, (off_t)directory->reserve) == 0 &&
                                     fsync(fd) == 0;
        if (!directory->is_reserve_held && ftruncate(fd, 0) != 0) {
            directory->is_reserve_held = false; /* what was allocated of it stays a part of it */
        }
    }
    close(fd);
    return directory->is_reserve_held;
}

bool ms_store_directory_release(struct ms_store_directory *directory)
{
    if (directory->reserve == 0 || unlinkat(directory->fd, RESERVE_NAME, 0) != 0) {
        return false;
    }
    directory->is_reserve_held = false;
    return true;
}

uint64_t ms_store_directory_room(const struct ms_store_directory *directory, uint64_t file_bytes,
                                 uint64_t file_free)
{
    const uint64_t reserve = directory->is_reserve_held ? directory->reserve : 0;
    uint64_t room = ms_store_directory_free(directory) + reserve + file_free;
    const uint64_t used = file_bytes - file_free;

    if (directory->bytes_max != 0) {
        uint64_t left = directory->bytes_max > used ? directory->bytes_max - used : 0;

        room = left < room ? left : room;
    }
    return room / MS_STORE_DISK_FACTOR;
}
