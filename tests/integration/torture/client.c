/* A client for the torture: keeps its window full of commands of every kind until SIGTERM, then waits for
 * the last outcome. Every fact goes to a history, one line and one write each, before anybody can act on
 * it, so a SIGKILL at any moment leaves a history that is true. Started again on the same history it takes
 * up its id and submits everything above its floor again, as docs/protocol.md tells clients to.
 *
 * torture_client HISTORY MASTERS ID SEED WINDOW BACKLOG BACKLOG_DELAY_MS ONCE_PERCENT [COUNT WORK_US]
 *
 * The commands are a function of seed and seq, so a restarted client submits the very same ones. The first
 * BACKLOG of them are background work that waits out BACKLOG_DELAY_MS. With COUNT there are so many in all,
 * each works for WORK_US and succeeds, and it ends when they have. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "client/ms_client.h"

#define LINE_MAX_SIZE    256
#define PAYLOAD_MAX_SIZE ((size_t)24 << 10)
#define PAD_BIG          20000u
#define SLICE_MS         50
#define CLOSE_MS         90000 /* longest delay and back-off, many times over */
#define CANCEL_BEHIND                                                                              \
    40u /* submissions later: some of them run by then, some wait, some are over */
#define FNV_OFFSET 14695981039346656037u
#define FNV_PRIME  1099511628211u

enum argument {
    ARG_HISTORY = 1,
    ARG_MASTER,
    ARG_ID,
    ARG_SEED,
    ARG_WINDOW,
    ARG_BACKLOG,
    ARG_BACKLOG_DELAY,
    ARG_ONCE,
    ARGS_SHORT,
    ARG_COUNT = ARGS_SHORT,
    ARG_WORK,
    ARGS_LONG
};

/* What one command is to do. */
struct plan {
    const char *word; /* "ok", "fail", "retry", "crash": in the first `times` attempts */
    uint32_t times, work_us, attempts, pad;
    uint64_t timeout_ms, delay_ms;
    bool is_background, is_once, is_cancelled;
};

static struct {
    struct ms_client *client;
    const char *id;
    int history;
    uint64_t seed, floor, first, next, backlog, backlog_delay_ms;
    uint64_t last;  /* submitted by earlier runs: those come first, even when it is time to stop */
    uint64_t count; /* in all; 0 = until SIGTERM */
    uint32_t window, outstanding, once_percent, work_us;
} self;

static volatile sig_atomic_t is_stopping;

static void stop(int number)
{
    (void)number;
    is_stopping = 1;
}

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "torture_client: %s: %s\n", what, strerror(errno));
    exit(EX_SOFTWARE);
}

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    char line[LINE_MAX_SIZE];
    struct timespec now;
    va_list list;

    clock_gettime(CLOCK_MONOTONIC, &now);
    int size = snprintf(line, sizeof line, "%lld ",
                        (long long)now.tv_sec * 1000000000 + (long long)now.tv_nsec);

    va_start(list, format);
    size += vsnprintf(line + size, sizeof line - (size_t)size, format, list);
    va_end(list);
    if (size >= LINE_MAX_SIZE - 1) {
        errno = EMSGSIZE;
        die("history");
    }
    line[size++] = '\n';
    if (write(self.history, line, (size_t)size) != size) {
        die("history");
    }
}

/* splitmix64: good enough to choose, and the same everywhere. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint32_t below(uint64_t *state, uint32_t end)
{
    return (uint32_t)(draw(state) % end);
}

static uint32_t plan_work(uint64_t *state)
{
    const uint32_t kind = below(state, 100);

    if (kind < 3) {
        return 100000 + below(state, 200000);
    }
    return kind < 20 ? 5000 + below(state, 30000) : 200 + below(state, 6000);
}

static void plan_failures(struct plan *plan, uint64_t *state)
{
    const uint32_t kind = below(state, 100);

    plan->word = "ok";
    plan->attempts = 1 + below(state, 4);
    if (kind < 3) {
        plan->word = "fail";
    } else if (kind < 11) {
        plan->word = "retry";
        plan->times = 1 + below(state, 3);
    } else if (kind < 13) {
        plan->word = "crash";
        plan->times = 1 + below(state, 2);
    } else if (kind < 15) {
        plan->timeout_ms = 30;
        plan->work_us = 300000;
    }
}

static struct plan plan_of(uint64_t seq)
{
    uint64_t state = self.seed ^ (seq * 0xd1342543de82ef95u);
    struct plan plan = {.word = "ok", .attempts = 1, .work_us = self.work_us};

    if (self.count > 0) {
        return plan;
    }
    if (seq <= self.backlog) {
        plan.is_background = true;
        plan.delay_ms = self.backlog_delay_ms;
        return plan;
    }
    plan.work_us = plan_work(&state);
    plan_failures(&plan, &state);
    plan.is_background = below(&state, 100) < 25;
    if (!plan.is_background && below(&state, 100) < self.once_percent) {
        plan.is_once = true; /* and nothing it does asks for another attempt */
        plan.word = "ok";
        plan.attempts = 1;
    }
    plan.is_cancelled = !plan.is_background && below(&state, 100) < 4;
    if (below(&state, 100) < 10) {
        plan.delay_ms = 1 + below(&state, 1500);
    }
    plan.pad = below(&state, 100) < 2 ? PAD_BIG : below(&state, 200);
    return plan;
}

