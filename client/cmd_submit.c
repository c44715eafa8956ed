#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/cli_bytes.h"
#include "client/cli_commands.h"
#include "client/ms_client.h"
#include "core/command.h"

#define EXIT_FAILED    1
#define EXIT_CANCELLED 2
#define OUT_MODE       0666

struct settings {
    struct ms_cli_common common;
    const char *payload, *in, *out, *id;
    bool is_waiting, is_background, has_progress;
    uint64_t attempts;
    ms_time timeout, delay;
};

static const struct ms_option table[] = {
    {.name = "payload",
     .short_name = 'p',
     .kind = MS_OPTION_STRING,
     .argument = "TEXT",
     .group = "Command",
     .help = "the payload itself",
     .offset = offsetof(struct settings, payload)},
    {.name = "in",
     .short_name = 'i',
     .kind = MS_OPTION_STRING,
     .argument = "FILE",
     .help = "read the payload from FILE; - is standard input",
     .offset = offsetof(struct settings, in)},
    {.name = "attempts",
     .kind = MS_OPTION_U64,
     .min = 1,
     .max = MS_ATTEMPTS_MAX,
     .default_text = "1",
     .help = "try so many times; 1 = no retry",
     .offset = offsetof(struct settings, attempts)},
    {.name = "timeout",
     .kind = MS_OPTION_DURATION,
     .default_text = "0",
     .help = "end an attempt that takes longer; 0 = never",
     .offset = offsetof(struct settings, timeout)},
    {.name = "delay",
     .kind = MS_OPTION_DURATION,
     .default_text = "0",
     .help = "do not begin before so much time has passed",
     .offset = offsetof(struct settings, delay)},
    {.name = "id",
     .kind = MS_OPTION_STRING,
     .argument = "CLIENT:SEQ",
     .help = "submit under this id: what was submitted under it before is not done again",
     .offset = offsetof(struct settings, id)},
    {.name = "background",
     .kind = MS_OPTION_BOOL,
     .help = "nobody will ever ask for the outcome",
     .offset = offsetof(struct settings, is_background)},
    {.name = "wait",
     .short_name = 'w',
     .kind = MS_OPTION_BOOL,
     .group = "Outcome",
     .help = "wait for the outcome and print the result",
     .offset = offsetof(struct settings, is_waiting)},
    {.name = "out",
     .short_name = 'o',
     .kind = MS_OPTION_STRING,
     .argument = "FILE",
     .help = "write the result to FILE; implies --wait",
     .offset = offsetof(struct settings, out)},
    {.name = "progress",
     .kind = MS_OPTION_BOOL,
     .help = "print what the handler says of its progress",
     .offset = offsetof(struct settings, has_progress)},
    MS_CLI_COMMON_OPTIONS(struct settings, common),
};

static bool check(const struct settings *settings, struct ms_complaint *complaint)
{
    char client[MS_CLI_ID_SIZE];
    uint64_t seq = 0;

    if (settings->payload != NULL && settings->in != NULL) {
        return ms_complain(complaint, "--payload and --in exclude each other");
    }
    if (settings->is_background && (settings->is_waiting || settings->out != NULL)) {
        return ms_complain(complaint, "a --background command has no outcome to wait for");
    }
    if (settings->id != NULL && !ms_cli_parse_id(settings->id, client, &seq)) {
        return ms_complain(complaint, "--id: an id is 32 hex digits, a colon and a number from 1");
    }
    return true;
}

static const struct ms_cli cli = {
    .program = "muster submit",
    .arguments = "TYPE",
    .summary =
        "Submits one command. Without --wait it prints the command's id once it is accepted.",
    .epilogue =
        "TYPE is the name of a handler, or a number.\n\n"
        "Exit codes with --wait: 0 ok, 1 failed, 2 cancelled, 124 timed out, 130 interrupted\n"
        "(Ctrl-C cancels the command). Otherwise 0, or those of sysexits.h.\n\n"
        "Examples:\n"
        "  muster submit echo --payload hello --wait\n"
        "  muster submit checksum --in FILE --wait\n"
        "  muster submit sleep --payload 2s --delay 1m\n",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .arguments_min = 1,
    .arguments_max = 1,
};

struct submitting {
    const struct settings *settings;
    const char *type; /* as the user wrote it */
    struct ms_client *client;
    uint64_t seq;
    int out_fd;
    struct ms_cli_bytes output;
    unsigned interrupts;
    bool is_ended;
    int code;
    ev_signal signals[2];
    ev_timer patience; /* runs while nobody is there to accept the command */
};

