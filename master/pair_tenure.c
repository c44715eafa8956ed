/* The life of the master within: one for each reign. */
#include <stdlib.h>

#include "core/invariant.h"
#include "master/pair_report.h"
#include "master/pair_state.h"

#define PEERS_MIN 64u

bool ms_peers_push(struct ms_peers *peers, ms_peer peer)
{
    if (peers->count == peers->capacity) {
        const uint32_t capacity = peers->capacity > 0 ? 2 * peers->capacity : PEERS_MIN;
        ms_peer *larger = realloc(peers->peers, capacity * sizeof *larger);

        if (larger == NULL) {
            return false;
        }
        peers->peers = larger;
        peers->capacity = capacity;
    }
    peers->peers[peers->count++] = peer;
    return true;
}

void ms_peers_drop(struct ms_peers *peers, ms_peer peer)
{
    for (uint32_t i = 0; i < peers->count; i++) {
        if (peers->peers[i] == peer) {
            peers->peers[i] = peers->peers[--peers->count];
            return;
        }
    }
}

/* Without memory for a master this half is of no use to anybody. */
static void give_up(struct ms_pair *pair, enum ms_error error)
{
    pair->life = MS_PAIR_ENDED;
    ms_engine_emit(&pair->engine, &(struct ms_effect){.type = MS_EFFECT_STOPPED, .error = error});
}

void ms_pair_fail(struct ms_pair *pair, ms_time now, enum ms_error error)
{
    ms_council_failed(pair->council, now);
    if (pair->master != NULL) {
        pair->life = MS_PAIR_ENDED; /* as the master says: whichever record it was */
        ms_pair_step_master(pair, now,
                            &(struct ms_event){.type = MS_EVENT_PERSISTED, .error = error});
    } else if (pair->life != MS_PAIR_ENDED) {
        give_up(pair, error);
    }
}

void ms_pair_room(struct ms_pair *pair, ms_time now, uint64_t room)
{
    const struct ms_master_config *config = &pair->config.master;
    const uint64_t reserve =
        config->limits.store_reserve > 0 ? config->limits.store_reserve : MS_STORE_RESERVE_DEFAULT;

    pair->room = room;
    pair->has_room_news = true;
    ms_council_room(pair->council, now, room,
                    reserve +
                        (config->payload_max > 0 ? config->payload_max : MS_PAYLOAD_MAX_DEFAULT));
}

/* One after the other: what comes of one that was begun for an earlier tenure is nobody's. The store that is read is the own one. */
static void replay(struct ms_pair *pair)
{
    if (pair->replay == MS_READING_NONE && ms_follower_restore(pair->follower)) {
        pair->replay = MS_READING_ON;
        ms_engine_emit(&pair->engine, &(struct ms_effect){.type = MS_EFFECT_REPLAY});
    }
}

/* Whoever was in S until the active was given up by a vote, or handed over, knows of all that it handed out: no COMMAND left before this half
 * had its lease. Without a vote the other one may still be handing out, and by force one begins that was not in S. */
static bool knows_hands(const struct ms_pair *pair, const struct ms_decision *decision)
{
    const bool is_voted = decision->kind == MS_DECISION_HANDOVER ||
                          (decision->kind == MS_DECISION_SOLO &&
                           ms_council_failover(pair->council) != MS_FAILOVER_EVIDENCE);

    return is_voted && ms_pair_knows_hands(pair) && ms_follower_knows_hands(pair->follower);
}

