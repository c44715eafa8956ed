#include <ev.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "client/cli_histogram.h"
#include "client/cli_commands.h"
#include "core/io/clock.h"

#define TYPE_DEFAULT "echo"
#define EXIT_FAILED  1

struct settings {
    struct ms_cli_common common;
    uint64_t depth, count, size;
    ms_time busy_poll;
};

static const struct ms_option table[] = {
    {.name = "depth",
     .short_name = 'd',
     .kind = MS_OPTION_U64,
     .min = 1,
     .max = MS_OUTSTANDING_MAX,
     .default_text = "1000",
     .group = "Load",
     .help = "keep so many commands outstanding",
     .offset = offsetof(struct settings, depth)},
    {.name = "count",
     .short_name = 'n',
     .kind = MS_OPTION_U64,
     .min = 1,
     .default_text = "100000",
     .help = "submit so many commands in all",
     .offset = offsetof(struct settings, count)},
    {.name = "size",
     .short_name = 's',
     .kind = MS_OPTION_SIZE,
     .max = MS_PAYLOAD_MAX_CEILING,
     .default_text = "64B",
     .help = "payload of each command",
     .offset = offsetof(struct settings, size)},
    {.name = "busy-poll",
     .kind = MS_OPTION_DURATION,
     .default_text = "0",
     .max = MS_SEC,
     .help = "spin so long for answers before the loop sleeps",
     .offset = offsetof(struct settings, busy_poll)},
    MS_CLI_COMMON_OPTIONS(struct settings, common),
};

static const struct ms_cli cli = {
    .program = "muster bench",
    .arguments = "[TYPE]",
    .summary = "Drives commands of one type (echo) and prints commands per second and latencies.",
    .epilogue =
        "Ctrl-C ends it early and prints what was measured. Exit code 1: commands failed.\n\n"
        "Examples:\n  muster bench --depth 1 --count 10000\n"
        "  muster bench echo --depth 10000 --size 1KiB --json\n",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .arguments_max = 1,
};

struct bench;

/* One of the depth commands that are always under way. */
struct slot {
    struct bench *bench;
    ms_time begun;
};

struct bench {
    const struct settings *settings;
    struct ms_client *client;
    struct ms_client_submission submission;
    struct slot *slots;
    uint64_t submitted, done, failed;
    bool is_stopping;
    int error;
    char first_failure[MS_DETAIL_MAX + 1];
    struct ms_cli_histogram latencies;
    ms_time begun, ended, cpu;
};

static void done_cb(struct ms_client *client, const struct ms_client_result *result, void *context);

static void submit_next(struct bench *bench, struct slot *slot, ms_time now)
{
    if (bench->is_stopping || bench->submitted == bench->settings->count) {
        return;
    }
    slot->begun = now;
    const int error = ms_client_submit(bench->client, &bench->submission, done_cb, slot, NULL);

    if (error == MS_CLIENT_OK) {
        bench->submitted++;
    } else {
        bench->error = error;
        bench->is_stopping = true;
    }
}

static void note_failure(struct bench *bench, const struct ms_client_result *result)
{
    if (bench->failed++ == 0) {
        const char *reason = result->error != MS_CLIENT_OK ? ms_client_strerror(result->error)
                                                           : ms_client_status_name(result->status);

        snprintf(bench->first_failure, sizeof bench->first_failure, "%s%s%.400s", reason,
                 result->detail[0] != '\0' ? ": " : "", result->detail);
    }
    /* What was refused once will be refused again. */
    bench->is_stopping = bench->is_stopping || result->error != MS_CLIENT_OK;
}

static void done_cb(struct ms_client *client, const struct ms_client_result *result, void *context)
{
    struct slot *slot = context;
    struct bench *bench = slot->bench;
    const ms_time now = ms_clock_now();

    bench->done++;
    ms_cli_histogram_add(&bench->latencies, (uint64_t)(now - slot->begun));
    if (result->error != MS_CLIENT_OK || result->status != MS_CLIENT_STATUS_OK) {
        note_failure(bench, result);
    }
    submit_next(bench, slot, now);
    if (bench->done == bench->submitted) {
        bench->ended = now;
        ms_client_break(client);
    }
}

static void signal_cb(struct ev_loop *loop, ev_signal *watcher, int revents)
{
    struct bench *bench = watcher->data;

    (void)loop;
    (void)revents;
    if (bench->is_stopping) {
        bench->ended = ms_clock_now();
        ms_client_break(bench->client);
    }
    bench->is_stopping = true;
}

/* Half the smallest step of a rate is nothing that anybody reads. */
static double per_second(const struct bench *bench)
{
    const ms_time spent = bench->ended - bench->begun;

    return spent > 0 ? (double)bench->done * (double)MS_SEC / (double)spent : 0.;
}

