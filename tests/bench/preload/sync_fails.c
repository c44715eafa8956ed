/* A disk that fails: loaded before the C library (LD_PRELOAD), fsync and fdatasync end with EIO as soon as the file exists
 * whose path is in MS_SYNC_FAILS. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int sync_or_fail(long number, int fd)
{
    const char *path = getenv("MS_SYNC_FAILS");

    if (path != NULL && access(path, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(number, fd);
}

int fsync(int fd)
{
    return sync_or_fail(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_or_fail(SYS_fdatasync, fd);
}
