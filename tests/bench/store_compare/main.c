/* Which library carries the store, and how the records lie in it: bench_store_compare DIRECTORY [WHAT...].
 *
 * A command costs two records (150 and 120 bytes with 64 of payload; here two of 135) that are put and
 * erased one by one, LAG commits later. Two layouts: `each` keeps every record under its number, `ring`
 * keeps the batches of the last commits whole and moves only what survives them. The result is
 * docs/decisions/0008-store.md. */
#include "compare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ENTRY_SIZE  135u
#define BATCH_MAX   4096u
#define WINDOW      (1u << 22) /* records that are remembered as alive or not */
#define SAMPLES_MAX 20000u
#define PATH_SIZE   4096u

/* One run: a stream of commits into one store. */
struct run {
    const struct candidate *candidate;
    void *store;
    bool is_ring;
    uint64_t seq;        /* of the last record put */
    uint64_t erased;     /* every record up to here, but those never erased */
    uint64_t keep_every; /* each so manieth record lives on; 0 = none */
    uint64_t commits;
    uint64_t first[RING_SLOTS]; /* records of a slot: first .. first + count - 1 */
    uint32_t count[RING_SLOTS];
    uint64_t puts[BATCH_MAX], erases[2 * BATCH_MAX];
    uint8_t blob[(size_t)BATCH_MAX * (ENTRY_SIZE + 20)];
};

static uint64_t samples[SAMPLES_MAX];

void give_up(const char *what, const char *why)
{
    fprintf(stderr, "bench_store_compare: %s: %s\n", what, why);
    exit(1);
}

static uint64_t nanoseconds(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t bytes_written(void)
{
    FILE *file = fopen("/proc/self/io", "r");
    char line[128];
    uint64_t bytes = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "write_bytes:", 12) == 0) {
            bytes = strtoull(line + 12, NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return bytes;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static double percentile(size_t count, unsigned per_mille)
{
    qsort(samples, count, sizeof *samples, by_value);
    return (double)samples[(count - 1) * per_mille / 1000] / 1000;
}

static bool is_kept(const struct run *run, uint64_t seq)
{
    return run->keep_every != 0 && seq % run->keep_every == 0;
}

/* What the slot held and nobody erased moves to the table `old`. */
static size_t retire(struct run *run, uint32_t slot)
{
    size_t moved = 0;

    for (uint64_t seq = run->first[slot]; seq < run->first[slot] + run->count[slot]; seq++) {
        if (seq > run->erased || is_kept(run, seq)) {
            run->puts[moved++] = seq;
        }
    }
    return moved;
}

/* Puts count records and erases everything up to and with `erase_to`. */
static void commit(struct run *run, uint32_t count, uint64_t erase_to)
{
    struct change change = {.entries = run->blob, .entry_size = ENTRY_SIZE, .puts = run->puts};
    uint32_t slot = (uint32_t)(run->commits % RING_SLOTS);
    uint64_t ring_first = run->is_ring && run->commits >= RING_SLOTS ? run->first[slot] : 0;
    size_t young_erases = 0, erases = 0;

    for (uint64_t seq = run->erased + 1; seq <= erase_to; seq++) {
        if (is_kept(run, seq)) {
            continue;
        } else if (run->is_ring && seq >= ring_first) {
            young_erases++;
        } else {
            run->erases[erases++] = seq;
        }
    }
    run->erased = erase_to > run->erased ? erase_to : run->erased;
    if (run->is_ring) {
        change.puts_count = retire(run, slot);
        change.blob = run->blob;
        change.blob_size = count * ENTRY_SIZE + young_erases * 20;
        change.slot = slot;
        run->first[slot] = run->seq + 1;
        run->count[slot] = count;
    } else {
        for (uint32_t i = 0; i < count; i++) {
            run->puts[i] = run->seq + 1 + i;
        }
        change.puts_count = count;
    }
    change.erases = run->erases;
    change.erases_count = erases;
    change.meta = run->commits % 16 == 0 ? run->seq + 1 : 0;
    run->candidate->commit(run->store, &change);
    run->seq += count;
    run->commits++;
}

static void clear_directory(const char *directory)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "store.db", "store.db-wal",
                                        "store.db-shm"};
    char path[PATH_SIZE];

    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        give_up(directory, strerror(errno));
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
}

