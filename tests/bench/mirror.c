/* What the log between two masters costs without any I/O: nanoseconds of CPU per record of 64 bytes of payload, through a
 * mirror and a follower, as a stream of batches of several sizes and as a copy. What is written to the disks and what
 * travels is not in it. The best of several rounds is printed. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/invariant.h"
#include "core/limits.h"
#include "master/follower.h"
#include "master/mirror.h"
#include "proto/record.h"

#define RECORDS      200000u
#define ROUNDS       7
#define PAYLOAD_SIZE 64
#define PEER         ((ms_peer)1)

struct bench {
    struct ms_engine active, passive;
    struct ms_mirror *mirror;
    struct ms_follower *follower;
    ms_epoch reign;
    uint8_t *records;
    size_t *offsets; /* of record i, whose number is i + 1 */
    ms_seq scan_above;
    bool is_scanning, is_clearing;
    ms_seq written; /* by the follower, not told to be durable */
    uint64_t records_written;
};

/* CPU time: other programs on the machine do not count. */
static double now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void idle(struct ms_engine *engine, ms_time now, const struct ms_event *event)
{
    (void)engine, (void)now, (void)event;
}

static ms_time never(const struct ms_engine *engine)
{
    (void)engine;
    return MS_TIME_NEVER;
}

static void next_step(struct ms_engine *engine)
{
    ms_engine_step(engine, 0, &(struct ms_event){.type = MS_EVENT_TICK});
}

static void carry_passive(struct bench *bench)
{
    struct ms_effect effect;

    while (ms_engine_poll(&bench->passive, &effect)) {
        if (effect.type == MS_EFFECT_PERSIST) {
            bench->written = effect.seq;
        } else if (effect.type == MS_EFFECT_CLEAR) {
            bench->is_clearing = true;
        } else if (!ms_mirror_hear(bench->mirror, bench->reign, &effect.command)) {
            abort();
        }
    }
    next_step(&bench->passive);
}

static void carry_active(struct bench *bench)
{
    struct ms_effect effect;

    while (ms_engine_poll(&bench->active, &effect)) {
        if (effect.type == MS_EFFECT_SCAN) {
            bench->is_scanning = true;
            bench->scan_above = effect.seq;
            continue;
        }
        if (!ms_follower_hear(bench->follower, bench->reign, &effect.command)) {
            abort();
        }
        if (ms_follower_news(bench->follower) == MS_FOLLOWER_INCOMPLETE) {
            ms_follower_go_on(bench->follower);
        }
        carry_passive(bench);
    }
    next_step(&bench->active);
}

static void turn(struct bench *bench)
{
    (void)ms_mirror_pump(bench->mirror, true);
    carry_active(bench);
    if (bench->is_clearing) {
        bench->is_clearing = false;
        ms_follower_cleared(bench->follower, false);
    }
    if (bench->written > 0) {
        ms_follower_persisted(bench->follower, bench->written);
        bench->written = 0;
    }
    carry_passive(bench);
}

static void begin(struct bench *bench, ms_seq last, bool is_placed)
{
    bench->reign++;
    ms_follower_leave(bench->follower);
    ms_follower_place(bench->follower, is_placed ? bench->reign : 0, 0);
    ms_mirror_begin(bench->mirror, bench->reign, last);
    ms_mirror_connect(bench->mirror, PEER);
    ms_follower_follow(bench->follower, PEER, bench->reign, 0);
    carry_passive(bench);
    turn(bench);
}

static void end(struct bench *bench)
{
    while (ms_follower_durable(bench->follower) < RECORDS) {
        turn(bench);
    }
    ms_mirror_end(bench->mirror);
    next_step(&bench->active);
}

static double stream_round(struct bench *bench, unsigned batch)
{
    begin(bench, 0, true);
    const double start = now_ns();

    for (unsigned i = 0; i < RECORDS; i += batch) {
        const unsigned next = i + batch < RECORDS ? i + batch : RECORDS;
        const struct ms_bytes entries = {bench->records + bench->offsets[i],
                                         bench->offsets[next] - bench->offsets[i]};

        if (!ms_mirror_append(bench->mirror, next, entries)) {
            abort();
        }
        turn(bench);
        ms_mirror_persisted(bench->mirror, next);
    }
    end(bench);
    return (now_ns() - start) / RECORDS;
}

