/* beanstalkd's text protocol, pipelined.
 *
 * A worker's batch is one blocking "reserve" and batch - 1 "reserve-with-timeout 0"; each command is
 * deleted as soon as it is read. Results travel back in a tube of their own. */
#include "tests/bench/load/load.h"

static int replies_deleted;

/* state: greetings that are still to come */
static void hello(struct conn *conn)
{
    if (conn->role == PRODUCER) {
        put_text(conn, "use q\r\n");
        conn->state = 1;
    } else if (conn->role == REPLIES) {
        put_text(conn, "watch r\r\nignore default\r\n");
        conn->state = 2;
    } else if (options.round_trip) {
        put_text(conn, "watch q\r\nignore default\r\nuse r\r\n");
        conn->state = 3;
    } else {
        put_text(conn, "watch q\r\nignore default\r\n");
        conn->state = 2;
    }
}

static void ask(struct conn *conn)
{
    put_text(conn, "reserve\r\n");
    for (int i = 1; i < options.batch; i++) {
        put_text(conn, "reserve-with-timeout 0\r\n");
    }
    conn->pending = options.batch;
}

static void put_job(struct conn *conn, const char *payload)
{
    put_text(conn, "put 0 0 60 ");
    put_number(conn, (uint64_t)options.size);
    put_text(conn, "\r\n");
    put(conn, payload, (size_t)options.size);
    put_text(conn, "\r\n");
}

static void on_deleted(const struct conn *conn)
{
    if (conn->role == WORKER) {
        completed(1);
    } else {
        replies_deleted++;
    }
}

static void on_answered(struct conn *conn)
{
    if (--conn->pending == 0) {
        ask(conn);
    }
}

/* "RESERVED id size", then the body. Returns the bytes used, 0 when it is not complete. */
static size_t on_reserved(struct conn *conn, const char *line, const char *end)
{
    const char *id = line + sizeof "RESERVED" /* and the blank */;
    const char *blank = memchr(id, ' ', (size_t)(end - id));
    size_t size, used;

    if (blank == NULL) {
        die("bad RESERVED");
    }
    size = decimal(blank + 1);
    used = (size_t)(end + 1 - line) + size + 2;
    if (input_size(conn) < used) {
        return 0;
    }
    if (conn->role != WORKER) {
        result(end + 1, size);
    } else {
        handle(end + 1, size);
        if (options.round_trip) {
            put_job(conn, end + 1);
        }
    }
    put_text(conn, "delete ");
    put(conn, id, (size_t)(blank - id));
    put_text(conn, "\r\n");
    on_answered(conn);
    return used;
}

/* INSERTED, DELETED, USING, WATCHING, TIMED_OUT */
static void on_line(struct conn *conn, const char *line, const char *end)
{
    switch (*line) {
    case 'I':
        acked(conn->role == PRODUCER);
        break;
    case 'D':
        on_deleted(conn);
        break;
    case 'U':
    case 'W':
        if (--conn->state == 0) {
            mark_ready(conn);
        }
        break;
    case 'T':
        on_answered(conn);
        break;
    default:
        die("beanstalkd says %.*s", (int)(end - line), line);
    }
}

static void input(struct conn *conn)
{
    for (;;) {
        const char *line = input_at(conn), *end = memchr(line, '\n', input_size(conn));
        size_t used;

        if (end == NULL) {
            return;
        }
        used = (size_t)(end + 1 - line);
        if (*line == 'R') {
            used = on_reserved(conn, line, end);
        } else {
            on_line(conn, line, end);
        }
        if (used == 0) {
            return;
        }
        conn->in.read += used;
    }
}

static int settled(void)
{
    return !options.round_trip || replies_deleted == options.count;
}

const struct driver driver_beanstalk = {.name = "beanstalk",
                                        .port = 11300,
                                        .has_replies = 1,
                                        .hello = hello,
                                        .start = ask,
                                        .submit = put_job,
                                        .input = input,
                                        .settled = settled};
