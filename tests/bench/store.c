/* What the store costs, thread and loop included: bench_store DIRECTORY.
 *
 * Depth 1: one command's record put, the one before erased, PERSISTED awaited; beside a bare fdatasync of
 * an overwritten file, in turns, so that both see the same disk. Batches: records are put, and erased two
 * commits later. The table of CPU time is per record that was put and erased. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/io/clock.h"
#include "core/io/store.h"
#include "proto/record.h"

#define SAMPLES   4000u
#define BATCH_MAX 10000u
#define PAYLOAD   64u

struct bench {
    struct ev_loop *loop;
    struct ms_store *store;
    struct ms_store_options options;
    ms_seq seq, erased, persisted;
    uint8_t *entries;
    int bare_fd;
    double samples[SAMPLES], bare[SAMPLES];
};

static double now(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "bench_store: %s: %s\n", what, why);
    exit(1);
}

static void on_event(void *context, const struct ms_event *event)
{
    struct bench *bench = context;

    if (event->type == MS_EVENT_PERSISTED) {
        if (event->error != MS_E_OK) {
            give_up("commit", ms_store_failure(bench->store));
        }
        bench->persisted = event->seq;
    }
}

/* Puts count records and erases all up to erase_to; returns bytes. */
static size_t make_entries(struct bench *bench, uint32_t count, ms_seq erase_to)
{
    static const uint8_t payload[PAYLOAD] = {1};
    const struct ms_record record = {
        .kind = MS_RECORD_SUBMIT,
        .type = 2000,
        .at = 1795190400000000,
        .attempts_max = 3,
        .id = {{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}, bench->seq + 1},
        .payload = {payload, sizeof payload},
    };
    uint8_t *at = bench->entries;

    for (uint32_t i = 0; i < count; i++) {
        at = ms_record_write(at, ++bench->seq, &record);
    }
    while (bench->erased < erase_to) {
        at = ms_record_write_erase(at, ++bench->erased);
    }
    return (size_t)(at - bench->entries);
}

static void wait_for(struct bench *bench)
{
    while (bench->persisted < bench->seq) {
        ev_run(bench->loop, EVRUN_ONCE);
    }
}

