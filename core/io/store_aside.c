#include "core/io/store_aside.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/invariant.h"
#include "core/io/clock.h"

#define SUFFIX ".db"

const char *ms_store_aside_prefix(enum ms_aside kind)
{
    static const char *const prefixes[MS_ASIDES] = {
        [MS_ASIDE_MERGED] = "divergent-",
        [MS_ASIDE_UNMERGED] = "unmerged-",
    };

    ms_assert(kind < MS_ASIDES);
    return prefixes[kind];
}

static bool is_aside(const char *name, enum ms_aside kind)
{
    const char *prefix = ms_store_aside_prefix(kind);
    const size_t size = strlen(name);

    return size > strlen(prefix) + strlen(SUFFIX) && strncmp(name, prefix, strlen(prefix)) == 0 &&
           strcmp(name + size - strlen(SUFFIX), SUFFIX) == 0;
}

/* A file that has no other name: that of one that is being set aside may still be the store's. When it got its name is when its inode
 * was changed last; nothing does so later. */
static bool look_at(int fd, const char *name, struct stat *file_out)
{
    return fstatat(fd, name, file_out, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(file_out->st_mode) &&
           file_out->st_nlink == 1;
}

static bool is_old(int fd, const char *name, ms_time keep)
{
    struct stat file;

    return look_at(fd, name, &file) && ms_clock_wall() - file.st_ctime > keep / MS_SEC;
}

struct ms_asides ms_store_aside_tidy(const char *directory, ms_time keep)
{
    DIR *entries = opendir(directory);
    struct ms_asides asides = {.count = {0}};
    struct dirent *entry;

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        const int fd = dirfd(entries);

        if (is_aside(entry->d_name, MS_ASIDE_UNMERGED)) {
            asides.count[MS_ASIDE_UNMERGED]++;
        } else if (is_aside(entry->d_name, MS_ASIDE_MERGED) &&
                   (!is_old(fd, entry->d_name, keep) || unlinkat(fd, entry->d_name, 0) != 0)) {
            asides.count[MS_ASIDE_MERGED]++;
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    return asides;
}

static bool is_before(const struct stat *a, const struct stat *b)
{
    return a->st_ctim.tv_sec != b->st_ctim.tv_sec ? a->st_ctim.tv_sec < b->st_ctim.tv_sec
                                                  : a->st_ctim.tv_nsec < b->st_ctim.tv_nsec;
}

bool ms_store_aside_drop(int fd)
{
    const int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = own < 0 ? NULL : fdopendir(own);
    char oldest[NAME_MAX + 1] = "";
    struct stat file, first = {0};
    struct dirent *entry;

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (is_aside(entry->d_name, MS_ASIDE_MERGED) && look_at(fd, entry->d_name, &file) &&
            (oldest[0] == '\0' || is_before(&file, &first))) {
            snprintf(oldest, sizeof oldest, "%s", entry->d_name);
            first = file;
        }
    }
    if (entries != NULL) {
        closedir(entries);
    } else if (own >= 0) {
        close(own);
    }
    return oldest[0] != '\0' && unlinkat(fd, oldest, 0) == 0;
}
