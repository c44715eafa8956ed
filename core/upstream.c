#include "core/upstream.h"

#include <string.h>

#include "core/invariant.h"
#include "core/upstream_private.h"
#include "core/uri.h"

/* What a master may ask for: an absurd WELCOME neither floods nor deafens us. */
#define BEAT_INTERVAL_MIN (10 * MS_MSEC)
#define BEAT_INTERVAL_MAX (3600 * MS_SEC)

#define LATE_BEATS 2 /* intervals of silence after which another master is tried, too */

static ms_time clamp(ms_time value, ms_time low, ms_time high)
{
    ms_assert(low <= high);
    if (value < low) {
        return low;
    }
    return value > high ? high : value;
}

void ms_upstream_init(struct ms_upstream *upstream, struct ms_engine *engine, struct ms_rng *rng,
                      const char *addresses)
{
    ms_assert(engine != NULL && rng != NULL);
    ms_assert(addresses != NULL && addresses[0] != '\0');
    *upstream = (struct ms_upstream){
        .engine = engine,
        .rng = rng,
        .backoff = MS_RECONNECT_MIN,
        .retry_at = MS_TIME_NEVER,
        .greet_by = MS_TIME_NEVER,
        .beat_at = MS_TIME_NEVER,
        .late_at = MS_TIME_NEVER,
        .dead_at = MS_TIME_NEVER,
        .hello = {.version_min = MS_PROTOCOL_MIN,
                  .version_max = MS_PROTOCOL_MAX,
                  .features = MS_FEATURES_ALL},
    };
    upstream->addresses_count = ms_addresses_split(addresses, upstream->addresses);
    ms_upstream_drop_second(upstream);
}

void ms_upstream_start(struct ms_upstream *upstream, ms_time now)
{
    ms_assert(upstream->state == MS_UPSTREAM_IDLE);
    upstream->retry_at = now;
}

bool ms_upstream_is_up(const struct ms_upstream *upstream)
{
    return upstream->state == MS_UPSTREAM_UP;
}

bool ms_upstream_is_sure(const struct ms_upstream *upstream, ms_time now)
{
    const struct ms_welcome *welcome = &upstream->welcome;

    return ms_upstream_is_up(upstream) &&
           now - upstream->answered_at < welcome->dead_after - welcome->beat_interval;
}

static ms_time earlier(ms_time a, ms_time b)
{
    return a < b ? a : b;
}

ms_time ms_upstream_deadline(const struct ms_upstream *upstream)
{
    switch (upstream->state) {
    case MS_UPSTREAM_IDLE:
        return upstream->retry_at;
    case MS_UPSTREAM_CONNECTING:
    case MS_UPSTREAM_GREETING:
        return upstream->greet_by;
    case MS_UPSTREAM_UP:
        return earlier(earlier(upstream->beat_at, upstream->dead_at),
                       ms_upstream_second_deadline(upstream));
    case MS_UPSTREAM_STATES:
        break;
    }
    ms_unreachable();
}

void ms_upstream_send(struct ms_upstream *upstream, const struct ms_command *command)
{
    ms_assert(ms_upstream_is_up(upstream));
    ms_engine_send(upstream->engine, upstream->peer, upstream->epoch, command);
}

void ms_upstream_close(struct ms_upstream *upstream, ms_peer peer)
{
    ms_assert(peer != MS_PEER_NONE);
    ms_engine_emit(upstream->engine, &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = peer});
}

void ms_upstream_dial(struct ms_upstream *upstream, uint32_t address_at)
{
    upstream->tag = upstream->tag == UINT32_MAX ? 1 : upstream->tag + 1;
    ms_engine_emit(upstream->engine, &(struct ms_effect){
                                         .type = MS_EFFECT_CONNECT,
                                         .tag = upstream->tag,
                                         .text = upstream->addresses[address_at],
                                     });
}

