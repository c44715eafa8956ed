#include "client/cli_out.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define OUT_MODE 0666

bool ms_cli_out_open(const struct ms_cli *cli, const char *path, struct ms_cli_out *out)
{
    *out = (struct ms_cli_out){.path = path, .fd = -1};
    if (path == NULL) {
        return true;
    }
    out->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, OUT_MODE);
    out->is_new = out->fd >= 0;
    if (out->fd < 0 &&
        errno == EEXIST) { /* or it is a link to nothing, and what it names is made */
        out->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, OUT_MODE);
    }
    if (out->fd < 0) {
        ms_cli_say(cli, "%s: %s", path, strerror(errno));
    }
    return out->fd >= 0;
}

int ms_cli_out_close(const struct ms_cli *cli, struct ms_cli_out *out, int code)
{
    if (out->fd >= 0 && close(out->fd) != 0) {
        ms_cli_say(cli, "%s: %s", out->path, strerror(errno));
        code = EX_IOERR;
    }
    out->fd = -1;
    if (out->is_new && code != EX_OK) {
        unlink(out->path);
    }
    out->is_new = false;
    return code;
}
