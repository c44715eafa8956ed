/* muster's frames (docs/protocol.md), written by hand as a lean driver would: many commands in a
 * frame, credit renewed with each result, outcomes confirmed in runs.
 *
 * A worker grants `batch` commands at once and one more with each result.
 *
 * Variant, as bits: 1 asks for durability local and dies of a weaker acknowledgement; 2 submits one
 * command more, before all others, that fails for good and whose outcome is never confirmed: it stays
 * buried; 4 asks for durability sync and dies of one that does not promise it in two copies. */
#include "tests/bench/load/load.h"

#include <unistd.h>

enum {
    HELLO = 1,
    WELCOME = 2,
    BEAT = 3,
    ERROR = 5,
    ANNOUNCE = 16,
    PULL = 17,
    COMMAND = 18,
    RESULT = 20,
    RESULT_ACK = 21,
    SUBMIT = 32,
    SUBMIT_ACK = 33,
    SUBMIT_NAK = 34,
    OUTCOME = 35,
    OUTCOME_ACK = 36
};

#define HEADER_SIZE     20
#define FRAME_SIZE_MAX  (60 * 1024)
#define WORK_TYPE       0x1122334455667788ull
#define WORK_NAME       "load"
#define FLAG_BACKGROUND 1
#define CLASS_LOCAL     1
#define CLASS_SYNC      2
#define STATUS_FAIL     2
#define DOOMED          "doomed"

enum { VARIANT_LOCAL = 1, VARIANT_BURY = 2, VARIANT_SYNC = 4 };

static uint8_t epoch[8];
static uint64_t next_seq = 1;

/* state: kind of the open frame; extra: offset of its header within out */

static void put_byte(struct conn *conn, int byte)
{
    char c = (char)byte;

    put(conn, &c, 1);
}