static double bare_sync(struct bench *bench, size_t i)
{
    static uint8_t block[4096];
    const double begin = now(CLOCK_MONOTONIC);

    block[0]++;
    if (pwrite(bench->bare_fd, block, sizeof block, (off_t)(i % 256 * sizeof block)) < 0 ||
        fdatasync(bench->bare_fd) != 0) {
        give_up("bare fdatasync", strerror(errno));
    }
    return now(CLOCK_MONOTONIC) - begin;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double percentile(double *samples, size_t count, unsigned per_mille)
{
    qsort(samples, count, sizeof *samples, by_value);
    return samples[(count - 1) * per_mille / 1000];
}

static void measure_depth_one(struct bench *bench)
{
    double p50, bare50;

    for (size_t i = 0; i < SAMPLES; i++) {
        double begin;
        size_t size = make_entries(bench, 1, bench->seq);

        bench->bare[i] = bare_sync(bench, i);
        begin = now(CLOCK_MONOTONIC);
        ms_store_write(bench->store, bench->seq, (struct ms_bytes){bench->entries, size});
        wait_for(bench);
        bench->samples[i] = now(CLOCK_MONOTONIC) - begin;
    }
    p50 = percentile(bench->samples, SAMPLES, 500);
    bare50 = percentile(bench->bare, SAMPLES, 500);
    printf(
        "depth 1: p50 %.0f us, p99 %.0f us, max %.0f us; bare fdatasync p50 %.0f us, p99 %.0f us; "
        "ratio of p50 %.2f\n",
        p50, percentile(bench->samples, SAMPLES, 990), percentile(bench->samples, SAMPLES, 1000),
        bare50, percentile(bench->bare, SAMPLES, 990), p50 / bare50);
}

/* lag: commits between a record's put and its erase; 0 = within the same window. */
static void measure_batches(struct bench *bench, uint32_t batch, uint32_t commits, uint32_t lag)
{
    double begin = now(CLOCK_MONOTONIC), loop_cpu = 0, entry_cpu = 0;
    double cpu = now(CLOCK_PROCESS_CPUTIME_ID), records = (double)batch * commits;
    double thread = now(CLOCK_THREAD_CPUTIME_ID), seconds;

    for (uint32_t i = 0; i < commits; i++) {
        double at = now(CLOCK_THREAD_CPUTIME_ID), made;
        ms_seq erase_to = bench->seq + batch - (ms_seq)batch * lag;
        size_t size = make_entries(bench, batch, erase_to > bench->seq + batch ? 0 : erase_to);

        made = now(CLOCK_THREAD_CPUTIME_ID);
        entry_cpu += made - at;
        ms_store_write(bench->store, bench->seq, (struct ms_bytes){bench->entries, size});
        wait_for(bench);
        loop_cpu += now(CLOCK_THREAD_CPUTIME_ID) - made;
        bench->samples[i % SAMPLES] = 0;
    }
    seconds = (now(CLOCK_MONOTONIC) - begin) / 1e6;
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    thread = now(CLOCK_THREAD_CPUTIME_ID) - thread;
    printf(
        "batches of %5u, erased %u commits later: %8.0f records/s; ns CPU per record: loop %.0f, "
        "store thread %.0f (making entries %.0f)\n",
        batch, lag, records / seconds, loop_cpu * 1000 / records, (cpu - thread) * 1000 / records,
        entry_cpu * 1000 / records);
}

static bool count_entry(void *context, ms_seq seq, struct ms_bytes entry)
{
    (void)seq;
    (void)entry;
    ++*(uint64_t *)context;
    return true;
}

static void reopen(struct bench *bench)
{
    struct ms_complaint complaint;
    enum ms_error error;

    if (!ms_store_close(bench->store)) {
        give_up("close", "failed");
    }
    bench->store = ms_store_open(&bench->options, &error, &complaint);
    if (bench->store == NULL) {
        give_up("open", complaint.text);
    }
}

static void measure_backlog(struct bench *bench)
{
    double begin = now(CLOCK_MONOTONIC), filled, opened;
    struct ms_store_stats stats;
    uint64_t count = 0;

    for (int i = 0; i < 1000; i++) {
        size_t size = make_entries(bench, 1000, 0);

        ms_store_write(bench->store, bench->seq, (struct ms_bytes){bench->entries, size});
        wait_for(bench);
    }
    filled = now(CLOCK_MONOTONIC) - begin;
    ms_store_stats(bench->store, &stats);
    reopen(bench);
    begin = now(CLOCK_MONOTONIC);
    reopen(bench);
    opened = now(CLOCK_MONOTONIC) - begin;
    begin = now(CLOCK_MONOTONIC);
    ms_store_replay(bench->store, count_entry, &count, NULL);
    printf("a million records wait: put in %.2f s; closed and opened in %.3f s, %llu replayed in "
           "%.3f s; files %.1f MB\n",
           filled / 1e6, opened / 1e6, (unsigned long long)count,
           (now(CLOCK_MONOTONIC) - begin) / 1e6, (double)stats.file_bytes / 1e6);
}

int main(int argc, char **argv)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct ms_complaint complaint;
    struct ms_store_stats stats;
    enum ms_error error;
    char path[4096];

    if (argc != 2 || bench == NULL) {
        fprintf(stderr, "usage: bench_store DIRECTORY (a new one)\n");
        return 64;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    bench->loop = ev_default_loop(0);
    bench->entries = malloc((size_t)BATCH_MAX * 2 * 400);
    bench->options = (struct ms_store_options){.size = sizeof bench->options,
                                               .loop = bench->loop,
                                               .directory = argv[1],
                                               .reserve = 64u << 20,
                                               .event = on_event,
                                               .context = bench};
    bench->store = ms_store_open(&bench->options, &error, &complaint);
    if (bench->store == NULL || bench->entries == NULL) {
        give_up("open", complaint.text);
    }
    snprintf(path, sizeof path, "%s/bare", argv[1]);
    bench->bare_fd = open(path, O_RDWR | O_CREAT, 0600);
    for (size_t i = 0; i < 256; i++) {
        (void)bare_sync(bench, i);
    }
    measure_depth_one(bench);
    measure_batches(bench, 1, 4000, 2);
    measure_batches(bench, 100, 4000, 2);
    measure_batches(bench, 1000, 4000, 2);
    measure_batches(bench, 1000, 4000, 1);
    measure_batches(bench, 1000, 4000, 0);
    measure_batches(bench, 10000, 400, 2);
    ms_store_stats(bench->store, &stats);
    printf("passed %.1f M records, %llu live, files %.1f MB\n", (double)bench->seq / 1e6,
           (unsigned long long)stats.records, (double)stats.file_bytes / 1e6);
    measure_backlog(bench);
    ms_store_close(bench->store);
    unlink(path);
    return 0;
}