/* A master is made; what the store has is its state. */
static void begin(struct ms_pair *pair, const struct ms_decision *decision)
{
    struct ms_master_config config = pair->config.master;

    config.epoch = decision->epoch;
    config.seed = ms_rng_next(&pair->rng);
    config.knows_hands = knows_hands(pair, decision);
    config.writes_no_hands = !ms_pair_knows_hands(pair);
    pair->master = ms_master_create(&config);
    if (pair->master == NULL ||
        !ms_master_set_routes(pair->master, pair->engine.now, &pair->routes)) {
        ms_master_destroy(pair->master);
        pair->master = NULL;
        give_up(pair, MS_E_NO_MEMORY);
        return;
    }
    ms_master_engine(pair->master)->trace = pair->config.trace;
    pair->master->half = (struct ms_half){.tell = ms_pair_tell, .context = pair};
    pair->master->may_lack =
        decision->kind != MS_DECISION_HANDOVER && decision->kind != MS_DECISION_BOOTSTRAP;
    ms_engine_nest(ms_master_engine(pair->master), &pair->engine, MS_PAIR_RESERVE);
    pair->has_lost_answers = false; /* they were of another reign */
    pair->tenure = MS_TENURE_READING;
    pair->reign = decision->epoch;
    pair->led = ms_pair_led(decision->epoch);
    pair->unmerged = 0; /* its store was not set aside: it is what is served now */
    ms_follower_keep(pair->follower, MS_ASIDE_MERGED);
    pair->followed = 0;
    pair->followed_on = MS_PEER_NONE;
    pair->wants_go_on = false;
    ms_follower_leave(pair->follower);
    ms_suffix_leave(pair->suffix);
    replay(pair);
}

void ms_pair_serve(struct ms_pair *pair, const struct ms_decision *decision)
{
    const bool is_new = decision->epoch != pair->epoch;

    pair->is_pair = ms_decision_is_pair(decision);
    pair->epoch = decision->epoch;
    switch (pair->tenure) {
    case MS_TENURE_NONE:
        if (pair->life ==
            MS_PAIR_RUNS) { /* else the tenure was over before this came, and its epoch is spent */
            begin(pair, decision);
        }
        break;
    case MS_TENURE_READING_PAUSED:
        pair->tenure = MS_TENURE_READING;
        break;
    case MS_TENURE_READING:
        break;
    case MS_TENURE_PAUSED:
    case MS_TENURE_ON:
        if (is_new) { /* else the peer has come back */
            ms_master_set_epoch(pair->master, decision->epoch);
            ms_mirror_serve(pair->mirror, decision->epoch, pair->is_pair);
        }
        ms_pair_resume(pair);
        break;
    }
}

void ms_pair_pause(struct ms_pair *pair)
{
    if (pair->tenure == MS_TENURE_READING) {
        pair->tenure = MS_TENURE_READING_PAUSED;
    } else if (pair->tenure == MS_TENURE_ON) {
        pair->tenure = MS_TENURE_PAUSED;
        ms_engine_emit(&pair->engine, &(struct ms_effect){.type = MS_EFFECT_PAUSE});
    }
}

void ms_pair_resume(struct ms_pair *pair)
{
    if (pair->tenure != MS_TENURE_PAUSED) {
        return;
    }
    pair->tenure = MS_TENURE_ON;
    if (pair->has_lost_answers) {
        pair->has_lost_answers = false;
        ms_sources_reopen(pair->master);
    }
    ms_engine_emit(&pair->engine, &(struct ms_effect){.type = MS_EFFECT_RESUME});
}

/* Everybody who was connected to it has to go. */
static void dismiss(struct ms_pair *pair)
{
    uint32_t cursor = 0;
    ms_peer peer;

    while ((peer = ms_master_next_peer(pair->master, &cursor)) != MS_PEER_NONE) {
        ms_greeters_drop(&pair->greeters, peer);
        ms_peers_push(&pair->leaving, peer);
    }
    while (pair->gone.count > 0) { /* closed already, or of the pair */
        ms_peers_drop(&pair->leaving, pair->gone.peers[--pair->gone.count]);
    }
}

void ms_pair_stop(struct ms_pair *pair, const struct ms_decision *decision)
{
    const bool is_handed_over = decision != NULL && decision->kind == MS_DECISION_HANDOVER;

    if (pair->tenure == MS_TENURE_NONE) {
        return;
    }
    ms_pair_pause(pair); /* until the last of them has gone */
    dismiss(pair);
    pair->is_dismissing = true;
    ms_pair_refuse_asked(pair);
    ms_mirror_end(pair->mirror);
    ms_pair_forget_merge(pair);
    ms_reconcile_add(&pair->merged, &pair->master->reconcile.totals);
    ms_master_destroy(pair->master);
    pair->master = NULL;
    pair->tenure = MS_TENURE_NONE;
    pair->replay = ms_reading_void(pair->replay);
    pair->told = 0;
    if (is_handed_over) {
        pair->led = ms_pair_led(0);
        ms_follower_place(pair->follower, decision->epoch, 0);
    } else {
        ms_follower_place(pair->follower, 0, 0);
    }
}