static void put_varint(struct conn *conn, uint64_t value)
{
    uint8_t bytes[10];
    size_t size = 0;

    while (value >= 0x80) {
        bytes[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = (uint8_t)value;
    put(conn, bytes, size);
}

static size_t varint_size(uint64_t value)
{
    size_t size = 1;

    while (value >= 0x80) {
        value >>= 7;
        size++;
    }
    return size;
}

static void put_field(struct conn *conn, int field, uint64_t value)
{
    put_byte(conn, field << 3);
    put_varint(conn, value);
}

static void put_bytes(struct conn *conn, int field, const void *bytes, size_t size)
{
    put_byte(conn, field << 3 | 2);
    put_varint(conn, size);
    put(conn, bytes, size);
}

static void close_frame(struct conn *conn)
{
    size_t length;
    uint8_t *header;

    if (conn->state == 0) {
        return;
    }
    header = (uint8_t *)conn->out.data + conn->out.read + conn->extra;
    length = conn->out.write - conn->out.read - (size_t)conn->extra - HEADER_SIZE;
    memcpy(header,
           (uint8_t[]){'M', 'S', 1, (uint8_t)conn->state, 0, 0, 0, 0, (uint8_t)(length >> 24),
                       (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length},
           12);
    memcpy(header + 12, epoch, sizeof epoch);
    conn->state = 0;
}

/* Opens a frame of that kind unless one is open with room. */
static void open_frame(struct conn *conn, int kind)
{
    static const char zeros[HEADER_SIZE];

    if (conn->state == kind &&
        conn->out.write - conn->out.read - (size_t)conn->extra < FRAME_SIZE_MAX) {
        return;
    }
    close_frame(conn);
    room(conn, HEADER_SIZE);
    conn->extra = (int)(conn->out.write - conn->out.read);
    put(conn, zeros, HEADER_SIZE);
    conn->state = kind;
}

static void put_run(struct conn *conn)
{
    uint64_t count = conn->last - conn->first + 1;

    if (conn->first == 0) {
        return;
    }
    open_frame(conn, OUTCOME_ACK);
    put_byte(conn, 1 << 3 | 2);
    put_varint(conn, 2 + varint_size(conn->first) + varint_size(count));
    put_field(conn, 1, conn->first);
    put_field(conn, 2, count);
    conn->first = 0;
}

static void flush(struct conn *conn)
{
    put_run(conn);
    close_frame(conn);
}

static void hello(struct conn *conn)
{
    char node[16] = "load"; /* of this process and connection: numbers of another are not its own */
    int process = getpid();

    node[4] = (char)conn->role;
    memcpy(node + 5, &process, 3);
    memcpy(node + 8, &conn->index, sizeof conn->index);
    open_frame(conn, HELLO);
    put_field(conn, 1, conn->role == WORKER ? 1 : 2);
    put_field(conn, 2, 1);
    put_field(conn, 3, 1);
    put_field(conn, 4, 3);
    put_bytes(conn, 5, node, sizeof node);
    put_field(conn, 9, (uint64_t)options.batch);
    put_bytes(conn, 10, "load", 4);
}

static void welcome(struct conn *conn)
{
    uint64_t type = WORK_TYPE;

    if (conn->role == WORKER) {
        open_frame(conn, ANNOUNCE);
        put_byte(conn, 1 << 3 | 2);
        put_varint(conn, 1 + 8 + 2 + sizeof WORK_NAME - 1);
        put_byte(conn, 1 << 3 | 1);
        put(conn, &type, sizeof type);
        put_bytes(conn, 2, WORK_NAME, sizeof WORK_NAME - 1);
    }
    mark_ready(conn);
}

static void start(struct conn *conn)
{
    open_frame(conn, PULL);
    put_field(conn, 1, (uint64_t)options.batch);
    close_frame(conn);
}

static void beat(struct conn *conn)
{
    open_frame(conn, BEAT);
    put_field(conn, 1, 1);
    close_frame(conn);
}

/* Asked for; 0 = whatever the master does. */
static uint64_t durability(void)
{
    if ((options.variant & VARIANT_SYNC) != 0) {
        return CLASS_SYNC;
    }
    return (options.variant & VARIANT_LOCAL) != 0 ? CLASS_LOCAL : 0;
}

static void put_submission(struct conn *conn, int is_background, const char *payload, size_t size)
{
    uint64_t type = WORK_TYPE, seq = next_seq++;

    open_frame(conn, SUBMIT);
    put_byte(conn, 1 << 3 | 2);
    put_varint(conn, 9 + 1 + varint_size(seq) + (is_background ? 2 : 0) +
                         (durability() != 0 ? 2 : 0) + 1 + varint_size(size) + size);
    put_byte(conn, 1 << 3 | 1);
    put(conn, &type, sizeof type);
    put_field(conn, 2, seq);
    if (is_background) {
        put_field(conn, 6, FLAG_BACKGROUND);
    }
    if (durability() != 0) {
        put_field(conn, 7, durability());
    }
    put_bytes(conn, 8, payload, size);
}

static void submit(struct conn *conn, const char *payload)
{
    if ((options.variant & VARIANT_BURY) != 0 && next_seq == 1) {
        put_submission(conn, 0, DOOMED, sizeof DOOMED - 1);
        completed(-1); /* its result will be confirmed, too */
    }
    put_submission(conn, !options.round_trip, payload, (size_t)options.size);
}

struct element {
    uint64_t fields[16]; /* of varints */
    const char *payload;
    size_t payload_size;
};

static const uint8_t *get_varint(const uint8_t *at, uint64_t *value_out)
{
    uint64_t value = 0;
    int shift = 0;

    while ((*at & 0x80) != 0) {
        value |= (uint64_t)(*at++ & 0x7f) << shift;
        shift += 7;
    }
    *value_out = value | (uint64_t)*at << shift;
    return at + 1;
}

/* Reads the fields of one element; of byte fields only number 8, the payload, is kept. */
static void read_element(const uint8_t *at, const uint8_t *end, struct element *element)
{
    *element = (struct element){.payload = NULL};
    while (at < end) {
        uint64_t tag, value;

        at = get_varint(at, &tag);
        if ((tag & 7) == 0) {
            at = get_varint(at, &element->fields[tag >> 3 & 15]);
        } else if ((tag & 7) == 1) {
            at += 8;
        } else {
            at = get_varint(at, &value);
            if (tag >> 3 == 8) {
                element->payload = (const char *)at;
                element->payload_size = value;
            }
            at += value;
        }
    }
}

static void answer(struct conn *conn, const struct element *command)
{
    uint64_t token = command->fields[4];
    uint64_t token_epoch = command->fields[11]; /* 0 = that of the frame */
    size_t size = command->payload_size;
    int is_doomed = (options.variant & VARIANT_BURY) != 0 && size == sizeof DOOMED - 1;

    if (!is_doomed) {
        handle(command->payload, size);
    }
    open_frame(conn, RESULT);
    put_byte(conn, 1 << 3 | 2);
    put_varint(conn, 1 + varint_size(token) + (is_doomed ? 2 : 0) + 2 + 1 + varint_size(size) +
                         size + (token_epoch != 0 ? 1 + varint_size(token_epoch) : 0));
    put_field(conn, 1, token);
    if (is_doomed) {
        put_field(conn, 2, STATUS_FAIL);
    }
    put_field(conn, 5, 1);
    put_bytes(conn, 8, command->payload, size);
    if (token_epoch != 0) {
        put_field(conn, 9, token_epoch);
    }
}

static void confirm(struct conn *conn, const struct element *outcome)
{
    uint64_t seq = outcome->fields[1];

    if ((options.variant & VARIANT_BURY) != 0 && seq == 1) {
        return;
    }
    if (outcome->fields[2] != 0) {
        die("command %llu failed", (unsigned long long)seq);
    }
    result(outcome->payload, outcome->payload_size);
    if (conn->first != 0 && seq == conn->last + 1) {
        conn->last = seq;
        return;
    }
    put_run(conn);
    conn->first = conn->last = seq;
    room(conn, 0);
}

static void on_element(struct conn *conn, int kind, const struct element *element)
{
    int count = element->fields[2] > 0 ? (int)element->fields[2] : 1;

    switch (kind) {
    case COMMAND:
        answer(conn, element);
        break;
    case OUTCOME:
        confirm(conn, element);
        break;
    case RESULT_ACK:
        completed(count);
        break;
    case SUBMIT_ACK:
        acked(count);
        break;
    default:
        die("muster refused a submission: error %d", (int)element->fields[2]);
    }
}

/* The fields beside the elements: of a SUBMIT_ACK, how safe the commands are. */
struct promise {
    uint64_t fields[4]; /* 2 durability, 3 copies */
};

static void check_promise(const struct promise *promise)
{
    const uint64_t copies = durability() == CLASS_SYNC ? 2 : 1;

    if (durability() != 0 && (promise->fields[2] < durability() || promise->fields[3] < copies)) {
        die("acknowledged with durability %d in %d copies", (int)promise->fields[2],
            (int)promise->fields[3]);
    }
}

static void on_elements(struct conn *conn, int kind, const uint8_t *at, const uint8_t *end)
{
    struct promise promise = {{0}};
    struct element element;
    uint64_t value;

    while (at < end) {
        int field = *at >> 3, is_element = *at == (1 << 3 | 2);

        at = get_varint(at + 1, &value);
        if (is_element) {
            read_element(at, at + value, &element);
            on_element(conn, kind, &element);
            at += value;
        } else if (field < 4) {
            promise.fields[field] = value;
        }
    }
    if (kind == SUBMIT_ACK) {
        check_promise(&promise);
    }
}

static void on_frame(struct conn *conn, int kind, const uint8_t *at, const uint8_t *end)
{

    switch (kind) {
    case WELCOME:
        memcpy(epoch, at - sizeof epoch, sizeof epoch);
        welcome(conn);
        return;
    case ERROR:
        die("muster says %.*s", (int)(end - at), (const char *)at);
    case COMMAND:
    case OUTCOME:
    case RESULT_ACK:
    case SUBMIT_ACK:
    case SUBMIT_NAK:
        on_elements(conn, kind, at, end);
        return;
    default:
        return;
    }
}

static void input(struct conn *conn)
{
    while (input_size(conn) >= HEADER_SIZE) {
        const uint8_t *header = (const uint8_t *)input_at(conn);
        size_t length = (size_t)header[8] << 24 | (size_t)header[9] << 16 |
                        (size_t)header[10] << 8 | header[11];

        if (input_size(conn) < HEADER_SIZE + length) {
            return;
        }
        on_frame(conn, header[3], header + HEADER_SIZE, header + HEADER_SIZE + length);
        conn->in.read += HEADER_SIZE + length;
    }
}

const struct driver driver_muster = {.name = "muster",
                                     .port = 7400,
                                     .hello = hello,
                                     .start = start,
                                     .submit = submit,
                                     .input = input,
                                     .flush = flush,
                                     .beat = beat};
