/* torture: the handler of the torture. Does what its payload says and writes down when each attempt begins
 * and ends, one line and one write each, so that a SIGKILL leaves a history that is true.
 *
 * Arguments: FOLDER or FOLDER,isolated (the slave runs handlers in processes of their own; only then may
 * one of them crash). Payload: "torture CLIENT SEQ WORK_US WORD TIMES PAD": WORD is what to do in the first
 * TIMES attempts (retry, crash), or always (ok, fail). Result: "EPOCH.N CLIENT:SEQ PAD". */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "handlers/ms_handler.h"

#define LINE_SIZE 256
#define PATH_SIZE 512
#define ID_SIZE   64
#define HEAD_SIZE 160

struct state {
    int history;
    long slave; /* process of the slave, which is ours unless isolated */
    const char *name;
    int is_isolated;
};

struct order {
    char id[ID_SIZE]; /* as the payload says */
    char word[8];
    uint64_t work_us, times;
    size_t head; /* bytes before the pad */
};

static int init(const struct ms_host *host, const char *args, void **state_out)
{
    const size_t folder = strcspn(args, ",");
    struct state *state = calloc(1, sizeof *state);
    char path[PATH_SIZE];

    if (state == NULL) {
        return -1;
    }
    state->name = host->slave;
    state->is_isolated = strcmp(args + folder, ",isolated") == 0;
    state->slave = state->is_isolated ? (long)getppid() : (long)getpid();
    snprintf(path, sizeof path, "%.*s/work-%s-%ld-%ld.log", (int)folder, args, host->slave,
             state->slave, (long)getpid());
    state->history = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    *state_out = state;
    return state->history < 0 ? -1 : 0;
}

static void finish(void *context)
{
    struct state *state = context;

    close(state->history);
    free(state);
}

static void note(const struct state *state, const struct ms_job *job, const char *what,
                 const char *more)
{
    char line[LINE_SIZE];
    char client[2 * sizeof job->client + 1];
    struct timespec now;

    for (size_t i = 0; i < sizeof job->client; i++) {
        snprintf(client + 2 * i, 3, "%02x", job->client[i]);
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    const int size = snprintf(
        line, sizeof line, "%lld %s %s:%" PRIu64 " %" PRIu64 ".%" PRIu64 " %" PRIu32 " %s %ld %s\n",
        (long long)now.tv_sec * 1000000000 + (long long)now.tv_nsec, what, client, job->seq,
        job->token_epoch, job->token_n, job->attempt, state->name, state->slave, more);

    if (write(state->history, line, (size_t)size) != size) {
        abort(); /* a history with holes proves nothing */
    }
}

/* False when the payload is not what the client sent. */
static int read_order(const struct ms_job *job, struct order *order_out)
{
    char head[HEAD_SIZE];
    char *words[6];
    char *rest = head;
    const size_t size = job->payload_size < sizeof head ? job->payload_size : sizeof head - 1;

    memcpy(head, job->payload, size);
    head[size] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        words[i] = rest;
        rest = strchr(rest, ' ');
        if (rest == NULL) {
            return 0;
        }
        *rest++ = '\0';
    }
    snprintf(order_out->id, sizeof order_out->id, "%.32s:%.20s", words[1], words[2]);
    snprintf(order_out->word, sizeof order_out->word, "%.7s", words[4]);
    order_out->work_us = strtoull(words[3], NULL, 10);
    order_out->times = strtoull(words[5], NULL, 10);
    order_out->head = (size_t)(rest - head);
    return strcmp(words[0], "torture") == 0;
}

static int answer(struct ms_job *job, const struct order *order)
{
    char head[HEAD_SIZE];
    const int size = snprintf(head, sizeof head, "%" PRIu64 ".%" PRIu64 " %s ", job->token_epoch,
                              job->token_n, order->id);

    return ms_job_write(job, head, (size_t)size) == 0 &&
           ms_job_write(job, (const char *)job->payload + order->head,
                        job->payload_size - order->head) == 0;
}

static int run(struct ms_job *job, void *context)
{
    const struct state *state = context;
    struct order order = {.head = 0};

    if (!read_order(job, &order)) {
        note(state, job, "START", "unreadable");
        return MS_FAIL;
    }
    note(state, job, "START", order.id);
    if (ms_job_wait(job, (int64_t)order.work_us)) {
        note(state, job, "END", "stopped");
        return MS_CANCELLED;
    }
    const int is_due = job->attempt <= order.times;

    if (strcmp(order.word, "fail") == 0) {
        note(state, job, "END", "fail");
        return MS_FAIL;
    }
    if (is_due && strcmp(order.word, "crash") == 0 && state->is_isolated) {
        note(state, job, "END", "crash");
        raise(SIGKILL);
    }
    if (is_due && strcmp(order.word, "ok") != 0) {
        note(state, job, "END", "retry");
        return MS_RETRY;
    }
    if (!answer(job, &order)) {
        note(state, job, "END", "stopped");
        return MS_CANCELLED;
    }
    note(state, job, "END", "ok");
    return MS_OK;
}

const struct ms_handler ms_handler_v1 = {
    MS_HANDLER_HEADER,
    .name = "torture",
    .about = "does what its payload says and writes it down",
    .flags = MS_HANDLER_ON_REQUEST,
    .init = init,
    .finish = finish,
    .run = run,
};