static size_t print_payload(char *payload_out, const struct plan *plan, uint64_t seq)
{
    const int head = snprintf(payload_out, PAYLOAD_MAX_SIZE,
                              "torture %s %" PRIu64 " %" PRIu32 " %s %" PRIu32 " ", self.id, seq,
                              plan->work_us, plan->word, plan->times);

    for (uint32_t i = 0; i < plan->pad; i++) {
        payload_out[(size_t)head + i] = (char)('a' + (seq + i) % 26);
    }
    return (size_t)head + plan->pad;
}

static uint64_t hash_of(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    uint64_t hash = FNV_OFFSET;

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * FNV_PRIME;
    }
    return hash;
}

/* The handler begins its result with the token of the attempt and the id of the command. */
static void read_result(const struct ms_client_result *result, char token_out[LINE_MAX_SIZE / 4],
                        bool *is_ours_out)
{
    char id[LINE_MAX_SIZE / 2];
    const char *text = result->payload;
    const char *space = result->payload_size > 0 ? memchr(text, ' ', result->payload_size) : NULL;
    const int id_size = snprintf(id, sizeof id, " %s:%" PRIu64 " ", self.id, result->seq);

    snprintf(token_out, LINE_MAX_SIZE / 4, "-");
    *is_ours_out = result->payload_size == 0;
    if (space != NULL && space - text < LINE_MAX_SIZE / 4) {
        snprintf(token_out, LINE_MAX_SIZE / 4, "%.*s", (int)(space - text), text);
        *is_ours_out = result->payload_size - (size_t)(space - text) >= (size_t)id_size &&
                       memcmp(space, id, (size_t)id_size) == 0;
    }
}

static void fill(void);

static void done(struct ms_client *client, const struct ms_client_result *result, void *context)
{
    char token[LINE_MAX_SIZE / 4];
    bool is_ours;

    (void)client;
    (void)context;
    if (result->is_background) {
        note("BACKGROUND %" PRIu64, result->seq);
    } else {
        read_result(result, token, &is_ours);
        note("OUTCOME %" PRIu64 " %d %d %" PRIu32 " %016" PRIx64 " %s %s", result->seq,
             result->error, result->status, result->attempt,
             hash_of(result->payload, result->payload_size), token, is_ours ? "ours" : "foreign");
    }
    self.outstanding--;
    fill();
}

static void accepted(struct ms_client *client, uint64_t seq, int durability, int copies,
                     void *context)
{
    (void)client;
    (void)context;
    note("ACK %" PRIu64 " %d %d", seq, durability, copies);
}

static void connection(struct ms_client *client, bool is_up, int error, void *context)
{
    (void)client;
    (void)context;
    note("%s %d", is_up ? "UP" : "DOWN", error);
}

static void cancel(uint64_t seq)
{
    note("CANCEL %" PRIu64, seq);
    note("CANCEL_OK %" PRIu64 " %d", seq, ms_client_cancel(self.client, seq));
}

static void submit(void)
{
    static char payload[PAYLOAD_MAX_SIZE];
    const struct plan plan = plan_of(self.next);
    uint64_t seq = 0;
    const struct ms_client_submission submission = {
        .size = sizeof submission,
        .type = "torture",
        .payload = payload,
        .payload_size = print_payload(payload, &plan, self.next),
        .attempts = plan.attempts,
        .flags =
            (plan.is_background ? MS_CLIENT_BACKGROUND : 0) | (plan.is_once ? MS_CLIENT_ONCE : 0),
        .timeout_ms = plan.timeout_ms,
        .delay_ms = plan.delay_ms,
        .on_accepted = accepted,
    };

    const char kind = plan.is_background ? 'b' : plan.is_once ? 'o' : 'f';

    note("SUBMIT %" PRIu64 " %c %" PRIu32 " %" PRIu64 " %" PRIu64 " %s %" PRIu32, self.next, kind,
         plan.attempts, plan.timeout_ms, plan.delay_ms, plan.word, plan.times);
    const int error = ms_client_submit(self.client, &submission, done, NULL, &seq);

    if (error != MS_CLIENT_OK || seq != self.next) {
        note("BROKEN submit %" PRIu64 " %d", seq, error);
        die(ms_client_strerror(error));
    }
    self.next++;
    self.outstanding++;
    if (seq > CANCEL_BEHIND && plan_of(seq - CANCEL_BEHIND).is_cancelled &&
        seq - CANCEL_BEHIND >= self.first) {
        cancel(seq - CANCEL_BEHIND);
    }
}