void ms_upstream_greet(struct ms_upstream *upstream, ms_time now, ms_peer peer)
{
    upstream->greeted_at = now;
    upstream->hello.epoch = upstream->epoch;
    ms_engine_send(upstream->engine, peer, upstream->epoch,
                   &(struct ms_command){
                       .kind = MS_KIND_HELLO,
                       .body.hello = &upstream->hello,
                   });
}

/* --- the connection in use --- */

/* The master in use has been heard of. */
static void heard(struct ms_upstream *upstream, ms_time now)
{
    ms_upstream_relax_second(upstream, now);
    upstream->late_at = now + LATE_BEATS * upstream->welcome.beat_interval;
    upstream->dead_at = now + upstream->welcome.dead_after;
}

/* A machine that is gone does not even refuse. Where there is another one to ask, it is asked soon. */
static ms_time patience(const struct ms_upstream *upstream)
{
    return upstream->addresses_count == 1
               ? MS_HELLO_TIMEOUT
               : clamp(MS_DIAL_PATIENCE * (upstream->backoff / MS_RECONNECT_MIN), MS_DIAL_PATIENCE,
                       MS_HELLO_TIMEOUT);
}

/* A WELCOME waits for a disk, so it is given longer than a connection; but a process that was stopped sends none. */
static ms_time greeting_patience(const struct ms_upstream *upstream)
{
    return clamp(patience(upstream), 2 * MS_DIAL_PATIENCE, MS_RESPONSE_TIMEOUT);
}

static uint32_t next_of(const struct ms_upstream *upstream, uint32_t address_at)
{
    return (address_at + 1) % upstream->addresses_count;
}

/* To the address that was named, or the next. A name that led nowhere is passed over: it goes on behind who gave it. */
static void turn(struct ms_upstream *upstream)
{
    struct ms_upstream_hint *hint = &upstream->hint;
    const uint32_t former = upstream->address_at;

    upstream->address_at = next_of(upstream, former);
    if (hint->is_followed) {
        upstream->address_at = next_of(upstream, hint->from);
        if (upstream->address_at == former) {
            upstream->address_at = next_of(upstream, former);
        }
    }
    if (!hint->is_named && upstream->second.state == MS_UPSTREAM_SECOND_PARKED) {
        hint->at = upstream->second.address_at; /* somebody was there */
        hint->is_named = true;
    }
    hint->is_followed = hint->is_named && hint->deaf == 0;
    if (hint->is_followed) {
        hint->from = former;
        hint->deaf = upstream->addresses_count;
        upstream->address_at = hint->at;
    } else if (hint->deaf > 0) {
        hint->deaf--;
    }
    hint->is_named = false;
}

/* HELLO on the connection that is parked where it goes next, if there is one. */
static void take_over(struct ms_upstream *upstream, ms_time now)
{
    if (ms_upstream_take_second(upstream)) {
        upstream->state = MS_UPSTREAM_GREETING;
        upstream->was_parked = true;
        upstream->retry_at = MS_TIME_NEVER;
        upstream->greet_by = now + greeting_patience(upstream);
        ms_upstream_greet(upstream, now, upstream->peer);
    }
}

/* Of several masters one that answers, though it may not serve, says more than another one that is not there. */
static void remember(struct ms_upstream *upstream, enum ms_error error)
{
    const bool is_absent =
        error == MS_E_UNREACHABLE || error == MS_E_CLOSED || error == MS_E_TIMEOUT;

    if (is_absent && upstream->last_error == MS_E_NOT_ACTIVE &&
        upstream->last_error_at != upstream->address_at) {
        return;
    }
    upstream->last_error = error;
    upstream->last_error_at = upstream->address_at;
}

/* Back to IDLE, with the next address, which is tried soon, and at once after a master that has stayed for a while: of two
 * masters one may serve. After a round over all of them the pause is longer, and random, so that a thousand slaves of one
 * dead master do not come back in step. */
