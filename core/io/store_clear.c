/* Emptying a store, keeping what it was, and a second one beside it that takes its place. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/invariant.h"
#include "core/io/store_keeper.h"

#define NEW_NAME     "store.new"
#define NEW_LOG_NAME "store.new-wal"
#define NEW_END_NAME "store.new-end"
#define NAME_SIZE    64
#define ASIDE_MAX    1000u /* files of one number */

static enum ms_store_result complain(const char *what, struct ms_complaint *complaint)
{
    ms_complain(complaint, "replacing the store: %s: %s", what, strerror(errno));
    return MS_STORE_FAILED;
}

static enum ms_store_result of_file(const struct ms_store_keeper *keeper,
                                    enum ms_store_result result, struct ms_complaint *complaint)
{
    if (result == MS_STORE_FAILED) {
        ms_complain(complaint, "%s", ms_store_file_failure(keeper->file));
    }
    return result;
}

static void begin_anew(struct ms_store_keeper *keeper)
{
    ms_store_ring_finish(&keeper->ring);
    keeper->ring = (struct ms_store_ring){0};
    keeper->records = 0;
}

/* One transaction, so a crash leaves all or nothing. */
static enum ms_store_result erase_all(struct ms_store_keeper *keeper)
{
    enum ms_store_result result = ms_store_file_begin(keeper->file);

    if (result == MS_STORE_DONE) {
        result = ms_store_file_erase_all_old(keeper->file);
    }
    if (result == MS_STORE_DONE) {
        result = ms_store_file_erase_all_young(keeper->file);
    }
    if (result == MS_STORE_DONE) {
        result = ms_store_file_commit(keeper->file);
    }
    if (result != MS_STORE_DONE) {
        ms_store_file_rollback(keeper->file);
    }
    return result;
}

static bool remove_if_there(int fd, const char *name)
{
    return unlinkat(fd, name, 0) == 0 || errno == ENOENT;
}

static bool remove_new(const struct ms_store_keeper *keeper)
{
    const int fd = keeper->directory.fd;
    const bool is_gone = remove_if_there(fd, NEW_NAME);

    return remove_if_there(fd, NEW_LOG_NAME) && remove_if_there(fd, NEW_END_NAME) && is_gone;
}

/* An empty store beside the present one, whole without a log. */
static enum ms_store_result make_new(struct ms_store_keeper *keeper, struct ms_complaint *complaint)
{
    struct ms_store_file_options options = keeper->file_options;
    struct ms_store_file *file;
    enum ms_error error = MS_E_OK;

    if (!remove_new(keeper)) {
        return complain(NEW_NAME, complaint);
    }
    options.name = NEW_NAME;
    options.log_size = 0;
    file = ms_store_file_open(&options, &error, complaint);
    if (file != NULL && !ms_store_file_close(file)) {
        ms_complain(complaint, "%s/" NEW_NAME ": could not be written", options.directory);
        error = MS_E_IO;
    }
    if (error == MS_E_OK && (!remove_if_there(keeper->directory.fd, NEW_LOG_NAME) ||
                             !remove_if_there(keeper->directory.fd, NEW_END_NAME))) {
        return complain(NEW_LOG_NAME, complaint);
    }
    return error == MS_E_OK           ? MS_STORE_DONE
           : error == MS_E_STORE_FULL ? MS_STORE_FULL
                                      : MS_STORE_FAILED;
}

/* A second name for the present file, one that nothing has yet. */
static bool link_aside(int fd, uint64_t number, enum ms_aside kind)
{
    const char *prefix = ms_store_aside_prefix(kind);
    char name[NAME_SIZE];

    for (unsigned i = 1; i <= ASIDE_MAX; i++) {
        snprintf(name, sizeof name, i == 1 ? "%s%llu.db" : "%s%llu-%u.db", prefix,
                 (unsigned long long)number, i);
        if (linkat(fd, MS_STORE_FILE_NAME, fd, name, 0) == 0) {
            return true;
        }
        if (errno != EEXIST) {
            return false;
        }
    }
    return false;
}

/* At every moment the name of the store is that of a whole one, the old or the new. The log and its end must not be found
 * beside the new one, and the old one must have its second name, if it is kept, before it loses the first. */
static bool exchange(const struct ms_store_keeper *keeper, uint64_t number, enum ms_aside kind)
{
    const int fd = keeper->directory.fd;

    return remove_if_there(fd, MS_STORE_LOG_NAME) && remove_if_there(fd, MS_STORE_END_NAME) &&
           fsync(fd) == 0 && (number == 0 || (link_aside(fd, number, kind) && fsync(fd) == 0)) &&
           renameat(fd, NEW_NAME, fd, MS_STORE_FILE_NAME) == 0 && fsync(fd) == 0;
}

/* Everything that is in it is in the file, which needs no log. */
static bool close_whole(struct ms_store_file *file, struct ms_complaint *complaint)
{
    const bool is_whole = ms_store_file_log_bytes(file) == 0;

    if (!ms_store_file_close(file) || !is_whole) {
        ms_complain(complaint, "replacing the store: it could not be closed");
        return false;
    }
    return true;
}

static enum ms_store_result set_aside(struct ms_store_keeper *keeper, uint64_t number,
                                      enum ms_aside kind, struct ms_complaint *complaint)
{
    enum ms_store_result result = ms_store_file_checkpoint(keeper->file);
    enum ms_error error = MS_E_OK;
    bool is_closed;

