#include "client/cmd_submit.h"

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
#include "client/cli_out.h"
#include "client/cli_outcome.h"
#include "client/cli_time.h"
#include "core/command.h"

#define PAYLOAD_MAX  (SIZE_MAX / 4) /* the master decides; this only keeps sums from overflowing */
#define MEMORY_SLACK (1u << 20)     /* of the client beside the payload */
#define PACE         (1u << 20) /* bytes of a payload for which a master may take another second */

struct submitting {
    const struct ms_submit_settings *settings;
    const char *type; /* as the user wrote it */
    struct ms_client *client;
    uint64_t seq;
    uint64_t left; /* outcomes that are still to come */
    uint64_t total;
    struct ms_submit_tally tally; /* of a broadcast */
    struct ms_cli_out out;
    struct ms_cli_bytes output;
    unsigned interrupts;
    bool is_ended, is_told_away;
    bool is_asking; /* what became of it, because it is over already */
    int code;
    ev_signal signals[2];
    ev_timer patience; /* runs until the command is accepted */
    bool is_taken;     /* the master has it, and has not said what it thinks of it */
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

        if (submitting->settings->array_count > 0) {
            json_object_set_new(object, "count",
                                json_integer((json_int_t)submitting->settings->array_count));
        }
        json_dumpf(object, stdout, JSON_COMPACT);
        json_decref(object);
        putchar('\n');
    } else {
        puts(id);
    }
}

static void output_cb(struct ms_client *client, const struct ms_client_output *output,
                      void *context)
{
    struct submitting *submitting = context;

    switch (output->stream) {
    case MS_CLIENT_DATA:
        if (!ms_cli_bytes_add(&submitting->output, output->data, output->data_size)) {
            ms_cli_say(&ms_submit_cli, "out of memory");
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
            ms_cli_say(&ms_submit_cli, "progress %.*s", (int)output->data_size,
                       (const char *)output->data);
        }
        break;
    case MS_CLIENT_RESET:
        submitting->output.size = 0;
        ms_cli_say(&ms_submit_cli, "attempt %" PRIu32, output->attempt);
        break;
    default:
        break; /* a kind of output newer than this program */
    }
    (void)client;
}

/* Prints one outcome, whose output has gathered; returns the exit code it means. */
static int print_outcome(struct submitting *submitting, const struct ms_client_result *result)
{
    const struct ms_submit_settings *settings = submitting->settings;
    char id[MS_CLI_ID_SIZE];
    int code = ms_cli_outcome_exit_code(result->status);

    if (settings->on != NULL) {
        submitting->tally.slaves++;
        submitting->tally.succeeded += result->status == MS_CLIENT_STATUS_OK;
        ms_cli_print_id(id, ms_client_id(submitting->client), result->seq);
        ms_submit_print_each(settings, id, result, &submitting->output);
        submitting->output.size = 0;
        return EX_OK; /* the verdict decides */
    }
    const char *out = code == EX_OK ? settings->out : NULL;

    if ((settings->out == NULL ? !settings->common.is_json : code == EX_OK) &&
        !ms_cli_outcome_write(&ms_submit_cli, &submitting->output, submitting->out.fd, out)) {
        code = EX_IOERR;
    }
    if (settings->common.is_json) {
        ms_cli_print_id(id, ms_client_id(submitting->client), result->seq);
        ms_cli_outcome_print_json(id, result, &submitting->output, out);
    }
    ms_cli_outcome_say(&ms_submit_cli, result);
    submitting->output.size = 0;
    return code;
}

/* One outcome is in; the first that is not well decides the exit code, and the last one ends it. */
static void count_outcome(struct submitting *submitting, int code)
{
    submitting->code = submitting->code == EX_OK ? code : submitting->code;
    if (submitting->left > 0) {
        submitting->left--;
    }
    if (submitting->total > 1 && submitting->settings->has_progress) {
        ms_cli_say(&ms_submit_cli, "progress %" PRIu64 " %" PRIu64,
                   submitting->total - submitting->left, submitting->total);
    }
    if (submitting->left == 0 && submitting->settings->on != NULL && submitting->code == EX_OK) {
        submitting->code = ms_submit_judge(submitting->settings, &submitting->tally);
    }
    if (submitting->left == 0) {
        end(submitting, submitting->interrupts > 0 ? MS_EX_INTERRUPTED : submitting->code);
    }
}

