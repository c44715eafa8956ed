/* Client of the relay (tests/bench/relay.c): a header of 16 bytes and the payload, nothing else. */
#include "tests/bench/load/load.h"

#define HEADER_SIZE 16

static void hello(struct conn *conn)
{
    char role = conn->role == WORKER ? 'W' : 'P';

    put(conn, &role, 1);
    mark_ready(conn);
}

static void submit(struct conn *conn, const char *payload)
{
    size_t size = (size_t)options.size;
    char *message = room(conn, HEADER_SIZE + size);

    memset(message, 0, HEADER_SIZE);
    memcpy(message + HEADER_SIZE, payload, size);
    conn->out.write += HEADER_SIZE + size;
}

static void input(struct conn *conn)
{
    size_t size = (size_t)options.size;

    while (input_size(conn) >= HEADER_SIZE + size) {
        const char *message = input_at(conn);

        if (conn->role == WORKER) {
            handle(message + HEADER_SIZE, size);
            put(conn, message, HEADER_SIZE + size);
            completed(1);
        } else {
            acked(1);
            result(message + HEADER_SIZE, size);
        }
        conn->in.read += HEADER_SIZE + size;
    }
}

const struct driver driver_raw = {
    .name = "raw", .port = 7100, .hello = hello, .submit = submit, .input = input};
