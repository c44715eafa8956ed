#include "core/io/voter_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/invariant.h"

#define NAME_MAX_HERE 64
#define LOCK_TRIES    20
#define LOCK_PAUSE_MS 25

static enum ms_error refuse(const char *path, const char *what, struct ms_complaint *complaint)
{
    const int why = errno;

    ms_complain(complaint, "%s: %s: %s", path, what, strerror(why));
    return why == ENOSPC || why == EDQUOT  ? MS_E_STORE_FULL
           : why == EACCES || why == EPERM ? MS_E_PERMISSION
                                           : MS_E_IO;
}

/* A new directory survives a power cut when the one above it was synced. */
static bool sync_parent(int fd)
{
    const int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool is_synced = parent >= 0 && fsync(parent) == 0;

    if (parent >= 0) {
        close(parent);
    }
    return is_synced;
}

/* A process that its killed holder had just forked off has the lock until it has become another program. */
static bool take_lock(int directory)
{
    for (int i = 0; flock(directory, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK || i == LOCK_TRIES) {
            return false;
        }
        poll(NULL, 0, LOCK_PAUSE_MS);
    }
    return true;
}

static enum ms_error take_directory(struct ms_voter_file *file, const char *path,
                                    struct ms_complaint *complaint)
{
    const bool is_new = mkdir(path, 0700) == 0;

    if (!is_new && errno != EEXIST) {
        return refuse(path, "cannot be made", complaint);
    }
    file->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->directory < 0 || (is_new && !sync_parent(file->directory))) {
        return refuse(path, "cannot be opened", complaint);
    }
    if (take_lock(file->directory)) {
        return MS_E_OK;
    }
    if (errno != EWOULDBLOCK) {
        return refuse(path, "cannot be locked", complaint);
    }
    ms_complain(complaint, "%s is in use by another process: stop that one first", path);
    return MS_E_PERMISSION;
}

enum ms_error ms_voter_file_open(struct ms_voter_file *file, const char *directory,
                                 const char *name, struct ms_complaint *complaint)
{
    struct ms_text path;

    ms_assert(strlen(name) > 0 && strlen(name) < NAME_MAX_HERE && strchr(name, '/') == NULL);
    file->directory = -1;
    ms_text_init(&path, file->path, sizeof file->path);
    ms_text_add(&path, "%s/%s", directory, name);
    if (ms_text_is_cut(&path)) {
        ms_complain(complaint, "the path of the directory for %s is too long", name);
        return MS_E_BAD_ARGUMENT;
    }
    file->name = strrchr(file->path, '/') + 1;
    const enum ms_error error = take_directory(file, directory, complaint);
    if (error != MS_E_OK) {
        ms_voter_file_close(file);
    }
    return error;
}

void ms_voter_file_close(struct ms_voter_file *file)
{
    if (file->directory >= 0) {
        close(file->directory);
    }
    file->directory = -1;
}

/* Until the end, or until size bytes are there; -1 = it failed. */
static ssize_t read_all(int fd, uint8_t *bytes_out, size_t size)
{
    size_t done = 0;

    while (done < size) {
        const ssize_t got = read(fd, bytes_out + done, size - done);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    return (ssize_t)done;
}

enum ms_error ms_voter_file_read(const struct ms_voter_file *file, uint8_t *bytes_out, size_t size,
                                 size_t *size_out, struct ms_complaint *complaint)
{
    enum ms_error error = MS_E_OK;
    uint8_t beyond = 0;

    ms_assert(file->directory >= 0);
    *size_out = 0;
    const int fd = openat(file->directory, file->name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        ms_complain(complaint, "%s: there is no such file", file->path);
        return MS_E_NOT_FOUND;
    }
    if (fd < 0) {
        return refuse(file->path, "cannot be opened", complaint);
    }
    const ssize_t got = read_all(fd, bytes_out, size);
    const ssize_t more = got < 0 ? 0 : read_all(fd, &beyond, 1);
    if (got < 0 || more < 0) {
        error = refuse(file->path, "cannot be read", complaint);
    } else if (more > 0) {
        ms_complain(complaint, "%s: longer than any record: it is damaged", file->path);
        error = MS_E_MALFORMED;
    } else {
        *size_out = (size_t)got;
    }
    close(fd);
    return error;
}

static bool write_all(int fd, struct ms_bytes bytes)
{
    while (bytes.size > 0) {
        const ssize_t done = write(fd, bytes.data, bytes.size);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return false;
        }
        bytes.data += done;
        bytes.size -= (size_t)done;
    }
    return true;
}

static enum ms_error write_new(const struct ms_voter_file *file, const char *name,
                               struct ms_bytes bytes, struct ms_complaint *complaint)
{
    enum ms_error error = MS_E_OK;
    const int fd =
        openat(file->directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0) {
        return refuse(file->path, "a new one cannot be made", complaint);
    }
    if (!write_all(fd, bytes)) {
        error = refuse(file->path, "a new one cannot be written", complaint);
    } else if (fsync(fd) != 0) {
        error = refuse(file->path, "a new one cannot be synced", complaint);
    }
    if (close(fd) != 0 && error == MS_E_OK) {
        error = refuse(file->path, "a new one cannot be closed", complaint);
    }
    return error;
}

/* It has the name for good once the directory is synced. */
static enum ms_error rename_to(const struct ms_voter_file *file, const char *from, const char *to,
                               struct ms_complaint *complaint)
{
    if (renameat(file->directory, from, file->directory, to) != 0) {
        return refuse(file->path, "cannot be renamed", complaint);
    }
    if (fsync(file->directory) != 0) {
        return refuse(file->path, "its directory cannot be synced", complaint);
    }
    return MS_E_OK;
}

enum ms_error ms_voter_file_write(const struct ms_voter_file *file, struct ms_bytes bytes,
                                  struct ms_complaint *complaint)
{
    char name[NAME_MAX_HERE + 8];

    ms_assert(file->directory >= 0 && bytes.size > 0);
    snprintf(name, sizeof name, "%s.new", file->name);
    const enum ms_error error = write_new(file, name, bytes, complaint);
    return error != MS_E_OK ? error : rename_to(file, name, file->name, complaint);
}

enum ms_error ms_voter_file_set_aside(const struct ms_voter_file *file,
                                      struct ms_complaint *complaint)
{
    char name[NAME_MAX_HERE + 16];

    ms_assert(file->directory >= 0);
    snprintf(name, sizeof name, "%s.damaged", file->name);
    return rename_to(file, file->name, name, complaint);
}
