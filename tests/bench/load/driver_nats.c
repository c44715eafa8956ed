/* NATS core (request and reply over a queue group) and JetStream (work queue).
 *
 * core:      the server pushes to the queue group; nothing is acknowledged or kept.
 * jetstream: PUB and its acknowledgement; workers keep pull requests for up to 1.5 batches open and
 *            PUB +ACK per command; at the end the consumer's info must show nothing pending. For a
 *            round trip the worker also PUBs the result to an inbox of the first producer.
 *            Variant 1 stores in files. */
#define _GNU_SOURCE
#include "tests/bench/load/load.h"

#include <stdio.h>

#define ANSWER_MAX 16384
#define CONNECT                                                                                    \
    "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"0\","              \
    "\"protocol\":1,\"headers\":true,\"no_responders\":false}\r\n"
#define CONTROL_HELLO CONNECT "SUB _C 1\r\nPING\r\n"
#define STREAM                                                                                     \
    "{\"name\":\"S\",\"subjects\":[\"q\"],\"retention\":\"workqueue\",\"storage\":\"%s\","         \
    "\"num_replicas\":1,\"max_msgs\":-1}"
#define CONSUMER                                                                                   \
    "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"C\",\"ack_policy\":\"explicit\","       \
    "\"deliver_policy\":\"all\",\"replay_policy\":\"instant\",\"ack_wait\":60000000000,"           \
    "\"max_ack_pending\":100000,\"max_waiting\":50000}}"

static int is_jetstream, control = -1;
static char size_text[24];

/* True once text holds a whole answer on the control connection's inbox. */
static int has_answer(const char *text, size_t size)
{
    const char *message = strstr(text, "MSG _C "), *newline, *number;

    newline = message == NULL ? NULL : strchr(message, '\n');
    if (newline == NULL) {
        return 0;
    }
    number = newline;
    while (number[-1] != ' ') {
        number--;
    }
    return text + size >= newline + 1 + decimal(number) + 2;
}

/* One request to JetStream's control, over a blocking connection. */
static void control_ask(const char *subject, const char *json, char *answer)
{
    char request[2048];
    int size = snprintf(request, sizeof request, "PUB %s _C %zu\r\n%s\r\n", subject, strlen(json),
                        json),
        got = 0;

    control_send(control, request, (size_t)size);
    do {
        got += control_receive(control, answer + got, ANSWER_MAX - got);
        if (strncmp(answer, "PING", 4) == 0) {
            control_send(control, "PONG\r\n", 6);
        }
    } while (!has_answer(answer, (size_t)got));
}

static void setup(void)
{
    snprintf(size_text, sizeof size_text, " %d\r\n", options.size);
}

static void jetstream_setup(void)
{
    char answer[ANSWER_MAX], stream[sizeof STREAM + 8];

    is_jetstream = 1;
    setup();
    control = control_open();
    control_receive(control, answer, sizeof answer);
    control_send(control, CONTROL_HELLO, sizeof CONTROL_HELLO - 1);
    while (strstr(answer, "PONG") == NULL) {
        control_receive(control, answer, sizeof answer);
    }
    snprintf(stream, sizeof stream, STREAM, options.variant ? "file" : "memory");
    control_ask("$JS.API.STREAM.CREATE.S", stream, answer);
    if (strstr(answer, "\"error\"") != NULL) {
        die("stream: %s", answer);
    }
    control_ask("$JS.API.CONSUMER.DURABLE.CREATE.S.C", CONSUMER, answer);
    if (strstr(answer, "\"error\"") != NULL) {
        die("consumer: %s", answer);
    }
}

static int jetstream_settled(void)
{
    char answer[ANSWER_MAX];

    control_ask("$JS.API.CONSUMER.INFO.S.C", "", answer);
    return strstr(answer, "\"num_ack_pending\":0,") != NULL &&
           strstr(answer, "\"num_pending\":0") != NULL;
}

/* inbox: "q " and where answers to this producer go; extra: its length */
static void hello(struct conn *conn)
{
    put_text(conn, CONNECT);
    if (conn->role == PRODUCER) {
        conn->extra = snprintf(conn->inbox, sizeof conn->inbox, "q %s.%d",
                               is_jetstream ? "_A" : "_R", conn->index);
        put_format(conn, "SUB %s 1\r\n", conn->inbox + 2);
        if (is_jetstream && conn->index == 0) {
            put_text(conn, "SUB _R 2\r\n");
        }
    } else if (is_jetstream) {
        put_format(conn, "SUB _W.%d 1\r\n", conn->index);
    } else {
        put_text(conn, "SUB q g 1\r\n");
    }
    put_text(conn, "PING\r\n");
}

