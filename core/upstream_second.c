/* The connection beside the one in use. */
#include "core/invariant.h"
#include "core/upstream_private.h"

static ms_time earlier(ms_time a, ms_time b)
{
    return a < b ? a : b;
}

static ms_time later(ms_time a, ms_time b)
{
    return a > b ? a : b;
}

ms_time ms_upstream_second_deadline(const struct ms_upstream *upstream)
{
    const struct ms_upstream_second *second = &upstream->second;

    if (upstream->addresses_count < 2) {
        return MS_TIME_NEVER;
    }
    switch (second->state) {
    case MS_UPSTREAM_SECOND_CONNECTING:
    case MS_UPSTREAM_SECOND_GREETING:
        return second->greet_by;
    case MS_UPSTREAM_SECOND_PARKED:
        return upstream->late_at;
    case MS_UPSTREAM_SECOND_NONE:
        break;
    }
    return earlier(later(upstream->late_at, second->retry_at), second->park_at);
}

/* The next address but that in use. */
static void turn_second(struct ms_upstream *upstream)
{
    struct ms_upstream_second *second = &upstream->second;

    do {
        second->address_at = (second->address_at + 1) % upstream->addresses_count;
    } while (second->address_at == upstream->address_at);
}

/* Not at once: ten thousand that have come to a new master together do not go to the other one together. */
static ms_time park_time(struct ms_upstream *upstream, ms_time now)
{
    return upstream->is_parking && upstream->addresses_count > 1
               ? now + ms_rng_between(upstream->rng, 1, MS_PARK_SPREAD)
               : MS_TIME_NEVER;
}

void ms_upstream_drop_second(struct ms_upstream *upstream)
{
    struct ms_upstream_second *second = &upstream->second;

    if (second->peer != MS_PEER_NONE) {
        ms_upstream_close(upstream, second->peer);
    }
    *second = (struct ms_upstream_second){.address_at = upstream->address_at,
                                          .backoff = MS_RECONNECT_MIN,
                                          .park_backoff = MS_PARK_RETRY_MIN,
                                          .park_at = MS_TIME_NEVER};
}

void ms_upstream_begin_second(struct ms_upstream *upstream, ms_time now)
{
    ms_upstream_drop_second(upstream);
    upstream->second.park_at = park_time(upstream, now);
}

void ms_upstream_retry_second(struct ms_upstream *upstream, ms_time now)
{
    struct ms_upstream_second *second = &upstream->second;

    if (second->state == MS_UPSTREAM_SECOND_PARKED && now >= second->parked_at + MS_PARK_STAY) {
        second->park_backoff = MS_PARK_RETRY_MIN;
    }
    if (now >= upstream->late_at) {
        second->retry_at = now + ms_rng_backoff(upstream->rng, &second->backoff, MS_RECONNECT_MAX);
    }
    if (upstream->is_parking) {
        second->park_at =
            now + ms_rng_backoff(upstream->rng, &second->park_backoff, MS_PARK_RETRY_MAX);
    }
    second->state = MS_UPSTREAM_SECOND_NONE;
    second->peer = MS_PEER_NONE;
}

static void greet_second(struct ms_upstream *upstream, ms_time now)
{
    upstream->second.state = MS_UPSTREAM_SECOND_GREETING;
    upstream->second.greet_by = now + MS_RESPONSE_TIMEOUT;
    ms_upstream_greet(upstream, now, upstream->second.peer);
}

void ms_upstream_tick_second(struct ms_upstream *upstream, ms_time now)
{
    struct ms_upstream_second *second = &upstream->second;

    if (now < ms_upstream_second_deadline(upstream)) {
        return;
    }
    switch (second->state) {
    case MS_UPSTREAM_SECOND_CONNECTING:
    case MS_UPSTREAM_SECOND_GREETING:
        if (second->peer != MS_PEER_NONE) {
            ms_upstream_close(upstream, second->peer);
        }
        ms_upstream_retry_second(upstream, now);
        break;
    case MS_UPSTREAM_SECOND_PARKED:
        greet_second(upstream, now);
        break;
    case MS_UPSTREAM_SECOND_NONE:
        turn_second(upstream);
        second->state = MS_UPSTREAM_SECOND_CONNECTING;
        second->greet_by = now + MS_RESPONSE_TIMEOUT;
        ms_upstream_dial(upstream, second->address_at);
        second->tag = upstream->tag;
        break;
    }
}

bool ms_upstream_is_second(const struct ms_upstream *upstream, const struct ms_event *event)
{
    const struct ms_upstream_second *second = &upstream->second;

    return (second->state == MS_UPSTREAM_SECOND_CONNECTING && event->tag == second->tag) ||
           (second->peer != MS_PEER_NONE && event->peer == second->peer);
}

void ms_upstream_second_opened(struct ms_upstream *upstream, ms_time now, ms_peer peer)
{
    struct ms_upstream_second *second = &upstream->second;

    second->peer = peer;
    if (now >= upstream->late_at) {
        greet_second(upstream, now);
        return;
    }
    second->state = MS_UPSTREAM_SECOND_PARKED;
    second->parked_at = now;
    ms_engine_emit(upstream->engine, &(struct ms_effect){.type = MS_EFFECT_KEEP, .peer = peer});
}

void ms_upstream_relax_second(struct ms_upstream *upstream, ms_time now)
{
    struct ms_upstream_second *second = &upstream->second;

    if (second->state == MS_UPSTREAM_SECOND_GREETING ||
        (second->state == MS_UPSTREAM_SECOND_CONNECTING && !upstream->is_parking)) {
        ms_upstream_begin_second(upstream, now);
    }
    second->backoff = MS_RECONNECT_MIN;
    second->retry_at = 0;
}

/* What the other master answers. Once it takes us, the one that is late is left. Who is parked has asked for nothing. */
enum ms_upstream_news ms_upstream_hear_second(struct ms_upstream *upstream, ms_time now,
                                              const struct ms_event *event)
{
    struct ms_upstream_second *second = &upstream->second;
    const struct ms_command *command = event->command;

    if (second->state != MS_UPSTREAM_SECOND_GREETING || command->kind != MS_KIND_WELCOME ||
        event->epoch < upstream->epoch) {
        ms_upstream_close(upstream, second->peer);
        ms_upstream_retry_second(upstream, now);
        return MS_UPSTREAM_NOTHING;
    }
    ms_upstream_close(upstream, upstream->peer);
    upstream->state = MS_UPSTREAM_GREETING;
    upstream->peer = second->peer;
    upstream->address_at = second->address_at;
    upstream->epoch = event->epoch;
    upstream->last_error = MS_E_TIMEOUT;
    second->peer = MS_PEER_NONE;
    return ms_upstream_welcomed(upstream, now, command->body.welcome) == MS_UPSTREAM_WELCOMED
               ? MS_UPSTREAM_MOVED
               : MS_UPSTREAM_LOST;
}

bool ms_upstream_take_second(struct ms_upstream *upstream)
{
    struct ms_upstream_second *second = &upstream->second;
    const ms_peer peer = second->peer;

    if (second->state != MS_UPSTREAM_SECOND_PARKED || second->address_at != upstream->address_at) {
        return false;
    }
    second->peer = MS_PEER_NONE;
    ms_upstream_drop_second(upstream);
    upstream->peer = peer;
    return true;
}
