#include "core/io/voter_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/invariant.h"
#include "core/io/voter_slots.h"

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
    *file = (struct ms_voter_file){.directory = -1, .blocks = -1};
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

static void let_go(struct ms_voter_file *file)
{
    if (file->blocks >= 0) {
        close(file->blocks);
    }
    file->blocks = -1;
}

void ms_voter_file_close(struct ms_voter_file *file)
{
    let_go(file);
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

static bool write_all(int fd, struct ms_bytes bytes, size_t at)
{
    while (bytes.size > 0) {
        const ssize_t done = pwrite(fd, bytes.data, bytes.size, (off_t)at);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return false;
        }
        bytes.data += done;
        bytes.size -= (size_t)done;
        at += (size_t)done;
    }
    return true;
}

/* The record of that number is on the disk, and the mark says so as soon as the kernel writes it; nothing waits for that. */
static enum ms_error write_block(const struct ms_voter_file *file, uint64_t number,
                                 struct ms_bytes record, struct ms_complaint *complaint)
{
    const size_t at = ms_voter_slot_at(number);
    uint8_t block[MS_VOTER_BLOCK];

    ms_voter_block_put(block, number, record);
    if (!write_all(file->blocks, (struct ms_bytes){block, sizeof block}, at)) {
        return refuse(file->path, "cannot be written", complaint);
    }
    if (fdatasync(file->blocks) != 0) {
        return refuse(file->path, "cannot be synced", complaint);
    }
    ms_voter_block_put(block, number, (struct ms_bytes){NULL, 0});
    if (!write_all(file->blocks, (struct ms_bytes){block, sizeof block}, MS_VOTER_MARK_AT)) {
        return refuse(file->path, "cannot be written", complaint);
    }
    return MS_E_OK;
}

/* What is there was perhaps written by a process that was killed before its sync, or whose sync failed: then it is in memory
 * only, and a sync alone would not say so. The other slot stays as it is. */
static enum ms_error settle(struct ms_voter_file *file, const struct ms_voter_newest *newest,
                            struct ms_complaint *complaint)
{
    const enum ms_error error = write_block(file, newest->number, newest->record, complaint);

    if (error != MS_E_OK) {
        return error;
    }
    file->number = newest->number;
    return MS_E_OK;
}

/* content: the whole file, and the record is within it. Number 0: it is of the form before. */
static enum ms_error find_newest(const char *path, struct ms_bytes content,
                                 struct ms_voter_newest *newest_out, struct ms_complaint *complaint)
{
    if (content.size < MS_VOTER_FILE_SIZE) {
        *newest_out = (struct ms_voter_newest){.number = 0, .record = content};
        return MS_E_OK;
    }
    if (content.size > MS_VOTER_FILE_SIZE || !ms_voter_slots_newest(content.data, newest_out)) {
        ms_complain(complaint, "%s: the record that was written last cannot be read: it is damaged",
                    path);
        return MS_E_MALFORMED;
    }
    return MS_E_OK;
}

static enum ms_error find_record(struct ms_voter_file *file, struct ms_bytes content,
                                 struct ms_bytes *record_out, struct ms_complaint *complaint)
{
    struct ms_voter_newest newest;
    const enum ms_error error = find_newest(file->path, content, &newest, complaint);

    if (error != MS_E_OK) {
        return error;
    }
    *record_out = newest.record;
    if (newest.number == 0) {
        let_go(file);
        return MS_E_OK;
    }
    return settle(file, &newest, complaint);
}

static enum ms_error open_blocks(struct ms_voter_file *file, struct ms_complaint *complaint)
{
    let_go(file);
    file->blocks = openat(file->directory, file->name, O_RDWR | O_CLOEXEC);
    if (file->blocks < 0 && errno == ENOENT) {
        ms_complain(complaint, "%s: there is no such file", file->path);
        return MS_E_NOT_FOUND;
    }
    return file->blocks >= 0 ? MS_E_OK : refuse(file->path, "cannot be opened", complaint);
}

static enum ms_error read_record(struct ms_voter_file *file, uint8_t *content_out,
                                 struct ms_bytes *record_out, struct ms_complaint *complaint)
{
    const enum ms_error error = open_blocks(file, complaint);

    if (error != MS_E_OK) {
        return error;
    }
    if (fsync(file->directory) != 0) { /* its name may be new */
        return refuse(file->path, "its directory cannot be synced", complaint);
    }
    const ssize_t got = read_all(file->blocks, content_out, MS_VOTER_FILE_SIZE + 1);
    if (got < 0) {
        return refuse(file->path, "cannot be read", complaint);
    }
    return find_record(file, (struct ms_bytes){content_out, (size_t)got}, record_out, complaint);
}

static enum ms_error copy_out(const char *path, struct ms_bytes record, uint8_t *bytes_out,
                              size_t *size, struct ms_complaint *complaint)
{
    if (record.size > *size) {
        ms_complain(complaint, "%s: longer than any record: it is damaged", path);
        return MS_E_MALFORMED;
    }
    memcpy(bytes_out, record.data, record.size);
    *size = record.size;
    return MS_E_OK;
}

