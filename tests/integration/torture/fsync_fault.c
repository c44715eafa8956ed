/* For LD_PRELOAD: fsync and fdatasync fail as on a disk that is broken, for as long as the file that MS_FSYNC_FAULT names
 * is there. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

typedef int (*sync_fn)(int file);

static int sync_or_fail(const char *name, int file)
{
    const char *path = getenv("MS_FSYNC_FAULT");
    sync_fn real;

    if (path != NULL && access(path, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    *(void **)&real = dlsym(RTLD_NEXT, name);
    return real(file);
}

int fsync(int file)
{
    return sync_or_fail("fsync", file);
}

int fdatasync(int file)
{
    return sync_or_fail("fdatasync", file);
}