static void back_off(struct ms_upstream *upstream, ms_time now, enum ms_error error)
{
    const bool has_stayed =
        upstream->state == MS_UPSTREAM_UP && upstream->backoff == MS_RECONNECT_MIN;

    ms_assert(upstream->state != MS_UPSTREAM_IDLE);
    ms_assert(upstream->backoff >= MS_RECONNECT_MIN && upstream->backoff <= MS_RECONNECT_MAX);
    const bool is_round_over = ++upstream->failures >= upstream->addresses_count;
    /* Loud once, when the pauses have grown to their longest; a short absence is nobody's worry. */
    const bool is_lasting = is_round_over && upstream->backoff < MS_RECONNECT_MAX &&
                            2 * upstream->backoff >= MS_RECONNECT_MAX;

    ms_trace(&upstream->engine->trace, is_lasting ? MS_LEVEL_WARN : MS_LEVEL_DEBUG, "no master",
             "address=%s error=%s", upstream->addresses[upstream->address_at],
             ms_error_name(error));
    upstream->state = MS_UPSTREAM_IDLE;
    upstream->peer = MS_PEER_NONE;
    remember(upstream, error);
    turn(upstream);
    upstream->retry_at = now + ms_rng_between(upstream->rng, 1,
                                              is_round_over ? upstream->backoff : MS_RECONNECT_MIN);
    if (has_stayed && !is_round_over) {
        upstream->retry_at = now;
        take_over(upstream, now);
    }
    ms_upstream_drop_second(upstream);
    if (is_round_over) {
        upstream->failures = 0;
        upstream->backoff = clamp(2 * upstream->backoff, MS_RECONNECT_MIN, MS_RECONNECT_MAX);
    }
}

/* Leaves the connection, if there is one. What it means for the owner depends on how far it was. */
static enum ms_upstream_news leave(struct ms_upstream *upstream, ms_time now, enum ms_error error)
{
    const enum ms_upstream_state state = upstream->state;

    ms_assert(error != MS_E_OK);
    if (upstream->peer != MS_PEER_NONE) {
        ms_upstream_close(upstream, upstream->peer);
    }
    back_off(upstream, now, error);
    if (state == MS_UPSTREAM_UP) {
        return MS_UPSTREAM_LOST;
    }
    return state == MS_UPSTREAM_GREETING ? MS_UPSTREAM_REFUSED : MS_UPSTREAM_NOTHING;
}

void ms_upstream_fail(struct ms_upstream *upstream, ms_time now, enum ms_error error)
{
    ms_assert(ms_upstream_is_up(upstream));
    ms_upstream_send(upstream, &(struct ms_command){
                                   .kind = MS_KIND_ERROR,
                                   .error = (uint16_t)error,
                                   .detail = ms_bytes_of(ms_error_text(error)),
                               });
    leave(upstream, now, error);
}

void ms_upstream_stop(struct ms_upstream *upstream)
{
    if (ms_upstream_is_up(upstream)) {
        ms_upstream_send(upstream, &(struct ms_command){.kind = MS_KIND_BYE});
    }
    if (upstream->peer != MS_PEER_NONE) {
        ms_upstream_close(upstream, upstream->peer);
    }
    ms_upstream_drop_second(upstream);
    upstream->state = MS_UPSTREAM_IDLE;
    upstream->peer = MS_PEER_NONE;
    upstream->retry_at = MS_TIME_NEVER;
}

static void connect_next(struct ms_upstream *upstream, ms_time now)
{
    ms_assert(upstream->state == MS_UPSTREAM_IDLE);
    upstream->state = MS_UPSTREAM_CONNECTING;
    upstream->was_parked = false;
    upstream->retry_at = MS_TIME_NEVER;
    upstream->greet_by = now + patience(upstream);
    ms_upstream_dial(upstream, upstream->address_at);
}

