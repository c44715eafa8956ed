/* The file that a result is written to: made before the work is done, so that its result is not lost to a misspelt
 * path, and there afterwards only if it went well. */
#ifndef CLIENT_CLI_OUT_H
#define CLIENT_CLI_OUT_H

#include "client/cli.h"

struct ms_cli_out {
    const char *path; /* borrowed; NULL = standard output */
    int fd;           /* -1 = none */
    bool is_new;      /* nobody had made it before us */
};

/* Leaves alone what is in it. False after the mistake was explained. */
bool ms_cli_out_open(const struct ms_cli *cli, const char *path, struct ms_cli_out *out);

/* Takes away a file that we made, unless code is 0. Returns code, or another one when closing failed. */
int ms_cli_out_close(const struct ms_cli *cli, struct ms_cli_out *out, int code);

#endif