/* What became of a command that came to its end in an earlier run. */
static void kept_cb(struct ms_client *client, const struct ms_client_report *report, void *context)
{
    struct submitting *submitting = context;
    struct ms_client_result result;

    (void)client;
    if (report->is_reset) {
        return;
    }
    if (report->error != MS_CLIENT_OK) {
        ms_cli_say(&ms_submit_cli,
                   "it came to its end before, and its outcome was not kept (--keep)");
        end(submitting, is_waiting(submitting) ? EX_UNAVAILABLE : EX_OK);
    } else if (ms_cli_outcome_of_report(report, &result)) {
        result.seq = submitting->seq;
        count_outcome(submitting, print_outcome(submitting, &result));
    } else if (report->is_last) {
        ms_cli_say(&ms_submit_cli, "it came to its end before");
        end(submitting, EX_OK);
    }
}

static bool ask_kept(struct submitting *submitting)
{
    const struct ms_client_query query = {
        .size = sizeof query,
        .what = MS_CLIENT_ASK_RESULT,
        .seq = submitting->seq,
        .on_output = output_cb,
    };

    return ms_client_ask(submitting->client, &query, kept_cb, submitting) == MS_CLIENT_OK;
}

static bool can_ask_kept(const struct submitting *submitting)
{
    return submitting->settings->id != NULL && submitting->settings->array_count == 0 &&
           submitting->settings->on == NULL;
}

/* In no copy at all is what came to its end before. */
static void accepted_cb(struct ms_client *client, uint64_t seq, int durability, int copies,
                        void *context)
{
    struct submitting *submitting = context;

    (void)client;
    ev_timer_stop(ev_default_loop(0), &submitting->patience);
    if (is_waiting(submitting) || submitting->is_ended) {
        return;
    }
    if (copies == 0 && !submitting->settings->is_background && can_ask_kept(submitting) &&
        ask_kept(submitting)) {
        submitting->is_asking = true;
        return;
    }
    print_accepted(submitting, seq, durability, copies);
    end(submitting, EX_OK);
}

static void refused(struct submitting *submitting, const struct ms_client_result *result)
{
    if (submitting->is_ended) {
        return; /* the members of an array are refused together */
    }
    if (result->error == MS_CLIENT_CLOSED_ID && can_ask_kept(submitting) && ask_kept(submitting)) {
        return;
    }
    ms_cli_say(&ms_submit_cli, "%s refused: %s", submitting->type,
               result->detail[0] != '\0' ? result->detail : ms_client_strerror(result->error));
    end(submitting, ms_cli_exit_code(result->error));
}

static void done_cb(struct ms_client *client, const struct ms_client_result *result, void *context)
{
    struct submitting *submitting = context;

    (void)client;
    ev_timer_stop(ev_default_loop(0), &submitting->patience);
    if (result->is_spare) { /* there are not so many slaves */
        submitting->total--;
        if (is_waiting(submitting)) {
            count_outcome(submitting, EX_OK);
        }
        return;
    }
    if (result->error != MS_CLIENT_OK) {
        refused(submitting, result);
        return;
    }
    if (!is_waiting(submitting)) {
        if (!submitting->is_ended && !submitting->is_asking) {
            print_accepted(submitting, submitting->seq, 0, 1); /* the outcome overtook it */
            end(submitting, EX_OK);
        }
        return;
    }
    if (!ms_cli_bytes_add(&submitting->output, result->payload, result->payload_size)) {
        ms_cli_say(&ms_submit_cli, "out of memory");
        end(submitting, EX_OSERR);
        return;
    }
    count_outcome(submitting, print_outcome(submitting, result));
}

/* ---- while nobody takes it ---- */