static void send_beat(struct ms_upstream *upstream, ms_time now)
{
    upstream->beat_at = now + upstream->welcome.beat_interval;
    upstream->beats_at[++upstream->beats_count % MS_UPSTREAM_BEATS_KEPT] = now;
    ms_upstream_send(upstream, &(struct ms_command){
                                   .kind = MS_KIND_BEAT,
                                   .count = upstream->beats_count,
                                   .body.load = upstream->load,
                               });
}

void ms_upstream_beat(struct ms_upstream *upstream, ms_time now)
{
    ms_assert(ms_upstream_is_up(upstream));
    send_beat(upstream, now);
}

static enum ms_upstream_news tick_up(struct ms_upstream *upstream, ms_time now)
{
    const ms_time late = now - earlier(upstream->beat_at, upstream->dead_at);

    /* A tick far behind its time says that we were stopped, not the master. What it sent meanwhile
     * may still wait to be read, so it gets one more interval before it is judged. */
    if (late > upstream->welcome.beat_interval / 2) {
        const ms_time grace = now + upstream->welcome.beat_interval;

        upstream->dead_at = upstream->dead_at > grace ? upstream->dead_at : grace;
        upstream->late_at = upstream->late_at > grace ? upstream->late_at : grace;
    }
    if (now >= upstream->dead_at) {
        return leave(upstream, now, MS_E_TIMEOUT);
    }
    if (now >= upstream->beat_at) {
        send_beat(upstream, now);
    }
    ms_upstream_tick_second(upstream, now);
    return MS_UPSTREAM_NOTHING;
}

static enum ms_upstream_news tick(struct ms_upstream *upstream, ms_time now)
{
    if (now < ms_upstream_deadline(upstream)) {
        return MS_UPSTREAM_NOTHING;
    }
    switch (upstream->state) {
    case MS_UPSTREAM_IDLE:
        connect_next(upstream, now);
        return MS_UPSTREAM_NOTHING;
    case MS_UPSTREAM_CONNECTING:
    case MS_UPSTREAM_GREETING:
        return leave(upstream, now, MS_E_TIMEOUT);
    case MS_UPSTREAM_UP:
        return tick_up(upstream, now);
    case MS_UPSTREAM_STATES:
        break;
    }
    ms_unreachable();
}

static void opened(struct ms_upstream *upstream, ms_time now, const struct ms_event *event)
{
    if (ms_upstream_is_second(upstream, event)) {
        ms_upstream_second_opened(upstream, now, event->peer);
        return;
    }
    if (upstream->state != MS_UPSTREAM_CONNECTING || event->tag != upstream->tag) {
        ms_upstream_close(upstream, event->peer); /* the answer to a CONNECT given up meanwhile */
        return;
    }
    upstream->state = MS_UPSTREAM_GREETING;
    upstream->peer = event->peer;
    upstream->greet_by = now + greeting_patience(upstream);
    ms_upstream_greet(upstream, now, upstream->peer);
}

static enum ms_upstream_news closed(struct ms_upstream *upstream, ms_time now,
                                    const struct ms_event *event)
{
    const enum ms_upstream_state state = upstream->state;
    const enum ms_error error = event->error != MS_E_OK ? event->error : MS_E_CLOSED;

    if (ms_upstream_is_second(upstream, event)) {
        ms_upstream_retry_second(upstream, now);
        return MS_UPSTREAM_NOTHING;
    }
    if (state == MS_UPSTREAM_CONNECTING) {
        if (event->tag == upstream->tag) {
            back_off(upstream, now, error);
        }
        return MS_UPSTREAM_NOTHING;
    }
    if (event->peer == MS_PEER_NONE || event->peer != upstream->peer) {
        return MS_UPSTREAM_NOTHING;
    }
    if (state == MS_UPSTREAM_GREETING &&
        upstream->was_parked) { /* it may have been dead for long */
        upstream->was_parked = false;
        upstream->state = MS_UPSTREAM_IDLE;
        upstream->peer = MS_PEER_NONE;
        upstream->retry_at = now;
        return MS_UPSTREAM_NOTHING;
    }
    back_off(upstream, now, error);
    return state == MS_UPSTREAM_UP ? MS_UPSTREAM_LOST : MS_UPSTREAM_REFUSED;
}

