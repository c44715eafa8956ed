#include "core/io/store_aside.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/io/clock.h"

#define PREFIX "divergent-"
#define SUFFIX ".db"

static bool is_aside(const char *name)
{
    const size_t size = strlen(name);

    return size > strlen(PREFIX SUFFIX) && strncmp(name, PREFIX, strlen(PREFIX)) == 0 &&
           strcmp(name + size - strlen(SUFFIX), SUFFIX) == 0;
}

/* When it got its name: that changes its inode, and nothing does so later. */
static bool is_old(int fd, const char *name, ms_time keep)
{
    struct stat file;

    return fstatat(fd, name, &file, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(file.st_mode) &&
           file.st_nlink == 1 && ms_clock_wall() - file.st_ctime > keep / MS_SEC;
}

uint32_t ms_store_aside_tidy(const char *directory, ms_time keep)
{
    DIR *entries = opendir(directory);
    struct dirent *entry;
    uint32_t count = 0;

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        const int fd = dirfd(entries);

        if (is_aside(entry->d_name) &&
            (!is_old(fd, entry->d_name, keep) || unlinkat(fd, entry->d_name, 0) != 0)) {
            count++;
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    return count;
}