static double file_megabytes(const char *directory)
{
    static const char *const names[] = {"data.mdb", "store.db", "store.db-wal"};
    double bytes = 0;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH_SIZE];
        struct stat stat_;

        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        if (stat(path, &stat_) == 0) {
            bytes += (double)stat_.st_blocks * 512;
        }
    }
    return bytes / 1e6;
}

static void start(struct run *run, const struct candidate *candidate, bool is_ring,
                  const char *directory)
{
    clear_directory(directory);
    memset(run, 0, sizeof *run);
    run->candidate = candidate;
    run->is_ring = is_ring;
    run->store = candidate->open(directory);
}

/* Overwrites a block of a file written before: the least that durable can cost. */
static void measure_bare(const char *directory, size_t size, size_t count)
{
    char path[PATH_SIZE];
    uint8_t block[16384] = {1};
    int fd;

    clear_directory(directory);
    snprintf(path, sizeof path, "%s/store.db", directory);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    for (off_t at = 0; fd >= 0 && at < (4 << 20); at += (off_t)sizeof block) {
        if (pwrite(fd, block, sizeof block, at) != (ssize_t)sizeof block) {
            give_up(path, strerror(errno));
        }
    }
    fsync(fd);
    for (size_t i = 0; i < count; i++) {
        uint64_t begin = nanoseconds(CLOCK_MONOTONIC);

        block[0] = (uint8_t)i;
        if (pwrite(fd, block, size, (off_t)((i * size) % (4 << 20))) != (ssize_t)size ||
            fdatasync(fd) != 0) {
            give_up(path, strerror(errno));
        }
        samples[i] = nanoseconds(CLOCK_MONOTONIC) - begin;
    }
    close(fd);
    printf("bare fdatasync of %5zu overwritten bytes: p50 %.0f us, p99 %.0f us\n", size,
           percentile(count, 500), percentile(count, 990));
}

/* Batches of a size: latency of a commit, records a second, CPU and bytes on the disk for a record. */
static void measure_batches(struct run *run, const char *directory, uint32_t batch, size_t commits)
{
    uint64_t bytes = bytes_written(), cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t begin = nanoseconds(CLOCK_MONOTONIC), records = (uint64_t)commits * batch;
    double seconds;

    for (size_t i = 0; i < commits; i++) {
        uint64_t from = nanoseconds(CLOCK_MONOTONIC);

        commit(run, batch, run->seq > 2 * batch ? run->seq - 2 * batch : 0);
        samples[i] = nanoseconds(CLOCK_MONOTONIC) - from;
    }
    seconds = (double)(nanoseconds(CLOCK_MONOTONIC) - begin) / 1e9;
    printf("%-6s %-4s batch %4u: p50 %4.0f us, p99 %5.0f us, max %6.0f us; %7.0f records/s, "
           "%5.0f ns CPU and %5.0f bytes written per record; files %.1f MB\n",
           run->candidate->name, run->is_ring ? "ring" : "each", batch, percentile(commits, 500),
           percentile(commits, 990), percentile(commits, 1000), (double)records / seconds,
           (double)(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)records,
           (double)(bytes_written() - bytes) / (double)records, file_megabytes(directory));
}

/* Twenty million records (ten million commands) pass; one in a hundred thousand stays. */
static void measure_passage(struct run *run, const char *directory)
{
    uint64_t begin = nanoseconds(CLOCK_MONOTONIC), cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);

    run->keep_every = 100000;
    while (run->seq < 20000000) {
        commit(run, 2000, run->seq > 20000 ? run->seq - 20000 : 0);
    }
    printf("%-6s %-4s 10 M commands passed in %.1f s (%.1f s CPU): files %.1f MB\n",
           run->candidate->name, run->is_ring ? "ring" : "each",
           (double)(nanoseconds(CLOCK_MONOTONIC) - begin) / 1e9,
           (double)(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e9, file_megabytes(directory));
}

