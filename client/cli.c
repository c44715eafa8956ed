#include "client/cli.h"

#include <ev.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "core/io/program.h"

#define ID_DIGITS 32u

void ms_cli_say_list(const struct ms_cli *cli, const char *format, va_list arguments)
{
    char text[MS_CLI_SAY_MAX];

    if (vsnprintf(text, sizeof text, format, arguments) < 0) {
        return;
    }
    for (char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7F) {
            *at = '?';
        }
    }
    fprintf(stderr, "%s: %s\n", cli->program, text);
}

void ms_cli_say(const struct ms_cli *cli, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    ms_cli_say_list(cli, format, arguments);
    va_end(arguments);
}

int ms_cli_exit_code(int error)
{
    switch (error) {
    case MS_E_MAGIC:
    case MS_E_VERSION:
    case MS_E_FRAME_KIND:
    case MS_E_FRAME_SIZE:
    case MS_E_MALFORMED:
    case MS_E_BUDGET:
    case MS_E_ORDER:
    case MS_E_ROLE:
        return MS_EX_PROTOCOL;
    case MS_CLIENT_BAD_STATE:
        return EX_SOFTWARE;
    default:
        return ms_program_exit_code((enum ms_error)error);
    }
}

/* Why no master could be reached, and what to do about it. */
static int explain_unreachable(const struct ms_cli *cli, const struct ms_cli_common *common,
                               int error)
{
    const bool is_default = strcmp(common->master, MS_CLI_MASTER_DEFAULT) == 0;
    const char *reason = error == MS_CLIENT_OK ? "no answer" : ms_client_strerror(error);

    if (error == MS_E_NOT_ACTIVE) {
        ms_cli_say(cli,
                   "no active master at %s: one answers, and may not serve; muster pair says why",
                   common->master);
        return EX_UNAVAILABLE;
    }
    ms_cli_say(cli, "no master at %s: %s%s", common->master, reason,
               is_default ? " (say where it is with --master or MUSTER_MASTER; start one with "
                            "muster-master)"
                          : "");
    const int code = ms_cli_exit_code(error);

    return code == MS_EX_PROTOCOL ? code : EX_UNAVAILABLE;
}

struct ms_client *ms_cli_connect(const struct ms_cli *cli, const struct ms_cli_common *common,
                                 const struct ms_client_options *more, int *exit_out)
{
    struct ms_client_options options = {.size = sizeof options};
    struct ms_client_error error;

    if (more != NULL) {
        options = *more;
    }
    options.masters = common->master;
    options.loop = ev_default_loop(EVFLAG_AUTO);
    if (options.loop == NULL) {
        ms_cli_say(cli, "no event loop");
        *exit_out = EX_OSERR;
        return NULL;
    }
    struct ms_client *client = ms_client_create(&options, &error);

    if (client == NULL) {
        ms_cli_say(cli, "%s", error.text);
        *exit_out = ms_cli_exit_code(error.code);
        return NULL;
    }
    const int64_t timeout_ms = (common->connect_timeout + MS_MSEC - 1) / MS_MSEC;

    if (ms_client_wait_connected(client, timeout_ms) != MS_CLIENT_OK) {
        *exit_out = explain_unreachable(cli, common, ms_client_last_error(client));
        ms_client_destroy(client);
        return NULL;
    }
    return client;
}

void ms_cli_print_id(char text_out[MS_CLI_ID_SIZE], const char *client, uint64_t seq)
{
    snprintf(text_out, MS_CLI_ID_SIZE, "%.32s:%" PRIu64, client, seq);
}

bool ms_cli_parse_id(const char *text, char *client_out, uint64_t *seq_out)
{
    const char *colon = strchr(text, ':');
    uint64_t seq = 0;

    if (colon == NULL || (size_t)(colon - text) != ID_DIGITS ||
        strspn(text, "0123456789abcdefABCDEF") != ID_DIGITS ||
        !ms_text_to_u64(colon + 1, strlen(colon + 1), &seq) || seq == 0) {
        return false;
    }
    memcpy(client_out, text, ID_DIGITS);
    client_out[ID_DIGITS] = '\0';
    *seq_out = seq;
    return true;
}

/* FNV-1a, mixed at the end so that similar texts end far apart. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    }
    hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
    return hash ^ hash >> 31;
}

void ms_cli_client_of_text(char client_out[MS_CLI_CLIENT_SIZE], const char *text)
{
    const uint64_t high = hash_text(UINT64_C(0xcbf29ce484222325), text);
    const uint64_t low =
        hash_text(high ^ UINT64_C(0x9e3779b97f4a7c15), text) | 1; /* never all zero */

    snprintf(client_out, MS_CLI_CLIENT_SIZE, "%016" PRIx64 "%016" PRIx64, high, low);
}

bool ms_cli_find_id(const char *text, char *client_out, uint64_t *seq_out)
{
    if (ms_cli_parse_id(text, client_out, seq_out)) {
        return true;
    }
    if (text[0] == '\0' || strspn(text, "0123456789abcdefABCDEF") >= ID_DIGITS) {
        return false;
    }
    ms_cli_client_of_text(client_out, text);
    *seq_out = 1;
    return true;
}

int ms_cli_finish_output(const struct ms_cli *cli, int code)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (errno != EPIPE) {
            ms_cli_say(cli, "cannot write to standard output: %s", strerror(errno));
        }
        return EX_IOERR;
    }
    return code;
}
