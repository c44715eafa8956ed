/* Bytes of a connection to commands for the engine. */
#include "core/io/driver_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "core/invariant.h"
#include "proto/frame.h"

static void refuse(struct ms_connection *connection, enum ms_error error, enum ms_kind kind)
{
    char detail[128];

    ms_connection_driver(connection)->stats.malformed_total++;
    if (kind == MS_KIND_NONE) {
        snprintf(detail, sizeof detail, "%s", ms_error_text(error));
    } else {
        snprintf(detail, sizeof detail, "%s: %s", ms_kind_name(kind), ms_error_text(error));
    }
    ms_connection_fail(connection, error, detail);
}

enum progress {
    HANDLED,
    STOPPED, /* a pause has begun, and there is more in the frame */
    ENDED,   /* so has the connection */
};

/* Steps every command of a frame but the first *count, which counts on. */
static enum progress handle(struct ms_connection *connection, const struct ms_frame *frame,
                            uint32_t *count)
{
    struct ms_driver *driver = ms_connection_driver(connection);
    struct ms_command command;
    struct ms_event event = {.type = MS_EVENT_RECEIVED,
                             .epoch = frame->epoch,
                             .command = &command,
                             .is_apart = connection->is_apart};
    enum ms_error error = ms_decoder_begin(driver->decoder, frame);
    bool has_more = false;
    const uint32_t skip = *count;

    event.peer = ms_pool_handle(&driver->pool, connection);
    driver->stats.frames_in_total += skip == 0;
    for (uint32_t i = 0; error == MS_E_OK; i++) {
        error = ms_decoder_next(driver->decoder, &command, &has_more);
        if (i < skip) {
            continue;
        }
        if ((error != MS_E_OK || has_more) && ms_connection_is_held(connection)) {
            return STOPPED;
        }
        if (error != MS_E_OK || !has_more) {
            break;
        }
        ++*count;
        driver->stats.commands_in_total++;
        if (frame->kind == MS_KIND_WELCOME && !driver->options.is_server) {
            ms_connection_greeted(connection, command.body.welcome->payload_max);
        }
        ms_driver_step(driver, &event);
        if (connection->state != MS_CONNECTION_OPEN) {
            return ENDED;
        }
    }
    if (error != MS_E_OK) {
        refuse(connection, error, frame->kind);
        return ENDED;
    }
    connection->has_spoken = true;
    return HANDLED;
}

static enum ms_error parse(const struct ms_connection *connection, struct ms_bytes input,
                           struct ms_frame *frame_out, size_t *used_out, size_t *need_out)
{
    struct ms_frame_limits limits = {.greeted = connection->is_greeted,
                                     .payload_max = connection->payload_max};

    *used_out = 0;
    *need_out = 0;
    return ms_frame_parse(input, &limits, frame_out, used_out, need_out);
}

/* Room for the bytes that can help, at most twice what is there: a peer that only claims to send a
 * long frame does not get the memory for it. */
