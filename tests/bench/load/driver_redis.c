/* Redis lists as a reliable queue (RESP, pipelined).
 *
 * LPUSH; a worker's batch is BLMOVE and batch - 1 LMOVE to a list of its own; LREM when it is done.
 * For a round trip the worker LPUSHes the result to a reply list, which a connection of the producer
 * reads with BLPOP + LPOP of a count. */
#include "tests/bench/load/load.h"

#include <stdio.h>

#define LINE_MAX 24

static char size_text[16];

static void argument(struct conn *conn, const char *text, size_t size)
{
    put_text(conn, "$");
    put_number(conn, size);
    put_text(conn, "\r\n");
    put(conn, text, size);
    put_text(conn, "\r\n");
}

static void put_payload(struct conn *conn, const char *payload)
{
    put_text(conn, "$");
    put(conn, size_text, strlen(size_text));
    put_text(conn, "\r\n");
    put(conn, payload, (size_t)options.size);
    put_text(conn, "\r\n");
}

static void setup(void)
{
    char text[4096];
    int fd = control_open();

    snprintf(size_text, sizeof size_text, "%d", options.size);
    control_send(fd, "FLUSHALL\r\n", sizeof "FLUSHALL\r\n" - 1);
    control_receive(fd, text, sizeof text);
    if (text[0] != '+') {
        die("redis says %s", text);
    }
}

static void hello(struct conn *conn)
{
    /* inbox: the name of the worker's own list */
    snprintf(conn->inbox, sizeof conn->inbox, "w%d", conn->index);
    put_text(conn, "PING\r\n");
}

static void ask_replies(struct conn *conn)
{
    put_text(conn, "*3\r\n$5\r\nBLPOP\r\n$1\r\nr\r\n$1\r\n0\r\n"
                   "*3\r\n$4\r\nLPOP\r\n$1\r\nr\r\n$3\r\n999\r\n");
    conn->pending = 2;
}

static void ask_batch(struct conn *conn)
{
    size_t size = strlen(conn->inbox);

    put_text(conn, "*6\r\n$6\r\nBLMOVE\r\n$1\r\nq\r\n");
    argument(conn, conn->inbox, size);
    put_text(conn, "$5\r\nRIGHT\r\n$4\r\nLEFT\r\n$1\r\n0\r\n");
    for (int i = 1; i < options.batch; i++) {
        put_text(conn, "*5\r\n$5\r\nLMOVE\r\n$1\r\nq\r\n");
        argument(conn, conn->inbox, size);
        put_text(conn, "$5\r\nRIGHT\r\n$4\r\nLEFT\r\n");
    }
    conn->pending = options.batch;
}

static void submit(struct conn *conn, const char *payload)
{
    put_text(conn, "*3\r\n$5\r\nLPUSH\r\n$1\r\nq\r\n");
    put_payload(conn, payload);
}

static const char *line_end(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));

    return newline == NULL ? NULL : newline + 1;
}

/* Behind the reply that starts there, or NULL when it is not complete. */
static const char *reply_end(const char *at, const char *end)
{
    const char *next = line_end(at, end);

    if (next == NULL) {
        return NULL;
    }
    if (*at == '-') {
        die("redis says %.*s", (int)(next - at - 2), at);
    }
    if (at[1] == '-') {
        return next; /* a null */
    }
    if (*at == '$') {
        size_t size = decimal(at + 1) + 2;

        return (size_t)(end - next) < size ? NULL : next + size;
    }
    if (*at == '*') {
        for (uint64_t left = decimal(at + 1); left > 0 && next != NULL; left--) {
            next = reply_end(next, end);
        }
    }
    return next;
}

static const char *body(const char *at, size_t *size_out)
{
    *size_out = decimal(at + 1);
    return (const char *)memchr(at, '\n', LINE_MAX) + 1;
}

/* BLPOP answers [list, result], LPOP answers [result...]. */
static void on_replies(struct conn *conn, const char *at, const char *end)
{
    conn->pending--;
    if (at[1] != '-') {
        int count = (int)decimal(at + 1);

        at = line_end(at, end);
        for (int i = 0; i < count; i++) {
            size_t size;
            const char *text = body(at, &size);

            if (size == (size_t)options.size) {
                result(text, size);
            }
            at = reply_end(at, end);
        }
    }
    if (conn->pending == 0) {
        ask_replies(conn);
    }
}

static void on_command(struct conn *conn, const char *at)
{
    size_t size;
    const char *text = body(at, &size);

    handle(text, size);
    if (options.round_trip) {
        put_text(conn, "*3\r\n$5\r\nLPUSH\r\n$1\r\nr\r\n");
        put_payload(conn, text);
    }
    put_text(conn, "*4\r\n$4\r\nLREM\r\n");
    argument(conn, conn->inbox, strlen(conn->inbox));
    put_text(conn, "$2\r\n-1\r\n");
    put_payload(conn, text);
}

/* state: numbers (of LPUSH and LREM) that came for the command being completed */
static void on_worker(struct conn *conn, const char *at)
{
    if (*at == ':') {
        if (++conn->state == 1 + options.round_trip) {
            completed(1);
            conn->state = 0;
        }
        return;
    }
    conn->pending--;
    if (at[1] != '-') {
        on_command(conn, at);
    }
    if (conn->pending == 0) {
        ask_batch(conn);
    }
}

static void input(struct conn *conn)
{
    const char *at = input_at(conn), *end = conn->in.data + conn->in.write, *next;

    while (at < end && (next = reply_end(at, end)) != NULL) {
        if (!conn->ready) {
            mark_ready(conn); /* +PONG */
        } else if (conn->role == PRODUCER) {
            acked(1);
        } else if (conn->role == REPLIES) {
            on_replies(conn, at, end);
        } else {
            on_worker(conn, at);
        }
        at = next;
    }
    conn->in.read = (size_t)(at - conn->in.data);
}

static void start(struct conn *conn)
{
    if (conn->role == REPLIES) {
        ask_replies(conn);
    } else {
        ask_batch(conn);
    }
}

const struct driver driver_redis = {.name = "redis",
                                    .port = 6379,
                                    .has_replies = 1,
                                    .setup = setup,
                                    .hello = hello,
                                    .start = start,
                                    .submit = submit,
                                    .input = input};