static bool is_waiting(const struct submitting *submitting)
{
    return submitting->settings->is_waiting || submitting->settings->out != NULL;
}

static void end(struct submitting *submitting, int code)
{
    submitting->is_ended = true;
    submitting->code = code;
    ms_client_break(submitting->client);
}

/* ---- what comes back ---- */

static void print_accepted(const struct submitting *submitting, uint64_t seq, int durability,
                           int copies)
{
    char id[MS_CLI_ID_SIZE];

    ms_cli_print_id(id, ms_client_id(submitting->client), seq);
    if (submitting->settings->common.is_json) {
        json_t *object =
            json_pack("{s:s, s:s, s:i}", "id", id, "durability",
                      durability >= 0 ? ms_durability_name((enum ms_durability)durability) : "mem",
                      "copies", copies);

        json_dumpf(object, stdout, JSON_COMPACT);
        json_decref(object);
        putchar('\n');
    } else {
        puts(id);
    }
}

static void accepted_cb(struct ms_client *client, uint64_t seq, int durability, int copies,
                        void *context)
{
    struct submitting *submitting = context;

    (void)client;
    if (!is_waiting(submitting) && !submitting->is_ended) {
        print_accepted(submitting, seq, durability, copies);
        end(submitting, EX_OK);
    }
}

static void output_cb(struct ms_client *client, const struct ms_client_output *output,
                      void *context)
{
    struct submitting *submitting = context;

    switch (output->stream) {
    case MS_CLIENT_DATA:
        if (!ms_cli_bytes_add(&submitting->output, output->data, output->data_size)) {
            ms_cli_say(&cli, "out of memory");
            end(submitting, EX_OSERR);
        }
        break;
    case MS_CLIENT_STDERR:
    case MS_CLIENT_LOG:
        if (output->data_size > 0) {
            fwrite(output->data, 1, output->data_size, stderr);
        }
        if (output->stream == MS_CLIENT_LOG) {
            fputc('\n', stderr);
        }
        break;
    case MS_CLIENT_PROGRESS:
        if (submitting->settings->has_progress) {
            ms_cli_say(&cli, "progress %.*s", (int)output->data_size, (const char *)output->data);
        }
        break;
    case MS_CLIENT_RESET:
        submitting->output.size = 0;
        ms_cli_say(&cli, "attempt %" PRIu32, output->attempt);
        break;
    default:
        break; /* a kind of output newer than this program */
    }
    (void)client;
}

static int exit_code_of(const struct ms_client_result *result)
{
    switch (result->status) {
    case MS_CLIENT_STATUS_OK:
        return EX_OK;
    case MS_CLIENT_STATUS_CANCELLED:
        return EXIT_CANCELLED;
    case MS_CLIENT_STATUS_TIMEOUT:
        return MS_EX_TIMED_OUT;
    default:
        return EXIT_FAILED;
    }
}

static bool write_result(struct submitting *submitting)
{
    const struct ms_cli_bytes *output = &submitting->output;

    if (submitting->out_fd < 0) {
        if (output->size > 0) {
            fwrite(output->data, 1, output->size, stdout); /* errors are found when it is flushed */
        }
        return true;
    }
    if (ftruncate(submitting->out_fd, 0) != 0 && errno != EINVAL) {
        ms_cli_say(&cli, "%s: %s", submitting->settings->out, strerror(errno));
        return false;
    }
    if (!ms_cli_bytes_write(output, submitting->out_fd)) {
        ms_cli_say(&cli, "%s: %s", submitting->settings->out, strerror(errno));
        return false;
    }
    return true;
}

static void print_json(const struct submitting *submitting, const struct ms_client_result *result)
{
    char id[MS_CLI_ID_SIZE];
    json_t *object;

    ms_cli_print_id(id, ms_client_id(submitting->client), result->seq);
    object = json_pack("{s:s, s:s, s:I, s:i, s:I, s:s}", "id", id, "status",
                       ms_client_status_name(result->status), "attempt",
                       (json_int_t)result->attempt, "code", (int)result->code, "signal",
                       (json_int_t)result->signal, "detail", result->detail);
    if (result->has_usage) {
        json_object_set_new(
            object, "usage",
            json_pack("{s:I, s:I, s:I, s:I}", "wall_us", (json_int_t)result->wall_us, "user_us",
                      (json_int_t)result->user_us, "system_us", (json_int_t)result->system_us,
                      "rss_kib", (json_int_t)result->rss_kib));
    }
    if (submitting->settings->out != NULL) {
        json_object_set_new(object, "out", json_string(submitting->settings->out));
    } else {
        ms_cli_bytes_to_json(&submitting->output, object, "payload");
    }
    json_dumpf(object, stdout, JSON_COMPACT);
    json_decref(object);
    putchar('\n');
}