    ms_assert(!keeper->is_beside);
    if (result != MS_STORE_DONE) {
        return of_file(keeper, result, complaint);
    }
    result = make_new(keeper, complaint);
    if (result != MS_STORE_DONE) {
        return result;
    }
    is_closed = close_whole(keeper->file, complaint);
    keeper->file = NULL;
    if (!is_closed) {
        return MS_STORE_FAILED;
    }
    if (!exchange(keeper, number, kind)) {
        return complain(MS_STORE_FILE_NAME, complaint);
    }
    keeper->file = ms_store_file_open(&keeper->file_options, &error, complaint);
    return keeper->file != NULL ? MS_STORE_DONE : MS_STORE_FAILED;
}

enum ms_store_result ms_store_keeper_clear(struct ms_store_keeper *keeper, uint64_t number,
                                           enum ms_aside kind, struct ms_complaint *complaint)
{
    const enum ms_store_result result = number == 0 ? of_file(keeper, erase_all(keeper), complaint)
                                                    : set_aside(keeper, number, kind, complaint);

    if (result == MS_STORE_DONE) {
        begin_anew(keeper);
    }
    return result;
}

bool ms_store_keeper_has_room_beside(struct ms_store_keeper *keeper)
{
    uint64_t bytes, free_bytes;

    ms_store_file_sizes(keeper->file, &bytes, &free_bytes);
    return ms_store_directory_free(&keeper->directory) >= bytes - free_bytes + keeper->log_max;
}

enum ms_store_result ms_store_keeper_begin_beside(struct ms_store_keeper *keeper,
                                                  struct ms_complaint *complaint)
{
    struct ms_store_file *old = keeper->file;
    enum ms_store_result result = ms_store_file_checkpoint(old);
    enum ms_error error = MS_E_OK;

    ms_assert(!keeper->is_beside);
    if (result != MS_STORE_DONE) {
        return of_file(keeper, result, complaint);
    }
    if (!remove_new(keeper)) {
        return complain(NEW_NAME, complaint);
    }
    keeper->file_options.name = NEW_NAME;
    keeper->file = ms_store_file_open(&keeper->file_options, &error, complaint);
    if (keeper->file == NULL) {
        keeper->file = old;
        keeper->file_options.name = MS_STORE_FILE_NAME;
        (void)remove_new(keeper);
        return error == MS_E_STORE_FULL ? MS_STORE_FULL : MS_STORE_FAILED;
    }
    keeper->is_beside = true;
    begin_anew(keeper);
    return close_whole(old, complaint) ? MS_STORE_DONE : MS_STORE_FAILED;
}

/* The store of the directory is the one in use. */
static enum ms_store_result reopen(struct ms_store_keeper *keeper, struct ms_complaint *complaint)
{
    const uint64_t records = keeper->records;
    enum ms_error error = MS_E_OK;

    begin_anew(keeper);
    keeper->records = records;
    keeper->is_beside = false;
    keeper->file_options.name = MS_STORE_FILE_NAME;
    keeper->file = ms_store_file_open(&keeper->file_options, &error, complaint);
    if (keeper->file == NULL) {
        return MS_STORE_FAILED;
    }
    error = ms_store_keeper_recover(keeper, keeper->path, complaint);
    return error == MS_E_OK ? MS_STORE_DONE : MS_STORE_FAILED;
}

enum ms_store_result ms_store_keeper_adopt(struct ms_store_keeper *keeper, uint64_t number,
                                           enum ms_aside kind, struct ms_complaint *complaint)
{
    const enum ms_store_result result = ms_store_file_checkpoint(keeper->file);
    bool is_closed;

    ms_assert(keeper->is_beside);
    if (result != MS_STORE_DONE) {
        return of_file(keeper, result, complaint);
    }
    is_closed = close_whole(keeper->file, complaint);
    keeper->file = NULL;
    if (!is_closed) {
        return MS_STORE_FAILED;
    }
    if (!remove_if_there(keeper->directory.fd, NEW_LOG_NAME) ||
        !remove_if_there(keeper->directory.fd, NEW_END_NAME) || !exchange(keeper, number, kind)) {
        return complain(MS_STORE_FILE_NAME, complaint);
    }
    return reopen(keeper, complaint);
}

enum ms_store_result ms_store_keeper_revert(struct ms_store_keeper *keeper,
                                            struct ms_complaint *complaint)
{
    ms_assert(keeper->is_beside);
    ms_store_file_close(keeper->file);
    keeper->file = NULL;
    if (!remove_new(keeper)) {
        return complain(NEW_NAME, complaint);
    }
    keeper->records = 0; /* they are counted when it is read back */
    return reopen(keeper, complaint);
}

static bool is_second_name(const char *name)
{
    bool is_one = false;

    for (enum ms_aside kind = 0; kind < MS_ASIDES; kind++) {
        const char *prefix = ms_store_aside_prefix(kind);

        is_one |= strncmp(name, prefix, strlen(prefix)) == 0;
    }
    return is_one;
}

/* A crash between the two names: the file is the store, and nothing was set aside. */
static void drop_second_names(const struct ms_store_keeper *keeper, ino_t inode)
{
    const int fd = dup(keeper->directory.fd);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (entry->d_ino == inode && is_second_name(entry->d_name)) {
            (void)unlinkat(keeper->directory.fd, entry->d_name, 0);
        }
    }
    if (entries != NULL) {
        closedir(entries);
    } else if (fd >= 0) {
        close(fd);
    }
}

void ms_store_keeper_tidy_up(const struct ms_store_keeper *keeper)
{
    struct stat store;

    (void)remove_new(keeper);
    if (fstatat(keeper->directory.fd, MS_STORE_FILE_NAME, &store, 0) == 0 && store.st_nlink > 1) {
        drop_second_names(keeper, store.st_ino);
    }
}
