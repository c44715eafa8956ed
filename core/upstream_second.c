/* The connection beside the one in use. */
#include "core/invariant.h"
#include "core/upstream_private.h"

ms_time ms_upstream_second_deadline(const struct ms_upstream *upstream)
{
    const struct ms_upstream_second *second = &upstream->second;

    if (upstream->addresses_count < 2) {
        return MS_TIME_NEVER;
    }
    if (second->state != MS_UPSTREAM_IDLE) {
        return second->greet_by;
    }
    return upstream->late_at > second->retry_at ? upstream->late_at : second->retry_at;
}

/* The next address but that in use. */
static void turn_second(struct ms_upstream *upstream)
{
    struct ms_upstream_second *second = &upstream->second;

    do {
        second->address_at = (second->address_at + 1) % upstream->addresses_count;
    } while (second->address_at == upstream->address_at);
}

void ms_upstream_drop_second(struct ms_upstream *upstream)
{
    struct ms_upstream_second *second = &upstream->second;

    if (second->peer != MS_PEER_NONE) {
        ms_upstream_close(upstream, second->peer);
    }
    *second = (struct ms_upstream_second){
        .state = MS_UPSTREAM_IDLE, .address_at = upstream->address_at, .backoff = MS_RECONNECT_MIN};
}

void ms_upstream_retry_second(struct ms_upstream *upstream, ms_time now)
{
    struct ms_upstream_second *second = &upstream->second;

    second->state = MS_UPSTREAM_IDLE;
    second->peer = MS_PEER_NONE;
    second->retry_at = now + ms_rng_backoff(upstream->rng, &second->backoff, MS_RECONNECT_MAX);
}

void ms_upstream_tick_second(struct ms_upstream *upstream, ms_time now)
{
    struct ms_upstream_second *second = &upstream->second;

    if (now < ms_upstream_second_deadline(upstream)) {
        return;
    }
    if (second->state != MS_UPSTREAM_IDLE) {
        if (second->peer != MS_PEER_NONE) {
            ms_upstream_close(upstream, second->peer);
        }
        ms_upstream_retry_second(upstream, now);
        return;
    }
    turn_second(upstream);
    second->state = MS_UPSTREAM_CONNECTING;
    second->greet_by = now + MS_RESPONSE_TIMEOUT;
    ms_upstream_dial(upstream, second->address_at);
    second->tag = upstream->tag;
}

bool ms_upstream_is_second(const struct ms_upstream *upstream, const struct ms_event *event)
{
    const struct ms_upstream_second *second = &upstream->second;

    return (second->state == MS_UPSTREAM_CONNECTING && event->tag == second->tag) ||
           (second->peer != MS_PEER_NONE && event->peer == second->peer);
}

void ms_upstream_second_opened(struct ms_upstream *upstream, ms_time now, ms_peer peer)
{
    upstream->second.state = MS_UPSTREAM_GREETING;
    upstream->second.peer = peer;
    upstream->second.greet_by = now + MS_RESPONSE_TIMEOUT;
    ms_upstream_greet(upstream, peer);
}

/* What the other master answers. Once it takes us, the one that is late is left. */
enum ms_upstream_news ms_upstream_hear_second(struct ms_upstream *upstream, ms_time now,
                                              const struct ms_event *event)
{
    struct ms_upstream_second *second = &upstream->second;
    const struct ms_command *command = event->command;

    if (command->kind != MS_KIND_WELCOME || event->epoch < upstream->epoch) {
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
    ms_upstream_drop_second(upstream);
    return ms_upstream_welcomed(upstream, now, command->body.welcome) == MS_UPSTREAM_WELCOMED
               ? MS_UPSTREAM_MOVED
               : MS_UPSTREAM_LOST;
}