enum ms_upstream_news ms_upstream_welcomed(struct ms_upstream *upstream, ms_time now,
                                           const struct ms_welcome *welcome)
{
    if (welcome == NULL || welcome->version < upstream->hello.version_min ||
        welcome->version > upstream->hello.version_max) {
        return leave(upstream, now, MS_E_VERSION);
    }
    upstream->welcome = *welcome;
    upstream->welcome.features &= upstream->hello.features;
    upstream->welcome.beat_interval =
        clamp(welcome->beat_interval, BEAT_INTERVAL_MIN, BEAT_INTERVAL_MAX);
    upstream->welcome.dead_after =
        clamp(welcome->dead_after, 2 * upstream->welcome.beat_interval, 4 * BEAT_INTERVAL_MAX);
    upstream->hello.token = welcome->token;
    upstream->state = MS_UPSTREAM_UP;
    upstream->last_error = MS_E_OK;
    upstream->is_refusal_told = false;
    upstream->hint = (struct ms_upstream_hint){0}; /* it was right, or is not needed */
    upstream->answered_at = upstream->greeted_at;
    upstream->beat_at =
        ms_upstream_is_sure(upstream, now) ? now + upstream->welcome.beat_interval : now;
    ms_upstream_begin_second(upstream, now);
    heard(upstream, now);
    return MS_UPSTREAM_WELCOMED;
}

static bool is_address(const char *address, struct ms_bytes text)
{
    return strlen(address) == text.size && memcmp(address, text.data, text.size) == 0;
}

/* NOT_ACTIVE says where the active master is served, as far as that is known there: of its addresses, ours counts. */
static void take_hint(struct ms_upstream *upstream, const struct ms_event *event)
{
    struct ms_bytes rest = event->command->detail;

    while (rest.size > 0 && !upstream->hint.is_named) {
        const uint8_t *comma = memchr(rest.data, ',', rest.size);
        const struct ms_bytes one = {rest.data,
                                     comma != NULL ? (size_t)(comma - rest.data) : rest.size};

        for (uint32_t i = 0; i < upstream->addresses_count; i++) {
            if (i != upstream->address_at && is_address(upstream->addresses[i], one)) {
                upstream->hint.at = i;
                upstream->hint.is_named = true;
            }
        }
        rest.size -= comma != NULL ? one.size + 1 : one.size;
        rest.data += comma != NULL ? one.size + 1 : one.size;
    }
    if (upstream->hint.is_named) {
        ms_trace(&upstream->engine->trace, MS_LEVEL_DEBUG, "told where the active master is",
                 "address=%s", upstream->addresses[upstream->hint.at]);
    }
}

/* ERROR, or a GOAWAY that leaves nothing to stay for. */
static enum ms_upstream_news sent_away(struct ms_upstream *upstream, ms_time now,
                                       const struct ms_event *event)
{
    const struct ms_command *command = event->command;
    const enum ms_error error = command->error != 0 ? (enum ms_error)command->error : MS_E_CLOSED;

    if (error == MS_E_SESSION_DEAD) {
        upstream->hello.token = (struct ms_uuid){{0}}; /* nobody would know it any more */
    } else if (error == MS_E_NOT_ACTIVE) {
        take_hint(upstream, event);
    } else if (error == MS_E_PERMISSION && !upstream->is_refusal_told) {
        upstream->is_refusal_told = true;
        ms_trace(&upstream->engine->trace, MS_LEVEL_WARN, "refused", "address=%s text=\"%.*s\"",
                 upstream->addresses[upstream->address_at], (int)command->detail.size,
                 command->detail.size > 0 ? (const char *)command->detail.data : "");
    }
    return leave(upstream, now, error);
}