static void ask(struct conn *conn)
{
    char json[64];
    int size;

    if (!is_jetstream) {
        return;
    }
    size = snprintf(json, sizeof json, "{\"batch\":%d}", options.batch);
    put_format(conn, "PUB $JS.API.CONSUMER.MSG.NEXT.S.C _W.%d %d\r\n%s\r\n", conn->index, size,
               json);
    conn->pending += options.batch;
}

static void publish(struct conn *conn, const char *subject, size_t size, const char *payload)
{
    put_text(conn, "PUB ");
    put(conn, subject, size);
    put(conn, size_text, strlen(size_text));
    put(conn, payload, (size_t)options.size);
    put_text(conn, "\r\n");
}

static void submit(struct conn *conn, const char *payload)
{
    publish(conn, conn->inbox, (size_t)conn->extra, payload);
}

/* MSG subject sid [reply] size */
struct message {
    const char *subject, *reply, *body;
    size_t reply_size, size;
};

/* Returns the bytes of the whole message, 0 when it is not complete. */
static size_t read_message(const struct conn *conn, const char *line, const char *end,
                           struct message *message)
{
    const char *fields[5] = {NULL};
    size_t used = (size_t)(end + 1 - line);
    int count = 0;

    for (const char *at = line + 4; at < end && count < 5; at++) {
        fields[count++] = at;
        at = memchr(at, ' ', (size_t)(end - at));
        if (at == NULL) {
            break;
        }
    }
    if (count == 0) {
        die("bad MSG");
    }
    *message =
        (struct message){.subject = fields[0], .body = end + 1, .size = decimal(fields[count - 1])};
    if (count == 4) {
        message->reply = fields[2];
        message->reply_size = (size_t)(fields[3] - 1 - fields[2]);
    }
    used += message->size + 2;
    return conn->in.write - conn->in.read < used ? 0 : used;
}

static void on_answer(const struct message *message)
{
    if (message->subject[1] != 'A') {
        result(message->body, message->size);
        return;
    }
    if (memmem(message->body, message->size, "error", 5) != NULL) {
        die("publish: %.*s", (int)message->size, message->body);
    }
    acked(1);
}

static void on_command(struct conn *conn, const struct message *message)
{
    if (message->reply == NULL) {
        die("no reply subject: %.*s", (int)message->size, message->body);
    }
    handle(message->body, message->size);
    if (!is_jetstream) {
        publish(conn, message->reply, message->reply_size, message->body);
        completed(1);
        return;
    }
    if (options.round_trip) {
        publish(conn, "_R", 2, message->body);
    }
    put_text(conn, "PUB ");
    put(conn, message->reply, message->reply_size);
    put_text(conn, " 4\r\n+ACK\r\n");
    completed(1);
    if (--conn->pending <= options.batch / 2) {
        ask(conn);
    }
}

static size_t on_message(struct conn *conn, const char *line, const char *end)
{
    struct message message;
    size_t used = read_message(conn, line, end, &message);

    if (used > 0 && conn->role == PRODUCER) {
        on_answer(&message);
    } else if (used > 0) {
        on_command(conn, &message);
    }
    return used;
}

/* PING, PONG, INFO, +OK, -ERR */
static void on_line(struct conn *conn, const char *line, const char *end)
{
    if (*line == 'P' && line[1] == 'I') {
        put_text(conn, "PONG\r\n");
    } else if (*line == 'P') {
        mark_ready(conn);
    } else if (*line == '-' || *line == 'H') {
        die("nats says %.*s", (int)(end - line), line);
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
        if (*line == 'M') {
            used = on_message(conn, line, end);
        } else {
            on_line(conn, line, end);
        }
        if (used == 0) {
            return;
        }
        conn->in.read += used;
    }
}

const struct driver driver_nats = {
    .name = "nats", .port = 4222, .setup = setup, .hello = hello, .submit = submit, .input = input};
const struct driver driver_jetstream = {.name = "jetstream",
                                        .port = 4222,
                                        .setup = jetstream_setup,
                                        .hello = hello,
                                        .start = ask,
                                        .submit = submit,
                                        .input = input,
                                        .settled = jetstream_settled};
