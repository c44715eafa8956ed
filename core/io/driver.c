/* The turn of the loop: events to the engine, its effects to the connections, one write for each; in
 * a long turn one for every so many commands, so that the peers do not wait for all of it. */
#include "core/io/driver_private.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/invariant.h"

static const struct ms_driver_tuning tuning_default = {
    .hello_timeout = MS_HELLO_TIMEOUT,
    .frame_timeout = MS_FRAME_TIMEOUT,
    .linger = MS_DRIVER_LINGER,
    .accept_pause = MS_DRIVER_ACCEPT_PAUSE,
    .frame_rate_min = MS_FRAME_RATE_MIN,
    .pending_max = MS_PENDING_PEERS_MAX,
    .read_size = MS_DRIVER_READ_SIZE,
    .output_soft_max = MS_OUTPUT_SOFT_MAX,
    .output_hard_max = MS_OUTPUT_HARD_MAX,
};

/* The open connection of that name; NULL when it is gone, or going. */
static struct ms_connection *find(const struct ms_driver *driver, ms_peer peer)
{
    struct ms_connection *connection = ms_pool_get(&driver->pool, peer);

    if (connection == NULL || connection->state != MS_CONNECTION_OPEN) {
        return NULL;
    }
    return connection;
}

/* Sending to a peer that has just gone is no error: the engine learns it with the next event. */
static void send_to(struct ms_driver *driver, const struct ms_effect *effect)
{
    struct ms_connection *connection = find(driver, effect->peer);
    enum ms_error error;

    if (connection == NULL || connection->lost != MS_E_OK) {
        return;
    }
    error = ms_connection_send(connection, effect->epoch, &effect->command);
    if (error != MS_E_OK) {
        ms_connection_drop(connection, error);
        return;
    }
    if (effect->command.kind == MS_KIND_PEER_HELLO ||
        (effect->command.kind == MS_KIND_WELCOME && driver->options.is_server)) {
        ms_connection_greeted(connection, driver->options.payload_max);
    }
}

static void carry_out(struct ms_driver *driver, const struct ms_effect *effect)
{
    struct ms_connection *connection;

    switch (effect->type) {
    case MS_EFFECT_SEND:
        send_to(driver, effect);
        break;
    case MS_EFFECT_CLOSE:
        connection = find(driver, effect->peer);
        if (connection != NULL) {
            ms_connection_close(connection);
        }
        break;
    case MS_EFFECT_CONNECT:
        ms_connector_start(driver, effect->tag, effect->text);
        break;
    case MS_EFFECT_MARK:
        connection = find(driver, effect->peer);
        if (connection != NULL) {
            ms_hold_mark(connection);
        }
        break;
    case MS_EFFECT_KEEP:
        connection = find(driver, effect->peer);
        if (connection != NULL) {
            ms_connection_leave_alone(connection);
        }
        break;
    case MS_EFFECT_PAUSE:
        ms_hold_pause(driver);
        break;
    case MS_EFFECT_RESUME:
        ms_hold_resume(driver);
        break;
    default:
        driver->options.effect(driver->options.context, effect);
        break;
    }
}

static void step_once(struct ms_driver *driver, const struct ms_event *event)
{
    struct ms_engine *engine = driver->options.engine;
    const struct ms_effect *effect;

    ms_assert(!driver->is_stepping);
    driver->is_stepping = true;
    ms_engine_step(engine, driver->now, event);
    while ((effect = ms_engine_next(engine)) != NULL) {
        carry_out(driver, effect);
    }
    driver->is_stepping = false;
}

/* Bounded: an owner that answers every effect with an event must not keep the network waiting. */
static void drain(struct ms_driver *driver)
{
    for (int i = 0; i < MS_DRIVER_MAILBOX_BURST; i++) {
        struct ms_letter *letter = ms_mailbox_take(&driver->mailbox);

        if (letter == NULL) {
            return;
        }
        step_once(driver, &letter->event);
        free(letter);
    }
}

void ms_driver_step(struct ms_driver *driver, const struct ms_event *event)
{
    step_once(driver, event);
    if (!ms_mailbox_is_empty(&driver->mailbox)) {
        drain(driver);
    }
}

void ms_driver_tell(struct ms_driver *driver, const struct ms_event *event)
{
    if (driver->is_stepping || !ms_mailbox_is_empty(&driver->mailbox)) {
        ms_mailbox_post(&driver->mailbox, event);
    } else {
        ms_driver_step(driver, event);
    }
}

