/* One connection: its bytes in and out, its limits, its end. */
#include "core/io/driver_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/invariant.h"
#include "proto/frame.h"

static void on_io(struct ev_loop *loop, ev_io *io, int revents);

/* Its place on the list that goes with its state, newest last. */
static void put_on(struct ms_connection *connection, struct ms_list *list, uint32_t *count)
{
    connection->since = ms_connection_driver(connection)->now;
    ms_list_push_back(list, &connection->age);
    if (count != NULL) {
        (*count)++;
    }
}

static void take_off(struct ms_connection *connection)
{
    struct ms_driver *driver = ms_connection_driver(connection);

    if (!ms_list_is_linked(&connection->age)) {
        return;
    }
    ms_list_remove(&connection->age);
    if (connection->state == MS_CONNECTION_CLOSING) {
        driver->closing_count--;
    } else if (!connection->is_greeted) {
        driver->pending_count--;
    }
}

static struct ms_connection *oldest(const struct ms_list *list)
{
    struct ms_list *link = ms_list_first(list);

    return link == NULL ? NULL : ms_container_of(link, struct ms_connection, age);
}

static ms_peer name_of(const struct ms_connection *connection)
{
    return ms_pool_handle(&ms_connection_driver(connection)->pool, connection);
}

struct ms_connection *ms_connection_create(struct ms_driver *driver)
{
    struct ms_connection *connection = ms_pool_take(&driver->pool);

    if (connection == NULL) {
        return NULL;
    }
    connection->state = MS_CONNECTION_CONNECTING;
    connection->payload_max = driver->options.payload_max;
    ms_encoder_init(&connection->encoder);
    ms_list_init(&connection->age);
    ms_list_init(&connection->hold);
    ev_io_init(&connection->io, on_io, -1, 0);
    connection->io.data = driver;
    driver->stats.connections++;
    put_on(connection, &driver->pending, &driver->pending_count);
    return connection;
}

/* Without an event to wait for the watcher must be stopped: libev takes 0 for a change of flags. */
void ms_connection_watch(struct ms_connection *connection, int fd, int events)
{
    struct ev_loop *loop = ms_connection_driver(connection)->options.loop;
    int now = ev_is_active(&connection->io) ? connection->io.events & (EV_READ | EV_WRITE) : 0;

    if (fd == connection->io.fd && events == now) {
        return;
    }
    ev_io_stop(loop, &connection->io);
    if (fd == connection->io.fd) {
        ev_io_modify(&connection->io, events); /* spares a system call */
    } else {
        ev_io_set(&connection->io, fd, events);
    }
    if (events != 0) {
        ev_io_start(loop, &connection->io);
    }
}

void ms_connection_watch_again(struct ms_connection *connection)
{
    bool is_lost = connection->lost != MS_E_OK;
    bool is_held = ms_list_is_linked(&connection->hold);
    bool has_output = !is_lost && !connection->is_shut && !connection->is_withheld &&
                      ms_encoder_pending(&connection->encoder) > 0;
    bool has_input = !is_held && !connection->is_paused && !connection->is_at_end;
    int events = (has_input ? EV_READ : 0) | (has_output ? EV_WRITE : 0);

    ms_connection_watch(connection, connection->io.fd, events);
}

/* Too many that say nothing: the one that has been silent longest makes room. */
static void make_room(struct ms_driver *driver)
{
    if (driver->pending_count > driver->tuning.pending_max) {
        driver->stats.refused_total++;
        ms_connection_drop(oldest(&driver->pending), MS_E_TOO_MANY);
    }
}

void ms_connection_opened(struct ms_connection *connection, uint32_t tag)
{
    struct ms_driver *driver = ms_connection_driver(connection);
    struct ms_event event = {
        .type = MS_EVENT_PEER_OPENED,
        .tag = tag,
        .nonce = ms_entropy_uuid(&driver->entropy),
        .is_apart = connection->is_apart,
    };

    ms_assert(connection->state == MS_CONNECTION_CONNECTING);
    event.peer = name_of(connection);
    take_off(connection);
    put_on(connection, &driver->pending, &driver->pending_count); /* its time begins now */
    connection->state = MS_CONNECTION_OPEN;
    ms_connection_watch(connection, connection->io.fd, EV_READ);
    ms_driver_tell(driver, &event);
    make_room(driver);
}