static bool is_wanted(void)
{
    if (self.count > 0) {
        return self.next <= self.count;
    }
    return !is_stopping || self.next <= self.last;
}

static void fill(void)
{
    while (is_wanted() && self.outstanding < self.window) {
        submit();
    }
}

static uint64_t number_of(char **text)
{
    return strtoull(*text, text, 10);
}

/* Marks a seq as over; the floor follows what is over without a gap. */
static void mark(unsigned char **over, uint64_t *capacity, uint64_t seq)
{
    if (seq >= *capacity) {
        const uint64_t grown = 2 * seq + 4096;

        *over = realloc(*over, grown);
        if (*over == NULL) {
            die("memory");
        }
        memset(*over + *capacity, 0, grown - *capacity);
        *capacity = grown;
    }
    (*over)[seq] = 1;
    while (self.floor + 1 < *capacity && (*over)[self.floor + 1] != 0) {
        self.floor++;
    }
}

/* What earlier runs left: floor and, through first, the seqs to submit again. */
static void read_history(const char *path)
{
    FILE *file = fopen(path, "r");
    unsigned char *over = NULL;
    uint64_t capacity = 0;
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    bool is_torn = false;

    while (file != NULL && (length = getline(&line, &size, file)) > 0) {
        char *at = line;

        is_torn = line[length - 1] != '\n';
        number_of(&at);
        if (!is_torn &&
            (strncmp(at, " OUTCOME ", 9) == 0 || strncmp(at, " BACKGROUND ", 12) == 0)) {
            at = strchr(at + 1, ' ');
            mark(&over, &capacity, number_of(&at));
        } else if (!is_torn && strncmp(at, " SUBMIT ", 8) == 0) {
            at += 8;
            const uint64_t seq = number_of(&at);

            self.last = seq > self.last ? seq : self.last;
        }
    }
    free(line);
    free(over);
    if (file != NULL) {
        fclose(file);
    }
    if (is_torn && write(self.history, "\n", 1) != 1) {
        die("history");
    }
    self.first = self.next = self.floor + 1;
}

static void run(const char *masters)
{
    struct ms_client_error error;
    const struct ms_client_options options = {
        .size = sizeof options,
        .masters = masters,
        .name = "torture",
        .id = self.id,
        .first_seq = self.first,
        .floor = self.floor,
        .window = self.window,
        .queue = 2 * self.window,
        .on_connection = connection,
    };

    self.client = ms_client_create(&options, &error);
    if (self.client == NULL) {
        fprintf(stderr, "torture_client: %s\n", error.text);
        exit(EX_UNAVAILABLE);
    }
    note("BORN %ld %" PRIu64 " %" PRIu64, (long)getpid(), self.first, self.floor);
    fill();
    while (is_wanted()) {
        ms_client_run(self.client, SLICE_MS);
    }
}

static void read_arguments(int argc, char **argv)
{
    self.id = argv[ARG_ID];
    self.seed = strtoull(argv[ARG_SEED], NULL, 10);
    self.window = (uint32_t)strtoull(argv[ARG_WINDOW], NULL, 10);
    self.backlog = strtoull(argv[ARG_BACKLOG], NULL, 10);
    self.backlog_delay_ms = strtoull(argv[ARG_BACKLOG_DELAY], NULL, 10);
    self.once_percent = (uint32_t)strtoull(argv[ARG_ONCE], NULL, 10);
    if (argc == ARGS_LONG) {
        self.count = strtoull(argv[ARG_COUNT], NULL, 10);
        self.work_us = (uint32_t)strtoull(argv[ARG_WORK], NULL, 10);
    }
}

int main(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = stop};

    if (argc != ARGS_SHORT && argc != ARGS_LONG) {
        fprintf(stderr,
                "usage: %s HISTORY MASTERS ID SEED WINDOW BACKLOG BACKLOG_DELAY_MS ONCE_PERCENT "
                "[COUNT WORK_US]\n",
                argv[0]);
        return EX_USAGE;
    }
    sigaction(SIGTERM, &action, NULL);
    read_arguments(argc, argv);
    self.history = open(argv[ARG_HISTORY], O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (self.history < 0) {
        die(argv[ARG_HISTORY]);
    }
    read_history(argv[ARG_HISTORY]);
    run(argv[ARG_MASTER]);
    const int error = ms_client_close(self.client, CLOSE_MS);

    note("CLOSED %d %" PRIu32, error, self.outstanding);
    ms_client_destroy(self.client);
    return error == MS_CLIENT_OK && self.outstanding == 0 ? EX_OK : EX_TEMPFAIL;
}