static void done_cb(struct ms_client *client, const struct ms_client_result *result, void *context)
{
    struct submitting *submitting = context;
    int code = exit_code_of(result);

    (void)client;
    if (result->error != MS_CLIENT_OK) {
        ms_cli_say(&cli, "%s refused: %s", submitting->type,
                   result->detail[0] != '\0' ? result->detail : ms_client_strerror(result->error));
        end(submitting, ms_cli_exit_code(result->error));
        return;
    }
    if (!is_waiting(submitting)) {
        if (!submitting->is_ended) {
            print_accepted(submitting, result->seq, 0, 1); /* the outcome overtook it */
            end(submitting, EX_OK);
        }
        return;
    }
    if (!ms_cli_bytes_add(&submitting->output, result->payload, result->payload_size)) {
        ms_cli_say(&cli, "out of memory");
        end(submitting, EX_OSERR);
        return;
    }
    if ((submitting->settings->out != NULL || !submitting->settings->common.is_json) &&
        !write_result(submitting)) {
        code = EX_IOERR;
    }
    if (submitting->settings->common.is_json) {
        print_json(submitting, result);
    }
    if (result->status != MS_CLIENT_STATUS_OK) {
        ms_cli_say(&cli, "%s%s%s", ms_client_status_name(result->status),
                   result->detail[0] != '\0' ? ": " : "", result->detail);
    }
    end(submitting, submitting->interrupts > 0 ? MS_EX_INTERRUPTED : code);
}

static void connection_cb(struct ms_client *client, bool is_up, int error, void *context)
{
    struct submitting *submitting = context;

    (void)client;
    if (is_up) {
        ev_timer_stop(ev_default_loop(0), &submitting->patience);
        return;
    }
    ms_cli_say(&cli, "%s; trying again", ms_client_strerror(error));
    /* Who waits for an outcome waits for the next master, too; the others only came to hand it in. */
    if (!is_waiting(submitting)) {
        ev_timer_start(ev_default_loop(0), &submitting->patience);
    }
}

static void patience_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    (void)loop;
    (void)revents;
    ms_cli_say(&cli, "no master has accepted it");
    end(watcher->data, EX_UNAVAILABLE);
}

/* The first one cancels the command, whose outcome then ends us; the second ends us at once. */
static void signal_cb(struct ev_loop *loop, ev_signal *watcher, int revents)
{
    struct submitting *submitting = watcher->data;

    (void)loop;
    (void)revents;
    if (submitting->interrupts++ > 0 ||
        ms_client_cancel(submitting->client, submitting->seq) != MS_CLIENT_OK) {
        end(submitting, MS_EX_INTERRUPTED);
    }
}

/* ---- what goes out ---- */

static bool read_payload(const struct settings *settings, struct ms_cli_bytes *payload,
                         int *exit_out)
{
    if (settings->payload != NULL) {
        return ms_cli_bytes_add(payload, settings->payload, strlen(settings->payload));
    }
    if (settings->in == NULL) {
        return true;
    }
    const bool is_stdin = strcmp(settings->in, "-") == 0;
    const int fd = is_stdin ? STDIN_FILENO : open(settings->in, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        ms_cli_say(&cli, "%s: %s", settings->in, strerror(errno));
        *exit_out = EX_NOINPUT;
        return false;
    }
    const bool is_read = ms_cli_bytes_read(payload, fd, MS_PAYLOAD_MAX_CEILING);

    if (!is_read) {
        ms_cli_say(&cli, "%s: %s", settings->in, strerror(errno));
        *exit_out = errno == EFBIG ? EX_DATAERR : EX_IOERR;
    }
    if (!is_stdin) {
        close(fd);
    }
    return is_read;
}

