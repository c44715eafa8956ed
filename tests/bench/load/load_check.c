/* Counters, windows and checks: each command once to a worker, each result once. */
#define _GNU_SOURCE
#include "tests/bench/load/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SAMPLES_MIN 20

struct tally tally;
static uint8_t *seen_by_worker, *seen_as_result;
static uint64_t *submitted_at;
static uint32_t *ack_ns, *worker_ns, *result_ns;
static char *payload;

void die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fprintf(stderr, "load: ");
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (memory == NULL) {
        die("no memory");
    }
    return memory;
}

void check_start(void)
{
    size_t count = (size_t)options.count;

    payload = take(1, (size_t)options.size);
    memset(payload, 'x', (size_t)options.size);
    seen_by_worker = take(count, 1);
    seen_as_result = take(count, 1);
    if (options.latency) {
        submitted_at = take(count, sizeof *submitted_at);
        ack_ns = take(count, sizeof *ack_ns);
        worker_ns = take(count, sizeof *worker_ns);
        result_ns = take(count, sizeof *result_ns);
    }
}

/* The payload of the next submission: its number in eight letters, then filler. */
const char *check_next_payload(void)
{
    uint32_t number = (uint32_t)tally.submitted;

    for (int i = 0; i < 8; i++) {
        payload[i] = (char)('a' + ((number >> (28 - 4 * i)) & 15));
    }
    if (options.latency) {
        submitted_at[number] = now_ns();
    }
    tally.submitted++;
    return payload;
}

static uint32_t number_of(const char *bytes, size_t size)
{
    uint32_t number = 0;

    if (size != (size_t)options.size) {
        die("payload of %zu bytes, not %d", size, options.size);
    }
    for (int i = 0; i < 8; i++) {
        number = number << 4 | (uint32_t)(bytes[i] - 'a');
    }
    if (number >= (uint32_t)options.count) {
        die("wrong number %u", number);
    }
    return number;
}

void mark_ready(struct conn *conn)
{
    if (!conn->ready) {
        conn->ready = 1;
        tally.ready++;
    }
}

void acked(int count)
{
    if (options.latency) {
        for (int i = tally.acked; i < tally.acked + count; i++) {
            ack_ns[i] = (uint32_t)(now_ns() - submitted_at[i]);
        }
    }
    tally.acked += count;
}

void handle(const char *bytes, size_t size)
{
    uint32_t number = number_of(bytes, size);

    if (seen_by_worker[number]++) {
        die("command %u came twice to a worker", number);
    }
    if (options.latency) {
        worker_ns[number] = (uint32_t)(now_ns() - submitted_at[number]);
    }
    tally.handled++;
}

void completed(int count)
{
    tally.completed += count;
}

void result(const char *bytes, size_t size)
{
    uint32_t number = number_of(bytes, size);

    if (seen_as_result[number]++) {
        die("result %u came twice", number);
    }
    if (options.latency) {
        result_ns[number] = (uint32_t)(now_ns() - submitted_at[number]);
    }
    tally.results++;
}

void check_all_arrived(void)
{
    for (int i = 0; i < options.count && !options.waiting; i++) {
        if ((!options.fork && !seen_by_worker[i]) || (options.round_trip && !seen_as_result[i])) {
            die("command %d was lost", i);
        }
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void print_latency(const char *name, uint32_t *samples, int count)
{
    if (count < SAMPLES_MIN) {
        return;
    }
    qsort(samples, (size_t)count, sizeof *samples, compare);
    printf(",\"%s_p50_us\":%.2f,\"%s_p99_us\":%.2f", name, samples[count / 2] / 1e3, name,
           samples[(int)(count * 0.99)] / 1e3);
}

void check_print_latencies(void)
{
    if (!options.latency) {
        return;
    }
    if (options.round_trip) {
        print_latency("result", result_ns, options.count);
    } else {
        print_latency("accepted", ack_ns, tally.acked);
    }
    if (!options.fork && !options.waiting) {
        print_latency("worker", worker_ns, options.count);
    }
}
