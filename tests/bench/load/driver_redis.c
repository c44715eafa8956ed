/* Redis lists as a reliable queue (RESP, pipelined).
 *
 * LPUSH; a worker's batch is BLMOVE and batch - 1 LMOVE to a list of its own; LREM when it is done.
 * For a round trip the worker LPUSHes the result to a reply list, which a connection of the producer
 * reads with BLPOP + LPOP of a count.
 *
 * Variant 1 asks for as little as Redis allows: what goes out together is one LPUSH of many values, and
 * a worker takes what it finished off its list with one LTRIM, after the LPUSH of the results. Variant
 * 2 also moves a batch by one call of a script, behind the BLMOVE that waits. */
#include "tests/bench/load/load.h"

#include <stdio.h>

#define LINE_MAX       24
#define SCRIPT_ID_SIZE 40
#define SCRIPT                                                                                     \
    "local v=redis.call('RPOP',KEYS[1],ARGV[1]) "                                                  \
    "if v then redis.call('LPUSH',KEYS[2],unpack(v)) end return v"

enum { VARIANT_BATCHES = 1, VARIANT_SCRIPT = 2 };

static char size_text[16], script_id[SCRIPT_ID_SIZE + 1];

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
    if (options.variant == VARIANT_SCRIPT) {
        int size = snprintf(text, sizeof text, "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$%zu\r\n%s\r\n",
                            sizeof SCRIPT - 1, SCRIPT);

        control_send(fd, text, (size_t)size);
        control_receive(fd, text, sizeof text);
        if (strncmp(text, "$40\r\n", 5) != 0) {
            die("redis says %s", text);
        }
        memcpy(script_id, text + 5, SCRIPT_ID_SIZE);
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

static void ask_by_script(struct conn *conn)
{
    char count[16];

    snprintf(count, sizeof count, "%d", options.batch - 1);
    put_text(conn, "*6\r\n$7\r\nEVALSHA\r\n");
    argument(conn, script_id, strlen(script_id));
    put_text(conn, "$1\r\n2\r\n$1\r\nq\r\n");
    argument(conn, conn->inbox, strlen(conn->inbox));
    argument(conn, count, strlen(count));
    conn->pending = 2;
}

static void ask_batch(struct conn *conn)
{
    size_t size = strlen(conn->inbox);

    put_text(conn, "*6\r\n$6\r\nBLMOVE\r\n$1\r\nq\r\n");
    argument(conn, conn->inbox, size);
    put_text(conn, "$5\r\nRIGHT\r\n$4\r\nLEFT\r\n$1\r\n0\r\n");
    if (options.variant == VARIANT_SCRIPT) {
        ask_by_script(conn);
        return;
    }
    for (int i = 1; i < options.batch; i++) {
        put_text(conn, "*5\r\n$5\r\nLMOVE\r\n$1\r\nq\r\n");
        argument(conn, conn->inbox, size);
        put_text(conn, "$5\r\nRIGHT\r\n$4\r\nLEFT\r\n");
    }
    conn->pending = options.batch;
}

static void submit(struct conn *conn, const char *payload)
{
    if (options.variant != 0) {
        memcpy(stage(conn, (size_t)options.size), payload, (size_t)options.size);
        return;
    }
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
    if (options.variant != 0) {
        memcpy(stage(conn, size), text, size);
        return;
    }
    if (options.round_trip) {
        put_text(conn, "*3\r\n$5\r\nLPUSH\r\n$1\r\nr\r\n");
        put_payload(conn, text);
    }
    put_text(conn, "*4\r\n$4\r\nLREM\r\n");
    argument(conn, conn->inbox, strlen(conn->inbox));
    put_text(conn, "$2\r\n-1\r\n");
    put_payload(conn, text);
}

static void push_staged(struct conn *conn, const char *list, int count)
{
    put_format(conn, "*%d\r\n$5\r\nLPUSH\r\n$1\r\n%s\r\n", count + 2, list);
    for (int i = 0; i < count; i++) {
        put_payload(conn, conn->staged.data + (size_t)i * (size_t)options.size);
    }
}

/* The oldest of the worker's list are at its right end. */
static void drop_finished(struct conn *conn, int count)
{
    char last[16];

    snprintf(last, sizeof last, "%d", -count - 1);
    put_text(conn, "*4\r\n$5\r\nLTRIM\r\n");
    argument(conn, conn->inbox, strlen(conn->inbox));
    put_text(conn, "$1\r\n0\r\n");
    argument(conn, last, strlen(last));
}

/* Variants: what was staged goes out in one request. got: commands in requests not answered, of
 * which there are `confirms`. */
static void flush(struct conn *conn)
{
    int count = (int)(conn->staged.write / (size_t)options.size);

    if (count == 0) {
        return;
    }
    if (conn->role == PRODUCER) {
        push_staged(conn, "q", count);
    } else {
        if (options.round_trip) {
            push_staged(conn, "r", count);
        }
        drop_finished(conn, count);
    }
    conn->staged.write = 0;
    conn->got += count;
    conn->confirms++;
}

/* How many commands are confirmed now: all, once the last request was answered. */
static int confirmed(struct conn *conn)
{
    int count = conn->got;

    if (--conn->confirms > 0) {
        return 0;
    }
    conn->got = 0;
    return count;
}

static void on_moved(struct conn *conn, const char *at, const char *end)
{
    if (at[1] != '-') {
        int count = (int)decimal(at + 1);

        at = line_end(at, end);
        for (int i = 0; i < count; i++) {
            on_command(conn, at);
            at = reply_end(at, end);
        }
    }
}

/* state: numbers (of LPUSH and LREM) that came for the command being completed */
static void on_worker(struct conn *conn, const char *at, const char *end)
{
    if (*at == '+') {
        completed(confirmed(conn));
        return;
    }
    if (*at == ':' && options.variant != 0) {
        return;
    }
    if (*at == ':') {
        if (++conn->state == 1 + options.round_trip) {
            completed(1);
            conn->state = 0;
        }
        return;
    }
    conn->pending--;
    if (*at == '*') {
        on_moved(conn, at, end);
    } else if (at[1] != '-') {
        on_command(conn, at);
    }
    if (conn->pending == 0) {
        flush(conn);
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
            acked(options.variant != 0 ? confirmed(conn) : 1);
        } else if (conn->role == REPLIES) {
            on_replies(conn, at, end);
        } else {
            on_worker(conn, at, end);
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
                                    .input = input,
                                    .flush = flush};