static int submit(struct submitting *submitting, const char *type,
                  const struct ms_cli_bytes *payload)
{
    const struct settings *settings = submitting->settings;
    struct ms_client_submission submission = {
        .size = sizeof submission,
        .payload = payload->data,
        .payload_size = payload->size,
        .attempts = (uint32_t)settings->attempts,
        .flags = settings->is_background ? MS_CLIENT_BACKGROUND : 0,
        .timeout_ms = (uint64_t)((settings->timeout + MS_MSEC - 1) / MS_MSEC),
        .delay_ms = (uint64_t)((settings->delay + MS_MSEC - 1) / MS_MSEC),
        .on_output = is_waiting(submitting) ? output_cb : NULL,
        .on_accepted = accepted_cb,
        .context = submitting,
    };

    if (!ms_text_to_u64(type, strlen(type), &submission.type_number)) {
        submission.type = type;
    }
    const int error =
        ms_client_submit(submitting->client, &submission, done_cb, submitting, &submitting->seq);

    if (error != MS_CLIENT_OK) {
        ms_cli_say(&cli, "%s",
                   error == MS_CLIENT_BAD_ARGUMENT
                       ? "TYPE is a name of up to 63 letters, digits, '.', '_', '-', "
                         "or a number from 1024"
                       : ms_client_strerror(error));
        return ms_cli_exit_code(error);
    }
    while (!submitting->is_ended) {
        ms_client_run(submitting->client, -1);
    }
    return submitting->code;
}

static void watch_signals(struct submitting *submitting)
{
    static const int numbers[] = {SIGINT, SIGTERM};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ev_signal_init(&submitting->signals[i], signal_cb, numbers[i]);
        submitting->signals[i].data = submitting;
        ev_signal_start(ev_default_loop(0), &submitting->signals[i]);
    }
}

static int connect_and_submit(struct submitting *submitting, const char *type,
                              const struct ms_cli_bytes *payload)
{
    const struct settings *settings = submitting->settings;
    struct ms_client_options more = {
        .size = sizeof more, .on_connection = connection_cb, .context = submitting};
    char client_id[MS_CLI_ID_SIZE];
    int code = EX_OK;

    if (settings->id != NULL && ms_cli_parse_id(settings->id, client_id, &more.first_seq)) {
        more.id = client_id;
    }
    ev_timer_init(&submitting->patience, patience_cb,
                  (double)settings->common.connect_timeout / MS_SEC, 0);
    submitting->patience.data = submitting;
    submitting->client = ms_cli_connect(&cli, &settings->common, &more, &code);
    if (submitting->client == NULL) {
        return code;
    }
    watch_signals(submitting);
    code = submit(submitting, type, payload);
    ms_client_close(submitting->client, 0);
    ms_client_destroy(submitting->client);
    ev_timer_stop(ev_default_loop(0), &submitting->patience);
    return code;
}

static int run_with(const struct settings *settings, const char *type)
{
    struct submitting submitting = {.settings = settings, .type = type, .out_fd = -1};
    struct ms_cli_bytes payload = {.data = NULL};
    int code = EX_OSERR;

    if (!read_payload(settings, &payload, &code)) {
        ms_cli_bytes_free(&payload);
        return code;
    }
    if (settings->out != NULL) {
        /* Before the work is done, so that its result is not lost to a misspelt path. */
        submitting.out_fd = open(settings->out, O_WRONLY | O_CREAT | O_CLOEXEC, OUT_MODE);
        if (submitting.out_fd < 0) {
            ms_cli_say(&cli, "%s: %s", settings->out, strerror(errno));
            ms_cli_bytes_free(&payload);
            return EX_CANTCREAT;
        }
    }
    code = connect_and_submit(&submitting, type, &payload);
    if (submitting.out_fd >= 0 && close(submitting.out_fd) != 0) {
        ms_cli_say(&cli, "%s: %s", settings->out, strerror(errno));
        code = EX_IOERR;
    }
    ms_cli_bytes_free(&submitting.output);
    ms_cli_bytes_free(&payload);
    return code;
}

static int run(int argc, char **argv)
{
    struct settings settings;
    struct ms_options options;
    struct ms_complaint complaint;
    const struct ms_cli_result result = ms_cli_parse(&cli, argc, argv, &settings, &options);

    if (result.is_done) {
        return result.exit_code;
    }
    const int code = check(&settings, &complaint) ? run_with(&settings, argv[result.argument_at])
                                                  : ms_cli_usage_error(&cli, complaint.text);

    ms_options_finish(&options);
    return ms_cli_finish_output(&cli, code);
}

const struct ms_cli_command ms_cmd_submit = {
    .name = "submit",
    .summary = "submit one command, and wait for it if asked",
    .cli = &cli,
    .run = run,
};