/* What the engine leaves for the time when all input was heard is done before this turn of the loop is over: its timer is
 * the last to be called. */
static void close_turn(struct ms_driver *driver)
{
    if (driver->is_turning && ms_engine_deadline(driver->options.engine) <= driver->now) {
        ev_feed_event(driver->options.loop, &driver->timer, EV_TIMER);
    }
}

void ms_driver_post(struct ms_driver *driver, const struct ms_event *event)
{
    if (!driver->is_turning && !driver->is_stepping) {
        driver->now = ms_clock_now();
    }
    driver->active_at = driver->now;
    ms_driver_tell(driver, event);
    close_turn(driver);
}

static void tick(struct ms_driver *driver)
{
    if (ms_engine_deadline(driver->options.engine) <= driver->now) {
        ms_driver_step(driver, &(struct ms_event){.type = MS_EVENT_TICK});
    }
}

/* The process may have been stopped since the time was read. What became due meanwhile comes before what it was about
 * to say: to others it was silent, and its word may not be good any more. */
static void catch_up(struct ms_driver *driver)
{
    const ms_time now = ms_clock_now();

    if (now < driver->now + MS_DRIVER_STALL) {
        return;
    }
    driver->now = now;
    tick(driver);
}

static void flush(struct ms_driver *driver)
{
    for (int round = 0; round < MS_DRIVER_FLUSH_ROUNDS && driver->dirty != NULL; round++) {
        driver->flushing = driver->dirty;
        driver->dirty = NULL;
        while (driver->flushing != NULL) {
            catch_up(driver);
            struct ms_connection *connection = driver->flushing;

            driver->flushing = connection->next_dirty;
            ms_connection_flush(connection);
        }
    }
    if (driver->dirty == NULL) {
        ms_connection_bury(driver);
    }
}

void ms_driver_served(struct ms_driver *driver)
{
    if (driver->stats.commands_in_total - driver->flushed_at < MS_DRIVER_FLUSH_COMMANDS) {
        close_turn(driver);
    } else {
        tick(driver);
        flush(driver);
        driver->flushed_at = driver->stats.commands_in_total;
    }
}

/* The one timer: the engine's deadline and the connections' time limits. */
static void arm_timer(struct ms_driver *driver)
{
    struct ev_loop *loop = driver->options.loop;
    ms_time wake = ms_engine_deadline(driver->options.engine);
    ms_time limit = ms_connection_deadline(driver);

    if (limit < wake) {
        wake = limit;
    }
    if (driver->dirty != NULL || !ms_mailbox_is_empty(&driver->mailbox) ||
        !ms_list_is_empty(&driver->stashed)) {
        wake = driver->now;
    }
    if (ev_is_active(&driver->timer) && wake == driver->armed_at) {
        return;
    }
    ev_timer_stop(loop, &driver->timer);
    driver->armed_at = wake;
    if (wake == MS_TIME_NEVER) {
        return;
    }
    ev_timer_set(&driver->timer, wake <= driver->now ? 0. : (double)(wake - driver->now) * 1e-6,
                 0.);
    ev_timer_start(loop, &driver->timer);
}

/* An active idle watcher makes libev ask for events without sleeping. */
static void arm_spin(struct ms_driver *driver)
{
    bool is_wanted = driver->options.busy_poll > 0 && driver->stats.connections > 0 &&
                     driver->now < driver->active_at + driver->options.busy_poll;

    if (is_wanted) {
        ev_idle_start(driver->options.loop, &driver->spin);
    } else {
        ev_idle_stop(driver->options.loop, &driver->spin);
    }
}

static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int revents)
{
    struct ms_driver *driver = prepare->data;

    (void)loop, (void)revents;
    drain(driver);
    flush(driver);
    driver->flushed_at = driver->stats.commands_in_total;
    driver->now = ms_clock_now();
    driver->is_turning = false;
    arm_timer(driver);
    arm_spin(driver);
}

static void on_check(struct ev_loop *loop, ev_check *check, int revents)
{
    struct ms_driver *driver = check->data;

    (void)loop, (void)revents;
    driver->now = ms_clock_now();
    driver->is_turning = true;
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct ms_driver *driver = timer->data;

    (void)loop, (void)revents;
    ms_connection_expire(driver);
    ms_hold_serve(driver);
    tick(driver);
}

/* Whoever else has something to do on this processor goes first. */
static void on_spin(struct ev_loop *loop, ev_idle *spin, int revents)
{
    (void)loop, (void)spin, (void)revents;
    sched_yield();
}

