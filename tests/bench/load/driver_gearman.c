/* gearmand's binary protocol, pipelined.
 *
 * A worker asks for a batch of GRAB_JOB; when all of them are NO_JOB it says PRE_SLEEP and waits for
 * NOOP. WORK_COMPLETE has no answer: a completion counts when the first answer to the GRAB_JOB batch
 * behind it arrives, for the server reads packets in order. */
#include "tests/bench/load/load.h"

#include <arpa/inet.h>

enum {
    CAN_DO = 1,
    PRE_SLEEP = 4,
    NOOP = 6,
    SUBMIT_JOB = 7,
    JOB_CREATED = 8,
    GRAB_JOB = 9,
    NO_JOB = 10,
    JOB_ASSIGN = 11,
    WORK_COMPLETE = 13,
    ECHO_REQ = 16,
    ECHO_RES = 17,
    SUBMIT_JOB_BG = 18
};

#define HEADER_SIZE 12

static void packet(struct conn *conn, uint32_t type, size_t size)
{
    struct {
        char magic[4];
        uint32_t type, size;
    } header = {{0, 'R', 'E', 'Q'}, htonl(type), htonl((uint32_t)size)};

    put(conn, &header, HEADER_SIZE);
}

static void hello(struct conn *conn)
{
    if (conn->role == WORKER) {
        packet(conn, CAN_DO, 1);
        put_text(conn, "q");
    }
    packet(conn, ECHO_REQ, 1);
    put_text(conn, "e");
}

static void ask(struct conn *conn)
{
    for (int i = 0; i < options.batch; i++) {
        packet(conn, GRAB_JOB, 0);
    }
    conn->pending = options.batch;
    conn->got = 0;
    conn->confirms = conn->sent;
    conn->sent = 0;
}

static void submit(struct conn *conn, const char *payload)
{
    packet(conn, options.round_trip ? SUBMIT_JOB : SUBMIT_JOB_BG, (size_t)options.size + 3);
    put(conn, "q\0", 3); /* "q" NUL, then an empty unique id and its NUL */
    put(conn, payload, (size_t)options.size);
}

static void on_job(struct conn *conn, const char *data, size_t size)
{
    size_t handle_size = strlen(data) + 1;
    size_t head_size = handle_size + strlen(data + handle_size) + 1;

    handle(data + head_size, size - head_size);
    packet(conn, WORK_COMPLETE, handle_size + size - head_size);
    put(conn, data, handle_size);
    put(conn, data + head_size, size - head_size);
    conn->got++;
    conn->sent++;
}

/* One GRAB_JOB is answered. */
static void on_answered(struct conn *conn)
{
    if (--conn->pending > 0) {
        return;
    }
    if (conn->got > 0) {
        ask(conn);
    } else {
        packet(conn, PRE_SLEEP, 0);
        conn->sleeping = 1;
    }
}

static void on_packet(struct conn *conn, uint32_t type, const char *data, size_t size)
{
    size_t handle_size;

    switch (type) {
    case ECHO_RES:
        mark_ready(conn);
        break;
    case JOB_CREATED:
        acked(1);
        break;
    case WORK_COMPLETE:
        handle_size = strlen(data) + 1;
        result(data + handle_size, size - handle_size);
        break;
    case NOOP:
        if (conn->sleeping) {
            conn->sleeping = 0;
            ask(conn);
        }
        break;
    case NO_JOB:
    case JOB_ASSIGN:
        completed(conn->confirms);
        conn->confirms = 0;
        if (type == JOB_ASSIGN) {
            on_job(conn, data, size);
        }
        on_answered(conn);
        break;
    default:
        die("gearmand sent packet %u", type);
    }
}

static void input(struct conn *conn)
{
    while (input_size(conn) >= HEADER_SIZE) {
        const char *packet_at = input_at(conn);
        uint32_t type, size;

        memcpy(&type, packet_at + 4, sizeof type);
        memcpy(&size, packet_at + 8, sizeof size);
        size = ntohl(size);
        if (input_size(conn) < HEADER_SIZE + size) {
            return;
        }
        conn->in.read += HEADER_SIZE + size;
        on_packet(conn, ntohl(type), packet_at + HEADER_SIZE, size);
    }
}

const struct driver driver_gearman = {.name = "gearman",
                                      .port = 4730,
                                      .hello = hello,
                                      .start = ask,
                                      .submit = submit,
                                      .input = input};