static void scan(struct bench *bench)
{
    const size_t from = bench->offsets[bench->scan_above];
    ms_seq seq = bench->scan_above;
    struct ms_command command = {0};

    while (seq < RECORDS && bench->offsets[seq + 1] - from <= MS_SCAN_BYTES) {
        seq++;
    }
    command.payload = (struct ms_bytes){bench->records + from, bench->offsets[seq] - from};
    bench->is_scanning = false;
    ms_mirror_scanned(bench->mirror, &(struct ms_event){.type = MS_EVENT_SCANNED,
                                                        .seq = command.payload.size > 0 ? seq : 0,
                                                        .command = &command});
}

static double copy_round(struct bench *bench)
{
    const double start = now_ns();

    begin(bench, RECORDS, false);
    while (ms_follower_durable(bench->follower) < RECORDS) {
        if (bench->is_scanning) {
            scan(bench);
        }
        turn(bench);
    }
    end(bench);
    return (now_ns() - start) / RECORDS;
}

static void make_records(struct bench *bench)
{
    static const uint8_t payload[PAYLOAD_SIZE];
    struct ms_record record = {
        .kind = MS_RECORD_SUBMIT,
        .at = INT64_C(1700000000123456),
        .id = {.client = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}},
        .type = 0x9ae16a3b2f90404full,
        .durability = MS_DURABILITY_LOCAL,
        .attempts_max = 1,
        .payload = {payload, sizeof payload},
    };
    uint8_t *at;

    bench->records = malloc(RECORDS * ms_record_size_max(&record));
    bench->offsets = calloc(RECORDS + 1, sizeof *bench->offsets);
    if (bench->records == NULL || bench->offsets == NULL) {
        abort();
    }
    at = bench->records;
    for (unsigned i = 0; i < RECORDS; i++) {
        record.id.seq = i + 1;
        at = ms_record_write(at, i + 1, &record);
        bench->offsets[i + 1] = (size_t)(at - bench->records);
    }
}

static void print(const char *name, double ns, const struct bench *bench)
{
    const double size = (double)bench->offsets[RECORDS] / RECORDS;

    (void)printf("%-16s %8.1f %14.0f %10.0f\n", name, ns, 1e9 / ns, size * 1e3 / ns);
}

int main(void)
{
    static const struct ms_engine_ops ops = {.name = "bench", .step = idle, .deadline = never};
    static const unsigned batches[] = {1, 16, 256};
    struct bench bench = {.reign = 0};
    double best = 1e9;

    if (!ms_engine_init(&bench.active, &ops) || !ms_engine_init(&bench.passive, &ops)) {
        return EXIT_FAILURE;
    }
    bench.mirror = ms_mirror_create(&bench.active);
    bench.follower = ms_follower_create(&bench.passive);
    next_step(&bench.active);
    next_step(&bench.passive);
    make_records(&bench);
    (void)printf("%-16s %8s %14s %10s\n", "way", "ns", "records/s", "MB/s");
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        char name[32];

        best = 1e9;
        for (unsigned round = 0; round < ROUNDS; round++) {
            const double ns = stream_round(&bench, batches[i]);
            best = ns < best ? ns : best;
        }
        (void)snprintf(name, sizeof name, "stream of %u", batches[i]);
        print(name, best, &bench);
    }
    best = 1e9;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const double ns = copy_round(&bench);
        best = ns < best ? ns : best;
    }
    print("copy", best, &bench);
    ms_mirror_destroy(bench.mirror);
    ms_follower_destroy(bench.follower);
    ms_engine_finish(&bench.active);
    ms_engine_finish(&bench.passive);
    free(bench.records);
    free(bench.offsets);
    return EXIT_SUCCESS;
}