/* Time is read before anything else; input is served before the timer; all is written last. */
static void start_watchers(struct ms_driver *driver)
{
    struct ev_loop *loop = driver->options.loop;

    ev_check_init(&driver->check, on_check);
    ev_set_priority(&driver->check, EV_MAXPRI);
    driver->check.data = driver;
    ev_check_start(loop, &driver->check);
    ev_unref(loop);
    ev_prepare_init(&driver->prepare, on_prepare);
    ev_set_priority(&driver->prepare, EV_MINPRI);
    driver->prepare.data = driver;
    ev_prepare_start(loop, &driver->prepare);
    ev_unref(loop);
    ev_timer_init(&driver->timer, on_timer, 0., 0.);
    ev_set_priority(&driver->timer, EV_MINPRI);
    driver->timer.data = driver;
    ev_idle_init(&driver->spin, on_spin);
    ev_set_priority(&driver->spin, EV_MINPRI);
    driver->spin.data = driver;
}

static void stop_watchers(struct ms_driver *driver)
{
    struct ev_loop *loop = driver->options.loop;

    ev_ref(loop);
    ev_check_stop(loop, &driver->check);
    ev_ref(loop);
    ev_prepare_stop(loop, &driver->prepare);
    ev_timer_stop(loop, &driver->timer);
    ev_idle_stop(loop, &driver->spin);
}

static void init_lists(struct ms_driver *driver)
{
    ms_list_init(&driver->pending);
    ms_list_init(&driver->partial);
    ms_list_init(&driver->closing);
    ms_list_init(&driver->dead);
    ms_list_init(&driver->held);
    ms_list_init(&driver->stashed);
    ms_list_init(&driver->listeners);
    ms_mailbox_init(&driver->mailbox);
}

struct ms_driver *ms_driver_create(const struct ms_driver_options *options)
{
    uint32_t peers_max = options->peers_max == 0 ? MS_PEERS_MAX : options->peers_max;
    struct ms_driver *driver;

    ms_assert(options->size == sizeof *options);
    ms_assert(options->loop != NULL && options->engine != NULL && options->effect != NULL);
    ms_assert(peers_max <= MS_PEERS_MAX);
    driver = calloc(1, sizeof *driver);
    if (driver == NULL) {
        return NULL;
    }
    driver->options = *options;
    driver->tuning = tuning_default;
    driver->now = ms_clock_now();
    driver->active_at = driver->now;
    init_lists(driver);
    driver->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    driver->input = malloc(MS_DRIVER_READ_SIZE);
    driver->decoder = ms_decoder_create();
    start_watchers(driver);
    if (!ms_pool_init(&driver->pool, sizeof(struct ms_connection), peers_max) ||
        driver->input == NULL || driver->decoder == NULL) {
        ms_driver_destroy(driver);
        return NULL;
    }
    return driver;
}

/* Like drop, but the engine, which its owner may have ended already, is not told. */
static void drop_all(struct ms_driver *driver)
{
    uint32_t cursor = 0;
    struct ms_connection *connection;

    if (driver->pool.object_size == 0) {
        return;
    }
    while ((connection = ms_pool_next(&driver->pool, &cursor)) != NULL) {
        connection->is_dirty = false;
        if (connection->state == MS_CONNECTION_OPEN) {
            ms_connection_close(connection);
        }
        ms_connection_drop(connection, MS_E_OK);
    }
    driver->dirty = NULL;
    ms_connection_bury(driver);
}

void ms_driver_destroy(struct ms_driver *driver)
{
    if (driver == NULL) {
        return;
    }
    ms_assert(!driver->is_stepping);
    driver->is_stepping = true; /* what the end of connections has to tell goes nowhere */
    driver->is_holding = false;
    ms_resolver_destroy(driver->resolver);
    ms_listener_close_all(driver);
    flush(driver);
    drop_all(driver);
    stop_watchers(driver);
    ms_mailbox_finish(&driver->mailbox);
    ms_pool_finish(&driver->pool);
    ms_decoder_destroy(driver->decoder);
    if (driver->reserve >= 0) {
        close(driver->reserve);
    }
    free(driver->input);
    free(driver);
}

void ms_driver_stop_listening(struct ms_driver *driver)
{
    ms_listener_close_all(driver);
}

void ms_driver_stats(const struct ms_driver *driver, struct ms_driver_stats *stats_out)
{
    *stats_out = driver->stats;
}