static void connection_cb(struct ms_client *client, bool is_up, int error, void *context)
{
    struct submitting *submitting = context;

    (void)client;
    if (!is_up && !submitting->is_told_away) {
        ms_cli_say(&ms_submit_cli, "%s; trying again", ms_client_strerror(error));
    }
    submitting->is_told_away = !is_up;
    submitting->is_taken = is_up;
}

static void later_cb(struct ms_client *client, int error, void *context)
{
    struct submitting *submitting = context;

    (void)client;
    if (error != MS_CLIENT_OK) {
        ms_cli_say(&ms_submit_cli, "%s; trying again",
                   error == MS_CLIENT_BUSY
                       ? "the master's queue is full, or it has just started and knows no such type"
                       : ms_client_strerror(error));
    }
    /* A class is refused for now only where another master may have taken it. */
    submitting->is_taken = error == MS_CLIENT_OK || error == MS_CLIENT_DURABILITY;
}

/* Who waits for an outcome waits for the next master, too, and is told what for. */
static void patience_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    struct submitting *submitting = watcher->data;
    char id[MS_CLI_ID_SIZE];

    (void)loop;
    (void)revents;
    ms_cli_print_id(id, ms_client_id(submitting->client), submitting->seq);
    if (submitting->is_taken) {
        ms_cli_say(&ms_submit_cli,
                   is_waiting(submitting)
                       ? "the master has not acknowledged it yet: is its disk full or out of "
                         "reach, or, of class strict, the other master away? Waiting; ask with "
                         "muster why %s"
                       : "the master has not acknowledged it in time: is its disk full or out of "
                         "reach, or, of class strict, the other master away? It may be accepted "
                         "yet; submit it again with --id %s, which makes no second one",
                   id);
    } else if (!is_waiting(submitting)) {
        ms_cli_say(&ms_submit_cli, "no master has accepted it");
    }
    if (!is_waiting(submitting)) {
        end(submitting, ms_client_is_connected(submitting->client) ? EX_TEMPFAIL : EX_UNAVAILABLE);
    }
}

/* The first one cancels what was submitted, whose outcome then ends us; the second ends us at once. */
static void signal_cb(struct ev_loop *loop, ev_signal *watcher, int revents)
{
    struct submitting *submitting = watcher->data;
    bool is_cancelled = false;

    (void)loop;
    (void)revents;
    for (uint64_t i = 0; i < submitting->total && submitting->interrupts == 0; i++) {
        is_cancelled = ms_client_cancel(submitting->client, submitting->seq + i) == MS_CLIENT_OK ||
                       is_cancelled;
    }
    submitting->interrupts++;
    if (!is_cancelled) {
        end(submitting, MS_EX_INTERRUPTED);
    }
}

/* ---- what goes out ---- */

static bool read_payload(const struct ms_submit_settings *settings, struct ms_cli_bytes *payload,
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
        ms_cli_say(&ms_submit_cli, "%s: %s", settings->in, strerror(errno));
        *exit_out = EX_NOINPUT;
        return false;
    }
    const bool is_read = ms_cli_bytes_read(payload, fd, PAYLOAD_MAX);

    if (!is_read) {
        ms_cli_say(&ms_submit_cli, "%s: %s", settings->in, strerror(errno));
        *exit_out = errno == EFBIG ? EX_DATAERR : EX_IOERR;
    }
    if (!is_stdin) {
        close(fd);
    }
    return is_read;
}

