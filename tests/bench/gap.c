/* gap MASTERS RATE: how long a client of a pair of masters has to wait. Submits RATE commands of 256 bytes a second, class
 * sync, each when it is due, however long the answers take, and knows the longest interval between two of them that were
 * acknowledged one after the other, and how long each of them took. All times are of this process's clock.
 *
 * Reads lines: `begin` forgets the intervals so far (but the one that is open), `look` prints what came since, as JSON, `acks`
 * how long acknowledgements took, from the submission. Ends with its input. */
#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "client/ms_client.h"

#define BODY_SIZE     256
#define SEEN_SIZE     (1u << 18) /* of submissions on their way at most */
#define TOOK_COUNT    (1u << 20) /* acknowledgements of which is known how long they took */
#define TURN_S        0.0005
#define CLOSE_MS      1000
#define LINE_SIZE     64
#define MS_PER_SECOND 1000.

static struct {
    struct ms_client *client;
    struct ev_loop *loop;
    double rate, started_at;
    uint64_t submitted;
    uint64_t seen[SEEN_SIZE]; /* numbers that were acknowledged */
    double sent_at[SEEN_SIZE];
    float took[TOOK_COUNT]; /* seconds */
    double began_at, acked_at, longest, longest_at;
    double down_at, up_at; /* first loss of the connection, last time it stood again; 0 = none */
    uint64_t acks, failed, busy;
    char line[LINE_SIZE];
    size_t line_size;
} self;

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* A command counts once: its outcome may come instead of the acknowledgement, or after it. */
static void acknowledged(uint64_t seq)
{
    const double at = now();

    if (self.seen[seq % SEEN_SIZE] == seq) {
        return;
    }
    self.seen[seq % SEEN_SIZE] = seq;
    self.took[self.acks++ % TOOK_COUNT] = (float)(at - self.sent_at[seq % SEEN_SIZE]);
    if (self.acked_at > 0 && at - self.acked_at > self.longest) {
        self.longest = at - self.acked_at;
        self.longest_at = self.acked_at;
    }
    self.acked_at = at;
}

static void accepted(struct ms_client *client, uint64_t seq, int durability, int copies,
                     void *context)
{
    (void)client, (void)context;
    if (durability < MS_CLIENT_DURABILITY_SYNC - 1 || copies < 1) {
        fprintf(stderr, "gap: acknowledged with durability %d in %d copies\n", durability, copies);
        exit(EX_SOFTWARE);
    }
    acknowledged(seq);
}

static void done(struct ms_client *client, const struct ms_client_result *result, void *context)
{
    (void)client, (void)context;
    if (result->error != MS_CLIENT_OK || result->status != MS_CLIENT_STATUS_OK) {
        self.failed++;
        return;
    }
    acknowledged(result->seq);
}

static void connection(struct ms_client *client, bool is_up, int error, void *context)
{
    (void)client, (void)error, (void)context;
    if (is_up) {
        self.up_at = now();
    } else if (self.down_at <= 0) {
        self.down_at = now();
    }
}

/* What is due by now; what finds no room is late, and not left out. */
static void turn_cb(struct ev_loop *loop, ev_timer *timer, int revents)
{
    static const uint8_t body[BODY_SIZE];
    const struct ms_client_submission submission = {
        .size = sizeof submission,
        .type = "echo",
        .payload = body,
        .payload_size = sizeof body,
        .durability = MS_CLIENT_DURABILITY_SYNC,
        .on_accepted = accepted,
    };
    const uint64_t due = (uint64_t)((now() - self.started_at) * self.rate);

    (void)loop, (void)timer, (void)revents;
    while (self.submitted < due) {
        uint64_t seq;

        if (ms_client_submit(self.client, &submission, done, NULL, &seq) != MS_CLIENT_OK) {
            self.busy++;
            break;
        }
        self.sent_at[seq % SEEN_SIZE] = now();
        self.submitted++;
    }
}

static double since_begin_ms(double at)
{
    return at > 0 ? (at - self.began_at) * MS_PER_SECOND : -1;
}

static void look(void)
{
    const double open = now() - self.acked_at;

    printf("{\"gap_ms\":%.2f,\"at_ms\":%.2f,\"open_ms\":%.2f,\"acks\":%" PRIu64
           ",\"failed\":%" PRIu64 ",\"busy\":%" PRIu64 ",\"down_ms\":%.2f,\"up_ms\":%.2f}\n",
           (open > self.longest ? open : self.longest) * MS_PER_SECOND,
           since_begin_ms(open > self.longest ? self.acked_at : self.longest_at),
           open * MS_PER_SECOND, self.acks, self.failed, self.busy, since_begin_ms(self.down_at),
           since_begin_ms(self.up_at));
    fflush(stdout);
}

static int compare(const void *a, const void *b)
{
    const float left = *(const float *)a, right = *(const float *)b;

    return left < right ? -1 : left > right;
}

/* The least that so large a part of them does not exceed. */
static double took_ms(size_t count, double part)
{
    const size_t rank = (size_t)((double)count * part);

    return count > 0 ? self.took[rank < count ? rank : count - 1] * MS_PER_SECOND : 0;
}

/* They are sorted where they are: whoever wants more of them begins again. */
static void tell_acks(void)
{
    const size_t count = self.acks < TOOK_COUNT ? self.acks : TOOK_COUNT;

    qsort(self.took, count, sizeof self.took[0], compare);
    printf("{\"acks\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n", count,
           took_ms(count, 0.5), took_ms(count, 0.99), took_ms(count, 1));
    fflush(stdout);
}

static void take_line(const char *line)
{
    if (strcmp(line, "begin") == 0) {
        self.began_at = now();
        self.longest = self.longest_at = self.down_at = self.up_at = 0;
        self.acks = self.busy = 0;
    }
    if (strcmp(line, "acks") == 0) {
        tell_acks();
    } else {
        look();
    }
}

static void input_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
    char bytes[LINE_SIZE];
    const ssize_t size = read(watcher->fd, bytes, sizeof bytes);

    (void)revents;
    if (size <= 0) {
        ev_io_stop(loop, watcher);
        ms_client_break(self.client);
        return;
    }
    for (ssize_t i = 0; i < size; i++) {
        if (bytes[i] == '\n') {
            self.line[self.line_size] = '\0';
            self.line_size = 0;
            take_line(self.line);
        } else if (self.line_size < LINE_SIZE - 1) {
            self.line[self.line_size++] = bytes[i];
        }
    }
}

int main(int argc, char **argv)
{
    struct ms_client_options options = {
        .size = sizeof options, .name = "gap", .on_connection = connection};
    struct ms_client_error error;
    ev_timer turn;
    ev_io input;

    if (argc != 3 || (self.rate = strtod(argv[2], NULL)) <= 0) {
        fprintf(stderr, "usage: %s MASTERS RATE\n", argv[0]);
        return EX_USAGE;
    }
    self.loop = options.loop = ev_default_loop(0);
    options.masters = argv[1];
    self.client = ms_client_create(&options, &error);
    if (self.client == NULL) {
        fprintf(stderr, "gap: %s\n", error.text);
        return EX_SOFTWARE;
    }
    self.started_at = self.began_at = now();
    ev_timer_init(&turn, turn_cb, TURN_S, TURN_S);
    ev_timer_start(self.loop, &turn);
    ev_io_init(&input, input_cb, STDIN_FILENO, EV_READ);
    ev_io_start(self.loop, &input);
    ms_client_run(self.client, -1);
    ev_timer_stop(self.loop, &turn);
    ms_client_close(self.client, CLOSE_MS);
    ms_client_destroy(self.client);
    return EX_OK;
}