enum ms_error ms_voter_file_read(struct ms_voter_file *file, uint8_t *bytes_out, size_t size,
                                 size_t *size_out, struct ms_complaint *complaint)
{
    uint8_t content[MS_VOTER_FILE_SIZE + 1];
    struct ms_bytes record = {0};

    ms_assert(file->directory >= 0);
    *size_out = 0;
    enum ms_error error = read_record(file, content, &record, complaint);
    if (error == MS_E_OK) {
        error = copy_out(file->path, record, bytes_out, &size, complaint);
    }
    if (error != MS_E_OK) {
        let_go(file);
        return error;
    }
    *size_out = size;
    return MS_E_OK;
}

enum ms_error ms_voter_file_look(const char *path, uint8_t *bytes_out, size_t size,
                                 size_t *size_out, struct ms_complaint *complaint)
{
    uint8_t content[MS_VOTER_FILE_SIZE + 1];
    struct ms_voter_newest newest;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);

    *size_out = 0;
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        ms_complain(complaint, "%s: there is no such file", path);
        return MS_E_NOT_FOUND;
    }
    const ssize_t got = fd < 0 ? -1 : read_all(fd, content, sizeof content);
    enum ms_error error = got >= 0 ? MS_E_OK : refuse(path, "cannot be read", complaint);
    if (fd >= 0) {
        close(fd);
    }
    if (error == MS_E_OK) {
        error = find_newest(path, (struct ms_bytes){content, (size_t)got}, &newest, complaint);
    }
    if (error == MS_E_OK) {
        error = copy_out(path, newest.record, bytes_out, &size, complaint);
    }
    *size_out = error == MS_E_OK ? size : 0;
    return error;
}

/* The first record, and room for all others. */
static enum ms_error write_new(struct ms_voter_file *file, const char *name, struct ms_bytes record,
                               struct ms_complaint *complaint)
{
    static const uint64_t first = 1;
    uint8_t content[MS_VOTER_FILE_SIZE] = {0};

    file->blocks =
        openat(file->directory, name, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file->blocks < 0) {
        return refuse(file->path, "a new one cannot be made", complaint);
    }
    ms_voter_block_put(content + ms_voter_slot_at(first), first, record);
    ms_voter_block_put(content + MS_VOTER_MARK_AT, first, (struct ms_bytes){NULL, 0});
    if (!write_all(file->blocks, (struct ms_bytes){content, sizeof content}, 0)) {
        return refuse(file->path, "a new one cannot be written", complaint);
    }
    if (fsync(file->blocks) != 0) {
        return refuse(file->path, "a new one cannot be synced", complaint);
    }
    file->number = first;
    return MS_E_OK;
}

static enum ms_error sync_directory(const struct ms_voter_file *file,
                                    struct ms_complaint *complaint)
{
    return fsync(file->directory) == 0
               ? MS_E_OK
               : refuse(file->path, "its directory cannot be synced", complaint);
}

/* It has the name for good once the directory is synced. */
static enum ms_error rename_to(const struct ms_voter_file *file, const char *from, const char *to,
                               struct ms_complaint *complaint)
{
    if (renameat(file->directory, from, file->directory, to) != 0) {
        return refuse(file->path, "cannot be renamed", complaint);
    }
    return sync_directory(file, complaint);
}

static enum ms_error make(struct ms_voter_file *file, struct ms_bytes record,
                          struct ms_complaint *complaint)
{
    char name[NAME_MAX_HERE + 8];

    snprintf(name, sizeof name, "%s.new", file->name);
    const enum ms_error error = write_new(file, name, record, complaint);
    return error != MS_E_OK ? error : rename_to(file, name, file->name, complaint);
}

enum ms_error ms_voter_file_write(struct ms_voter_file *file, struct ms_bytes bytes,
                                  struct ms_complaint *complaint)
{
    enum ms_error error;

    ms_assert(file->directory >= 0);
    ms_assert(bytes.size > 0 && bytes.size <= MS_VOTER_RECORD_MAX);
    if (file->has_failed) {
        ms_complain(complaint, "%s: an earlier write failed, and it is not tried again",
                    file->path);
        return MS_E_IO;
    }
    if (file->blocks < 0) {
        error = make(file, bytes, complaint);
    } else {
        error = write_block(file, file->number + 1, bytes, complaint);
        file->number++;
    }
    file->has_failed = error != MS_E_OK;
    return error;
}

enum ms_error ms_voter_file_set_aside(struct ms_voter_file *file, struct ms_complaint *complaint)
{
    char name[NAME_MAX_HERE + 16];

    ms_assert(file->directory >= 0);
    let_go(file);
    snprintf(name, sizeof name, "%s.damaged", file->name);
    return rename_to(file, file->name, name, complaint);
}

enum ms_error ms_voter_file_remove(struct ms_voter_file *file, struct ms_complaint *complaint)
{
    ms_assert(file->directory >= 0);
    let_go(file);
    if (unlinkat(file->directory, file->name, 0) != 0) {
        return refuse(file->path, "cannot be removed", complaint);
    }
    return sync_directory(file, complaint);
}