void ms_connection_greeted(struct ms_connection *connection, uint64_t payload_max)
{
    if (connection->is_greeted) {
        return;
    }
    take_off(connection);
    connection->is_greeted = true;
    if (connection->partial != NULL) {
        put_on(connection, &ms_connection_driver(connection)->partial, NULL);
    }
    connection->payload_max =
        payload_max < MS_PAYLOAD_MAX_CEILING ? (uint32_t)payload_max : MS_PAYLOAD_MAX_CEILING;
}

/* Of no use to a Unix socket, and harmless there. */
void ms_connection_leave_alone(struct ms_connection *connection)
{
    static const int options[][3] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, MS_DRIVER_KEEP_IDLE},
        {IPPROTO_TCP, TCP_KEEPINTVL, MS_DRIVER_KEEP_INTERVAL},
        {IPPROTO_TCP, TCP_KEEPCNT, MS_DRIVER_KEEP_TRIES},
    };

    if (connection->is_greeted || connection->partial != NULL) {
        return;
    }
    take_off(connection);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        setsockopt(connection->io.fd, options[i][0], options[i][1], &options[i][2],
                   sizeof options[i][2]);
    }
}

void ms_connection_expect(struct ms_connection *connection)
{
    struct ms_driver *driver = ms_connection_driver(connection);

    if (!connection->is_greeted && !ms_list_is_linked(&connection->age)) {
        put_on(connection, &driver->pending, &driver->pending_count);
    }
}

static void mark_dirty(struct ms_connection *connection)
{
    struct ms_driver *driver = ms_connection_driver(connection);

    if (!connection->is_dirty) {
        connection->is_dirty = true;
        connection->next_dirty = driver->dirty;
        driver->dirty = connection;
    }
}

enum ms_error ms_connection_send(struct ms_connection *connection, ms_epoch epoch,
                                 const struct ms_command *command)
{
    struct ms_driver *driver = ms_connection_driver(connection);
    enum ms_error error = ms_encoder_put(&connection->encoder, epoch, command);

    if (error != MS_E_OK) {
        return error;
    }
    mark_dirty(connection);
    driver->stats.commands_out_total++;
    if (ms_encoder_pending(&connection->encoder) > driver->tuning.output_hard_max) {
        return MS_E_SLOW;
    }
    return MS_E_OK;
}

/* Counts the frames that were added since the last flush; they stand one after the other. */
static void count_frames(struct ms_connection *connection, struct ms_bytes output)
{
    struct ms_driver *driver = ms_connection_driver(connection);
    size_t at = connection->counted;

    while (at < output.size) {
        const uint8_t *length = output.data + at + 8;

        at += MS_FRAME_HEADER_SIZE + ((size_t)length[0] << 24 | (size_t)length[1] << 16 |
                                      (size_t)length[2] << 8 | (size_t)length[3]);
        driver->stats.frames_out_total++;
    }
    connection->counted = output.size;
}

/* A client that does not read its answers is not read either, until it has caught up. */
static void hold_back(struct ms_connection *connection)
{
    struct ms_driver *driver = ms_connection_driver(connection);
    size_t pending = ms_encoder_pending(&connection->encoder);

    if (!driver->options.is_server || connection->state != MS_CONNECTION_OPEN) {
        connection->is_paused = false;
    } else if (pending > driver->tuning.output_soft_max) {
        connection->is_paused = true;
    } else if (pending < driver->tuning.output_soft_max / 2) {
        connection->is_paused = false;
    }
}

/* Not sooner than between two steps: the frame that is handled may stand there. */
static void free_partial(struct ms_connection *connection)
{
    free(connection->partial);
    connection->partial = NULL;
    connection->partial_size = connection->partial_capacity = connection->partial_need = 0;
}