static enum ms_upstream_news greeted(struct ms_upstream *upstream, ms_time now,
                                     const struct ms_event *event)
{
    switch (event->command->kind) {
    case MS_KIND_WELCOME:
        return ms_upstream_welcomed(upstream, now, event->command->body.welcome);
    case MS_KIND_ERROR:
    case MS_KIND_GOAWAY:
        return sent_away(upstream, now, event);
    default:
        return leave(upstream, now, MS_E_ORDER);
    }
}

static void take_answer(struct ms_upstream *upstream, uint64_t beat)
{
    if (beat <= upstream->beats_heard || beat > upstream->beats_count) {
        return;
    }
    upstream->beats_heard = beat;
    if (upstream->beats_count - beat < MS_UPSTREAM_BEATS_KEPT) {
        upstream->answered_at = upstream->beats_at[beat % MS_UPSTREAM_BEATS_KEPT];
    }
}

static enum ms_upstream_news received(struct ms_upstream *upstream, ms_time now,
                                      const struct ms_event *event)
{
    const struct ms_command *command = event->command;

    if (ms_upstream_is_second(upstream, event)) {
        return ms_upstream_hear_second(upstream, now, event);
    }
    if (upstream->peer == MS_PEER_NONE || event->peer != upstream->peer) {
        return MS_UPSTREAM_NOTHING; /* read before a CLOSE was carried out */
    }
    if (command->kind == MS_KIND_ERROR) {
        if (event->epoch > upstream->epoch) {
            upstream->epoch = event->epoch; /* this master served it before it sent us away */
        }
        return sent_away(upstream, now, event); /* the reason counts, whatever its epoch */
    }
    if (event->epoch < upstream->epoch) {
        return leave(upstream, now, MS_E_STALE_EPOCH);
    }
    upstream->epoch = event->epoch;
    if (upstream->state == MS_UPSTREAM_GREETING) {
        return greeted(upstream, now, event);
    }
    ms_assert(ms_upstream_is_up(upstream));
    heard(upstream, now); /* any frame is a sign of life */
    switch (command->kind) {
    case MS_KIND_BEAT:
        ms_upstream_send(upstream, &(struct ms_command){
                                       .kind = MS_KIND_BEAT_ACK,
                                       .count = command->count,
                                   });
        return MS_UPSTREAM_NOTHING;
    case MS_KIND_BEAT_ACK:
        /* Only a master that has stayed for a beat earns a quick reconnect: one that welcomes and
         * closes at once is met with growing pauses. */
        upstream->backoff = MS_RECONNECT_MIN;
        upstream->failures = 0;
        take_answer(upstream, command->count);
        return MS_UPSTREAM_NOTHING;
    case MS_KIND_HELLO:
    case MS_KIND_WELCOME:
        return leave(upstream, now, MS_E_ORDER);
    case MS_KIND_GOAWAY:
        if (command->error == MS_E_NOT_ACTIVE) {
            return sent_away(upstream, now, event);
        }
        return MS_UPSTREAM_RECEIVED;
    default:
        return MS_UPSTREAM_RECEIVED;
    }
}

enum ms_upstream_news ms_upstream_step(struct ms_upstream *upstream, ms_time now,
                                       const struct ms_event *event)
{
    ms_assert(upstream->addresses_count > 0);
    switch (event->type) {
    case MS_EVENT_RECEIVED:
        return received(upstream, now, event);
    case MS_EVENT_TICK:
        return tick(upstream, now);
    case MS_EVENT_PEER_OPENED:
        opened(upstream, now, event);
        return MS_UPSTREAM_NOTHING;
    case MS_EVENT_PEER_CLOSED:
        return closed(upstream, now, event);
    default:
        return MS_UPSTREAM_NOTHING;
    }
}