static int submit(struct submitting *submitting, struct ms_client_submission *submission)
{
    submission->on_output =
        is_waiting(submitting) && submission->array_count == 0 ? output_cb : NULL;
    submission->on_accepted = accepted_cb;
    submission->context = submitting;
    if (!ms_text_to_u64(submitting->type, strlen(submitting->type), &submission->type_number)) {
        submission->type = submitting->type;
    }
    submitting->total = submission->array_count > 0 ? submission->array_count : 1;
    submitting->left = submitting->total;
    const int error =
        ms_client_submit(submitting->client, submission, done_cb, submitting, &submitting->seq);

    if (error != MS_CLIENT_OK) {
        ms_cli_say(&ms_submit_cli, "%s",
                   error == MS_CLIENT_BAD_ARGUMENT
                       ? "TYPE is a name of up to 63 letters, digits, '.', '_', '-', "
                         "or a number from 1024"
                       : ms_client_strerror(error));
        return ms_cli_exit_code(error);
    }
    submitting->is_taken = ms_client_is_connected(submitting->client);
    ev_timer_start(ev_default_loop(0), &submitting->patience);
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

static int connect_and_submit(struct submitting *submitting,
                              struct ms_client_submission *submission)
{
    const struct ms_submit_settings *settings = submitting->settings;
    struct ms_client_options more;
    char client_id[MS_CLI_ID_SIZE];
    int code = EX_OK;

    ms_client_options_default(&more, sizeof more);
    more.on_connection = connection_cb;
    more.on_later = later_cb;
    more.context = submitting;
    if (submission->array_count > more.queue) {
        more.queue = submission->array_count;
    }
    if (submission->payload_size + MEMORY_SLACK > more.memory) {
        more.memory = submission->payload_size + MEMORY_SLACK;
    }
    if (settings->id != NULL) {
        ms_submit_id(settings, client_id, &more.first_seq);
        more.id = client_id;
        if (submission->array_count > 0 &&
            more.first_seq > MS_NUMBER_MAX - (submission->array_count - 1)) {
            return ms_cli_usage_error(&ms_submit_cli, "--id: the last number of the --array is "
                                                      "above 2^64 - 2");
        }
    }
    const double patience_s = (double)settings->common.connect_timeout / MS_SEC +
                              (double)(submission->payload_size / PACE);
    ev_timer_init(&submitting->patience, patience_cb, patience_s, 0);
    submitting->patience.data = submitting;
    submitting->client = ms_cli_connect(&ms_submit_cli, &settings->common, &more, &code);
    if (submitting->client == NULL) {
        return code;
    }
    watch_signals(submitting);
    code = submit(submitting, submission);
    ms_client_close(submitting->client, 0);
    ms_client_destroy(submitting->client);
    ev_timer_stop(ev_default_loop(0), &submitting->patience);
    return code;
}

static int run_with(const struct ms_submit_settings *settings, const char *type,
                    struct ms_client_submission *submission)
{
    struct submitting submitting = {.settings = settings, .type = type};
    struct ms_cli_bytes payload = {.data = NULL};
    int code = EX_OSERR;

    if (!read_payload(settings, &payload, &code)) {
        ms_cli_bytes_free(&payload);
        return code;
    }
    if (!ms_cli_out_open(&ms_submit_cli, settings->out, &submitting.out)) {
        ms_cli_bytes_free(&payload);
        return EX_CANTCREAT;
    }
    submission->payload = payload.data;
    submission->payload_size = payload.size;
    code = connect_and_submit(&submitting, submission);
    code = ms_cli_out_close(&ms_submit_cli, &submitting.out, code);
    ms_cli_bytes_free(&submitting.output);
    ms_cli_bytes_free(&payload);
    return code;
}

static int run(int argc, char **argv)
{
    struct ms_submit_settings settings;
    struct ms_client_submission submission;
    struct ms_options options;
    struct ms_complaint complaint;
    const struct ms_cli_result result =
        ms_cli_parse(&ms_submit_cli, argc, argv, &settings, &options);

    if (result.is_done) {
        return result.exit_code;
    }
    const int code = ms_submit_read(&settings, ms_cli_wall_now(), &submission, &complaint)
                         ? run_with(&settings, argv[result.argument_at], &submission)
                         : ms_cli_usage_error(&ms_submit_cli, complaint.text);

    ms_options_finish(&options);
    return ms_cli_finish_output(&ms_submit_cli, code);
}

const struct ms_cli_command ms_cmd_submit = {
    .name = "submit",
    .summary = "submit one command, and wait for it if asked",
    .cli = &ms_submit_cli,
    .run = run,
};
