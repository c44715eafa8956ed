#include "core/io/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool ms_standard_hold(void)
{
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++) {
        /* Opened for the direction in which nobody uses it, so that using it is the error it was. */
        const int flags = number == STDIN_FILENO ? O_WRONLY : O_RDONLY;

        if (fcntl(number, F_GETFD) == -1 && errno == EBADF && open("/dev/null", flags) != number) {
            return false;
        }
    }
    return true;
}