static void print_json(const struct bench *bench)
{
    const struct ms_cli_histogram *latencies = &bench->latencies;
    json_t *object = json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:I, s:I, s:I}", "commands",
                               (json_int_t)bench->done, "failed", (json_int_t)bench->failed,
                               "depth", (json_int_t)bench->settings->depth, "size_bytes",
                               (json_int_t)bench->settings->size, "elapsed_us",
                               (json_int_t)(bench->ended - bench->begun), "commands_per_second",
                               per_second(bench), "client_cpu_us_per_command",
                               bench->done > 0 ? (double)bench->cpu / (double)bench->done : 0.,
                               "p50_us", (json_int_t)ms_cli_histogram_quantile(latencies, 500),
                               "p99_us", (json_int_t)ms_cli_histogram_quantile(latencies, 990),
                               "max_us", (json_int_t)latencies->max);

    json_dumpf(object, stdout, JSON_COMPACT);
    json_decref(object);
    putchar('\n');
}

static void print_text(const struct bench *bench)
{
    const struct ms_cli_histogram *latencies = &bench->latencies;

    printf("commands    %" PRIu64 "\n", bench->done);
    printf("failed      %" PRIu64 "\n", bench->failed);
    printf("commands/s  %.0f\n", per_second(bench));
    printf("p50         %" PRIu64 "us\n", ms_cli_histogram_quantile(latencies, 500));
    printf("p99         %" PRIu64 "us\n", ms_cli_histogram_quantile(latencies, 990));
    printf("max         %" PRIu64 "us\n", latencies->max);
    printf("client cpu  %.2fus/command\n",
           bench->done > 0 ? (double)bench->cpu / (double)bench->done : 0.);
}

static int measure(struct bench *bench)
{
    const uint64_t depth = bench->settings->depth;
    const ms_time cpu = ms_clock_cpu();

    bench->begun = ms_clock_now();
    for (uint64_t i = 0; i < depth; i++) {
        bench->slots[i].bench = bench;
        submit_next(bench, &bench->slots[i], bench->begun);
    }
    while (bench->ended == 0 && bench->submitted > bench->done) {
        ms_client_run(bench->client, -1);
    }
    bench->ended = bench->ended != 0 ? bench->ended : ms_clock_now();
    bench->cpu = ms_clock_cpu() - cpu;
    if (bench->error != MS_CLIENT_OK) {
        ms_cli_say(&cli, "%s", ms_client_strerror(bench->error));
        return ms_cli_exit_code(bench->error);
    }
    if (bench->settings->common.is_json) {
        print_json(bench);
    } else {
        print_text(bench);
    }
    if (bench->failed > 0) {
        ms_cli_say(&cli, "%" PRIu64 " commands failed; the first: %s", bench->failed,
                   bench->first_failure);
        return EXIT_FAILED;
    }
    return EX_OK;
}

static int connect_and_measure(struct bench *bench)
{
    const struct settings *settings = bench->settings;
    const struct ms_client_options more = {
        .size = sizeof more,
        .window = (uint32_t)settings->depth,
        .queue = (uint32_t)settings->depth,
        .busy_poll_us = (uint32_t)settings->busy_poll,
        .memory = UINT64_C(1) << 40, /* depth times size is what was asked for */
    };
    ev_signal interrupt;
    int code = EX_OK;

    bench->client = ms_cli_connect(&cli, &settings->common, &more, &code);
    if (bench->client == NULL) {
        return code;
    }
    ev_signal_init(&interrupt, signal_cb, SIGINT);
    interrupt.data = bench;
    ev_signal_start(ev_default_loop(0), &interrupt);
    code = measure(bench);
    ev_signal_stop(ev_default_loop(0), &interrupt);
    ms_client_close(bench->client, 0);
    ms_client_destroy(bench->client);
    return code;
}

static int run_with(const struct settings *settings, const char *type)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct slot *slots = calloc(settings->depth, sizeof *slots);
    uint8_t *payload = calloc(1, (size_t)settings->size + 1);
    int code = EX_OSERR;

    if (bench == NULL || slots == NULL || payload == NULL) {
        ms_cli_say(&cli, "out of memory");
    } else {
        bench->settings = settings;
        bench->slots = slots;
        bench->submission = (struct ms_client_submission){
            .size = sizeof bench->submission,
            .type = type,
            .payload = payload,
            .payload_size = (size_t)settings->size,
        };
        code = connect_and_measure(bench);
    }
    free(payload);
    free(slots);
    free(bench);
    return code;
}

static int run(int argc, char **argv)
{
    struct settings settings;
    struct ms_options options;
    const struct ms_cli_result result = ms_cli_parse(&cli, argc, argv, &settings, &options);

    if (result.is_done) {
        return result.exit_code;
    }
    const char *type = result.argument_at < argc ? argv[result.argument_at] : TYPE_DEFAULT;
    const int code = run_with(&settings, type);

    ms_options_finish(&options);
    return ms_cli_finish_output(&cli, code);
}

const struct ms_cli_command ms_cmd_bench = {
    .name = "bench",
    .summary = "drive commands and measure",
    .cli = &cli,
    .run = run,
};