/* The other side sees the end of our words, and we wait for the end of its: closing with unread
 * input would make the kernel throw away what we said last. */
static void finish_output(struct ms_connection *connection)
{
    if (connection->state == MS_CONNECTION_CLOSING && connection->is_at_end) {
        ms_connection_drop(connection, MS_E_OK);
    } else if (connection->state == MS_CONNECTION_CLOSING) {
        connection->is_shut = true;
        shutdown(connection->io.fd, SHUT_WR);
    }
}

void ms_connection_flush(struct ms_connection *connection)
{
    struct ms_driver *driver = ms_connection_driver(connection);
    struct ms_bytes output;
    ssize_t sent = 0;

    connection->is_dirty = false;
    if (connection->state != MS_CONNECTION_OPEN) {
        free_partial(connection);
    }
    if (connection->state == MS_CONNECTION_DEAD || connection->is_shut ||
        connection->lost != MS_E_OK) {
        return;
    }
    if (connection->is_withheld && connection->state == MS_CONNECTION_OPEN) {
        ms_connection_watch_again(connection);
        return;
    }
    output = ms_encoder_flush(&connection->encoder);
    if (output.size > 0) {
        count_frames(connection, output);
        driver->writes_total++;
        sent = send(connection->io.fd, output.data, output.size, MSG_NOSIGNAL);
    }
    if (sent < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
        ms_connection_drop(connection,
                           errno == EPIPE || errno == ECONNRESET ? MS_E_CLOSED : MS_E_IO);
        return;
    }
    if (sent > 0) {
        ms_encoder_consume(&connection->encoder, (size_t)sent);
        connection->counted -= (size_t)sent;
        driver->stats.bytes_out_total += (uint64_t)sent;
        driver->active_at = driver->now;
    }
    if ((size_t)(sent > 0 ? sent : 0) == output.size) {
        finish_output(connection);
    }
    if (connection->state != MS_CONNECTION_DEAD) {
        hold_back(connection);
        ms_connection_watch_again(connection);
    }
}

/* The engine's name for the peer ends here; tells it why unless it knows or never knew. */
static void tell_closed(struct ms_connection *connection, enum ms_connection_state before,
                        enum ms_error error)
{
    struct ms_event event = {.type = MS_EVENT_PEER_CLOSED, .error = error};

    if (before == MS_CONNECTION_OPEN) {
        event.peer = name_of(connection);
        ms_driver_tell(ms_connection_driver(connection), &event);
    }
}

static void start_closing(struct ms_connection *connection)
{
    struct ms_driver *driver = ms_connection_driver(connection);

    take_off(connection);
    ms_hold_forget(connection);
    connection->state = MS_CONNECTION_CLOSING;
    connection->is_paused = false;
    put_on(connection, &driver->closing, &driver->closing_count);
    mark_dirty(connection);
    if (driver->closing_count > driver->tuning.pending_max) {
        ms_connection_drop(oldest(&driver->closing), MS_E_OK);
    }
}

/* What a pause has kept back is not said any more, nor anything after it. */
void ms_connection_close(struct ms_connection *connection)
{
    if (connection->state != MS_CONNECTION_OPEN) {
        return;
    }
    start_closing(connection);
    if (connection->is_withheld) {
        ms_connection_drop(connection, MS_E_OK);
    }
}

void ms_connection_fail(struct ms_connection *connection, enum ms_error error, const char *detail)
{
    struct ms_command goodbye = {.kind = MS_KIND_ERROR, .error = (uint16_t)error};
    enum ms_connection_state before = connection->state;

    if (before != MS_CONNECTION_OPEN || ms_connection_is_held(connection)) {
        ms_connection_drop(connection, error);
        return;
    }
    goodbye.detail = ms_bytes_of(detail);
    ms_connection_send(connection, 0, &goodbye);
    start_closing(connection);
    tell_closed(connection, before, error);
}