void ms_pair_leave(struct ms_pair *pair)
{
    struct ms_peers *leaving = &pair->leaving;

    for (uint32_t i = 0; i < MS_PAIR_LEAVE_BURST && leaving->count > 0; i++) {
        if (ms_engine_room(&pair->engine) < MS_PAIR_RESERVE) {
            return;
        }
        ms_pair_send_away(pair, leaving->peers[--leaving->count]);
    }
    if (pair->is_dismissing && leaving->count == 0) {
        pair->is_dismissing = false;
        if (pair->tenure != MS_TENURE_PAUSED) {
            ms_engine_emit(&pair->engine, &(struct ms_effect){.type = MS_EFFECT_RESUME});
        }
    }
}

/* Everything is in the master, which begins to write with the next record. */
static void replayed_all(struct ms_pair *pair)
{
    pair->told = ms_master_last_record(pair->master);
    ms_mirror_begin(pair->mirror, pair->reign, pair->told);
    ms_mirror_serve(pair->mirror, pair->reign, pair->is_pair);
    if (pair->links.other != NULL) {
        ms_mirror_connect(pair->mirror, pair->links.other->peer);
    }
    if (pair->asked.is_waiting) {
        ms_mirror_hear(
            pair->mirror, pair->asked.epoch,
            &(struct ms_command){.kind = MS_KIND_FOLLOW_LOG, .token = pair->asked.token});
        pair->asked = (struct ms_asked){0};
    }
    pair->has_room_news = pair->room != UINT64_MAX;
}

void ms_pair_replayed(struct ms_pair *pair, ms_time now, const struct ms_event *event)
{
    const bool is_end = event->command == NULL || event->command->payload.size == 0;
    const bool is_paused = pair->tenure == MS_TENURE_READING_PAUSED;
    const bool is_void = pair->replay == MS_READING_VOID;

    if (is_end) {
        pair->replay = MS_READING_NONE;
    }
    if (is_void && is_end && (is_paused || pair->tenure == MS_TENURE_READING)) {
        replay(pair);
    }
    if (is_void) {
        return;
    }
    if (!is_paused && pair->tenure != MS_TENURE_READING) {
        return; /* the tenure ended before it had begun */
    }
    if (is_end) {
        replayed_all(pair);
    }
    ms_pair_step_master(pair, now, event);
    if (!is_end) {
        return;
    }
    if (pair->epoch > pair->reign) {
        ms_master_set_epoch(pair->master, pair->epoch);
        ms_mirror_serve(pair->mirror, pair->epoch, pair->is_pair);
    }
    pair->tenure = MS_TENURE_ON;
    if (is_paused) {
        ms_pair_pause(pair);
    }
}

void ms_pair_cleared(struct ms_pair *pair, ms_time now, const struct ms_event *event)
{
    const bool was_beside = ms_follower_is_beside(pair->follower);

    ms_follower_cleared(pair->follower, event->count > 0);
    if (pair->durable.is_unmergeable && !was_beside) {
        ms_council_kept(pair->council, now);
    }
    if (pair->tenure == MS_TENURE_READING || pair->tenure == MS_TENURE_READING_PAUSED) {
        replay(pair);
    }
}

bool ms_pair_set_routes(struct ms_pair *pair, ms_time now, const struct ms_routes *routes)
{
    struct ms_routes copy;

    if (!ms_routes_copy(&copy, routes)) {
        return false;
    }
    if (pair->master != NULL && !ms_master_set_routes(pair->master, now, routes)) {
        ms_routes_finish(&copy);
        return false;
    }
    ms_routes_finish(&pair->routes);
    pair->routes = copy;
    ms_council_set_routes(pair->council, ms_routes_digest(&pair->routes));
    return true;
}