/* A million records wait; then everything is closed, opened and read; then a suffix is cut. */
static void measure_backlog(struct run *run, const char *directory)
{
    uint64_t begin = nanoseconds(CLOCK_MONOTONIC), bytes;
    double filled, closed, scanned;

    while (run->seq < 1000000) {
        commit(run, 1000, 0);
    }
    filled = (double)(nanoseconds(CLOCK_MONOTONIC) - begin) / 1e9;
    begin = nanoseconds(CLOCK_MONOTONIC);
    run->candidate->close(run->store);
    closed = (double)(nanoseconds(CLOCK_MONOTONIC) - begin) / 1e9;
    begin = nanoseconds(CLOCK_MONOTONIC);
    run->store = run->candidate->open(directory);
    bytes = run->candidate->scan(run->store);
    scanned = (double)(nanoseconds(CLOCK_MONOTONIC) - begin) / 1e9;
    printf("%-6s %-4s a million records wait: put in %.2f s, closed in %.2f s, opened and read "
           "(%.0f MB) in %.2f s; files %.1f MB\n",
           run->candidate->name, run->is_ring ? "ring" : "each", filled, closed,
           (double)bytes / 1e6, scanned, file_megabytes(directory));
    begin = nanoseconds(CLOCK_MONOTONIC);
    run->candidate->cut(run->store, 1, 10000);
    filled = (double)(nanoseconds(CLOCK_MONOTONIC) - begin) / 1e6;
    begin = nanoseconds(CLOCK_MONOTONIC);
    run->candidate->cut(run->store, 600001, 610000);
    printf("%-6s %-4s trim of 10,000 records %.1f ms, cut of 10,000 %.1f ms\n",
           run->candidate->name, run->is_ring ? "ring" : "each", filled,
           (double)(nanoseconds(CLOCK_MONOTONIC) - begin) / 1e6);
}

/* A reader keeps its view while a million records pass. */
static void measure_view(struct run *run, const char *directory)
{
    double before, while_open, after;
    void *view;

    for (int i = 0; i < 600; i++) {
        commit(run, 1000, run->seq > 2000 ? run->seq - 2000 : 0);
    }
    before = file_megabytes(directory);
    view = run->candidate->view_open(run->store, directory);
    for (int i = 0; i < 1000; i++) {
        uint64_t from = nanoseconds(CLOCK_MONOTONIC);

        commit(run, 1000, run->seq - 2000);
        samples[i] = nanoseconds(CLOCK_MONOTONIC) - from;
    }
    while_open = file_megabytes(directory);
    run->candidate->view_close(view);
    for (int i = 0; i < 1000; i++) {
        commit(run, 1000, run->seq - 2000);
    }
    after = file_megabytes(directory);
    printf("%-6s %-4s a view stays open for 1000 commits of 1000: p50 %.0f us, p99 %.0f us; files "
           "%.1f MB before, %.1f while, %.1f after\n",
           run->candidate->name, run->is_ring ? "ring" : "each", percentile(1000, 500),
           percentile(1000, 990), before, while_open, after);
}

static void measure(struct run *run, const struct candidate *candidate, bool is_ring,
                    const char *directory, const char *what)
{
    static const struct {
        uint32_t batch;
        size_t commits;
    } sizes[] = {{1, 4000}, {100, 4000}, {1000, 2000}};

    start(run, candidate, is_ring, directory);
    if (strcmp(what, "batches") == 0) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            if (i > 0) {
                candidate->close(run->store);
                start(run, candidate, is_ring, directory);
            }
            measure_batches(run, directory, sizes[i].batch, sizes[i].commits);
        }
    } else if (strcmp(what, "passage") == 0) {
        measure_passage(run, directory);
    } else if (strcmp(what, "backlog") == 0) {
        measure_backlog(run, directory);
    } else if (strcmp(what, "view") == 0) {
        measure_view(run, directory);
    } else {
        give_up(what, "one of batches, passage, backlog, view is wanted");
    }
    candidate->close(run->store);
}

int main(int argc, char **argv)
{
    static const struct candidate *const candidates[] = {&candidate_lmdb, &candidate_sqlite};
    static const char *const everything[] = {"batches", "backlog", "passage"};
    struct run *run = calloc(1, sizeof *run);
    const char *only = getenv("ONLY");

    if (argc < 2 || run == NULL) {
        fprintf(stderr, "usage: bench_store_compare DIRECTORY [batches|passage|backlog|view...]\n");
        return 64;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    measure_bare(argv[1], 512, 4000);
    measure_bare(argv[1], 4096, 4000);
    for (int w = 0; w < (argc > 2 ? argc - 2 : 3); w++) {
        for (size_t c = 0; c < 2; c++) {
            for (int ring = 0; ring < 2; ring++) {
                if (only == NULL || strcmp(only, candidates[c]->name) == 0) {
                    measure(run, candidates[c], ring == 1, argv[1],
                            argc > 2 ? argv[w + 2] : everything[w]);
                }
            }
        }
    }
    free(run);
    return 0;
}