void ms_connection_drop(struct ms_connection *connection, enum ms_error error)
{
    struct ms_driver *driver = ms_connection_driver(connection);
    enum ms_connection_state before = connection->state;

    if (before == MS_CONNECTION_DEAD) {
        return;
    }
    take_off(connection);
    if (ms_connection_is_held(connection)) {
        ms_hold_lose(connection, error);
        return;
    }
    ms_hold_forget(connection);
    ev_io_stop(driver->options.loop, &connection->io);
    if (connection->io.fd >= 0) {
        close(connection->io.fd);
    }
    connection->state = MS_CONNECTION_DEAD;
    ms_encoder_finish(&connection->encoder);
    ms_list_push_back(&driver->dead, &connection->age);
    driver->stats.connections--;
    if (connection->attempt != NULL) {
        ms_connector_failed(connection, error);
    }
    tell_closed(connection, before, error);
}

/* Runs when nothing is dirty, so no list holds a connection that is freed here. */
void ms_connection_bury(struct ms_driver *driver)
{
    struct ms_list *link;

    ms_assert(driver->dirty == NULL);
    while ((link = ms_list_pop_front(&driver->dead)) != NULL) {
        struct ms_connection *connection = ms_container_of(link, struct ms_connection, age);

        free_partial(connection);
        ms_pool_give(&driver->pool, connection);
    }
}

/* Whether the oldest of a list has been on it for too long. The time of those that are not heard begins anew. */
static bool is_due(const struct ms_driver *driver, struct ms_list *list, ms_time patience)
{
    struct ms_connection *first;

    while ((first = oldest(list)) != NULL && first->since + patience <= driver->now) {
        if (!ms_connection_is_held(first)) {
            return true;
        }
        ms_list_remove(&first->age);
        first->since = driver->now;
        ms_list_push_back(list, &first->age);
    }
    return false;
}

/* A frame that is still incomplete: fine while it moves, if it is a long one. */
static void judge_partial(struct ms_connection *connection)
{
    struct ms_driver *driver = ms_connection_driver(connection);
    ms_time least = driver->tuning.frame_rate_min * (driver->tuning.frame_timeout / MS_MSEC) / 1000;

    if (connection->window_bytes < least) {
        ms_connection_fail(connection, MS_E_TIMEOUT, "a frame begun was not completed");
        return;
    }
    take_off(connection);
    connection->window_bytes = 0;
    put_on(connection, &driver->partial, NULL);
}

void ms_connection_expire(struct ms_driver *driver)
{
    while (is_due(driver, &driver->pending, driver->tuning.hello_timeout)) {
        ms_connection_fail(oldest(&driver->pending), MS_E_TIMEOUT, "the greeting did not come");
    }
    while (is_due(driver, &driver->partial, driver->tuning.frame_timeout)) {
        judge_partial(oldest(&driver->partial));
    }
    while (is_due(driver, &driver->closing, driver->tuning.linger)) {
        ms_connection_drop(oldest(&driver->closing), MS_E_OK);
    }
}

static ms_time earlier(ms_time wake, const struct ms_list *list, ms_time patience)
{
    const struct ms_connection *first = oldest(list);

    return first != NULL && first->since + patience < wake ? first->since + patience : wake;
}

ms_time ms_connection_deadline(const struct ms_driver *driver)
{
    ms_time wake = MS_TIME_NEVER;

    wake = earlier(wake, &driver->pending, driver->tuning.hello_timeout);
    wake = earlier(wake, &driver->partial, driver->tuning.frame_timeout);
    return earlier(wake, &driver->closing, driver->tuning.linger);
}

static void on_io(struct ev_loop *loop, ev_io *io, int revents)
{
    struct ms_connection *connection = ms_container_of(io, struct ms_connection, io);

    (void)loop;
    if (connection->state == MS_CONNECTION_CONNECTING) {
        ms_connector_ready(connection);
        return;
    }
    if ((revents & EV_WRITE) != 0) {
        mark_dirty(connection);
    }
    if ((revents & EV_READ) != 0 && ms_connection_is_held(connection)) {
        ms_hold_keep(connection);
    } else if ((revents & EV_READ) != 0) {
        ms_connection_receive(connection);
        ms_driver_served(io->data); /* frees the connection if it is dead */
    }
}