static bool grow(struct ms_connection *connection)
{
    size_t capacity = connection->partial_size * 2;
    uint8_t *grown;

    if (capacity < MS_DRIVER_PARTIAL_SIZE) {
        capacity = MS_DRIVER_PARTIAL_SIZE;
    }
    if (capacity > connection->partial_need) {
        capacity = connection->partial_need;
    }
    if (capacity <= connection->partial_capacity) {
        return true;
    }
    grown = realloc(connection->partial, capacity);
    if (grown == NULL) {
        ms_connection_fail(connection, MS_E_NO_MEMORY, "no memory for a frame");
        return false;
    }
    connection->partial = grown;
    connection->partial_capacity = capacity;
    return true;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Moves bytes from the head of input behind the partial frame, up to what it needs. */
static bool fill(struct ms_connection *connection, struct ms_bytes *input)
{
    while (connection->partial_size < connection->partial_need && input->size > 0) {
        size_t size;

        if (connection->partial_size == connection->partial_capacity && !grow(connection)) {
            return false;
        }
        size = smaller(connection->partial_capacity, connection->partial_need);
        size = smaller(size - connection->partial_size, input->size);
        memcpy(connection->partial + connection->partial_size, input->data, size);
        connection->partial_size += size;
        input->data += size;
        input->size -= size;
    }
    return true;
}

/* Keeps the head of a frame until the rest has come. */
static void keep(struct ms_connection *connection, struct ms_bytes input, size_t need)
{
    struct ms_driver *driver = ms_connection_driver(connection);

    ms_assert(connection->partial == NULL && need > input.size);
    connection->partial_need = need;
    connection->window_bytes = (uint32_t)input.size;
    ms_connection_expect(connection);
    if (fill(connection, &input) && connection->is_greeted) {
        connection->since = driver->now;
        ms_list_push_back(&driver->partial, &connection->age);
    }
}

static void forget(struct ms_connection *connection)
{
    free(connection->partial);
    connection->partial = NULL;
    connection->partial_size = connection->partial_capacity = connection->partial_need = 0;
    if (connection->is_greeted) {
        ms_list_remove(&connection->age);
    }
}

/* Completes the partial frame from the head of input and handles it. True when input may go on. */
static bool complete(struct ms_connection *connection, struct ms_bytes *input)
{
    for (;;) {
        struct ms_bytes whole;
        struct ms_frame frame;
        size_t used, need;
        uint32_t count = 0;
        enum progress progress;
        enum ms_error error;

        if (!fill(connection, input)) {
            return false;
        }
        if (connection->partial_size < connection->partial_need) {
            return false;
        }
        whole = (struct ms_bytes){connection->partial, connection->partial_size};
        error = parse(connection, whole, &frame, &used, &need);
        if (error != MS_E_OK) {
            refuse(connection, error, MS_KIND_NONE);
            return false;
        }
        if (used > 0) {
            ms_assert(used == whole.size);
            progress = handle(connection, &frame, &count);
            if (progress == STOPPED) {
                ms_hold_stash(connection, whole, count, *input);
            }
            if (progress != ENDED) {
                forget(connection);
            }
            return progress == HANDLED;
        }
        ms_assert(need > connection->partial_need);
        connection->partial_need = need;
    }
}

/* Handles whole frames, the first of them but for its first `skip` commands, and keeps the head of the next. */
static void consume(struct ms_connection *connection, struct ms_bytes input, uint32_t skip)
{
    while (input.size > 0) {
        struct ms_frame frame;
        size_t used, need;
        enum progress progress;
        enum ms_error error;

        if (ms_connection_is_held(connection)) {
            ms_hold_stash(connection, (struct ms_bytes){0}, skip, input);
            return;
        }
        error = parse(connection, input, &frame, &used, &need);
        if (error != MS_E_OK) {
            refuse(connection, error, MS_KIND_NONE);
            return;
        }
        if (used == 0) {
            keep(connection, input, need);
            return;
        }
        progress = handle(connection, &frame, &skip);
        if (progress == STOPPED) {
            ms_hold_stash(connection, (struct ms_bytes){0}, skip, input);
        }
        if (progress != HANDLED) {
            return;
        }
        skip = 0;
        input.data += used;
        input.size -= used;
    }
}

void ms_connection_serve_stash(struct ms_connection *connection)
{
    struct ms_stash *stash = connection->stash;

    connection->stash = NULL;
    consume(connection, (struct ms_bytes){stash->bytes, stash->size}, stash->skip);
    free(stash);
}

/* One read: the rest of a partial frame goes straight to its place, what follows it to the shared
 * buffer. A peer that was not greeted yet gets no more than its greeting needs. */
static ssize_t read_input(struct ms_connection *connection, size_t *placed_out)
{
    struct ms_driver *driver = ms_connection_driver(connection);
    size_t room = connection->is_greeted ? driver->tuning.read_size
                                         : MS_FRAME_HELLO_MAX + MS_FRAME_HEADER_SIZE;
    struct iovec parts[2] = {{.iov_len = 0}, {.iov_base = driver->input, .iov_len = room}};
    ssize_t size;

    *placed_out = 0;
    if (connection->partial == NULL) {
        return recv(connection->io.fd, driver->input, room, 0);
    }
    parts[0].iov_base = connection->partial + connection->partial_size;
    parts[0].iov_len =
        smaller(connection->partial_capacity, connection->partial_need) - connection->partial_size;
    size = readv(connection->io.fd, parts, 2);
    if (size > 0) {
        *placed_out = smaller((size_t)size, parts[0].iov_len);
        connection->window_bytes += (uint32_t)size;
    }
    return size;
}

/* What a peer says after its goodbye is thrown away, so that it can hear ours. */
static void discard(struct ms_connection *connection)
{
    struct ms_driver *driver = ms_connection_driver(connection);
    ssize_t size = recv(connection->io.fd, driver->input, driver->tuning.read_size, 0);

    if (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR))) {
        return;
    }
    if (size < 0 || connection->is_shut) {
        ms_connection_drop(connection, MS_E_OK);
        return;
    }
    connection->is_at_end = true; /* it may still read what is on the way */
    ms_connection_watch(connection, connection->io.fd, EV_WRITE);
}

void ms_connection_receive(struct ms_connection *connection)
{
    struct ms_driver *driver = ms_connection_driver(connection);
    struct ms_bytes input;
    size_t placed;
    ssize_t size;

    if (connection->state != MS_CONNECTION_OPEN) {
        discard(connection);
        return;
    }
    size = read_input(connection, &placed);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (size <= 0) {
        ms_connection_drop(connection, size == 0 || errno == ECONNRESET ? MS_E_CLOSED : MS_E_IO);
        return;
    }
    driver->stats.bytes_in_total += (uint64_t)size;
    driver->active_at = driver->now;
    connection->partial_size += placed;
    input = (struct ms_bytes){driver->input, (size_t)size - placed};
    if (connection->partial == NULL || complete(connection, &input)) {
        consume(connection, input, 0);
    }
    if (connection->is_marked && connection->partial != NULL &&
        connection->state == MS_CONNECTION_OPEN) {
        ms_driver_step(driver,
                       &(struct ms_event){.type = MS_EVENT_ARRIVING,
                                          .peer = ms_pool_handle(&driver->pool, connection)});
    }
}
