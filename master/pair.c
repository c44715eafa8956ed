#include "master/pair.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "core/text.h"
#include "master/pair_state.h"
#include "master/pair_stuck.h"
#include "master/recovery.h"
#include "master/sessions.h"
#include "proto/record.h"

#define STOP_TIMEOUT                                                                               \
    (5 * MS_SEC) /* for the other half to take over from one that is told to stop */

#define LINK_SILENCE 4 /* times that after which the other half is silent: the connection is dead */

static struct ms_pair *pair_of(struct ms_engine *engine)
{
    return ms_container_of(engine, struct ms_pair, engine);
}

/* What the other half knows of what is handed out. */
static void tell_known(struct ms_pair *pair)
{
    pair->master->journal.known = ms_mirror_known(pair->mirror);
}

void ms_pair_step_master(struct ms_pair *pair, ms_time now, const struct ms_event *event)
{
    const struct ms_effect *persist;

    ms_assert(pair->master != NULL && !pair->is_stepped);
    pair->is_stepped = true;
    tell_known(pair);
    ms_engine_step(ms_master_engine(pair->master), now, event);
    persist = ms_engine_last_persist(&pair->engine);
    if (persist !=
        NULL) { /* all of it leaves for the other half, and the digest is of what is sealed */
        ms_record_seal((uint8_t *)(uintptr_t)persist->command.payload.data,
                       persist->command.payload.size);
        ms_mirror_append(pair->mirror, persist->seq, persist->command.payload);
        if (ms_journal_has_leaving(&pair->master->journal)) {
            ms_mirror_hasten(pair->mirror);
        }
    }
    ms_mirror_settle(pair->mirror, ms_recovery_is_settled(pair->master));
}

/* --- events --- */

/* As far as is known here, the other half is active, and can be spoken to. No epoch goes with that: who has heard of one gives up a
 * connection on which frames of the one before are still on their way, and those may be of the same reign. */
static bool knows_better(const struct ms_pair *pair)
{
    const struct ms_decision *accepted = &ms_council_record(pair->council)->voter.accepted;

    return pair->tenure == MS_TENURE_NONE && pair->links.other != NULL &&
           pair->other_reached[0] != '\0' && accepted->kind != MS_DECISION_NONE &&
           accepted->active != pair->durable.place;
}

void ms_pair_send_away(struct ms_pair *pair, ms_peer peer)
{
    const char *detail = knows_better(pair) ? pair->other_reached : ms_error_text(MS_E_NOT_ACTIVE);

    ms_engine_send(&pair->engine, peer, 0,
                   &(struct ms_command){.kind = MS_KIND_ERROR,
                                        .error = MS_E_NOT_ACTIVE,
                                        .detail = ms_bytes_of(detail)});
    ms_engine_emit(&pair->engine, &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = peer});
}

/* A session of ours, by its token: no stranger, who may have his epoch from anywhere. */
static bool is_own(const struct ms_pair *pair, const struct ms_event *event)
{
    return pair->master != NULL && ms_sessions_is_own(pair->master, event->command->body.hello);
}

/* The first word of a slave or client. It may have heard of an epoch that is not known here. */
static bool is_welcome(struct ms_pair *pair, ms_time now, const struct ms_event *event)
{
    if (event->command->kind != MS_KIND_HELLO) {
        return pair->tenure == MS_TENURE_ON;
    }
    if (event->command->body.hello->epoch > ms_council_record(pair->council)->voter.promised) {
        ms_council_outdone(pair->council, now, event->command->body.hello, is_own(pair, event));
    } else if (pair->tenure != MS_TENURE_ON) {
        ms_council_asked(pair->council, now);
    }
    return ms_pair_serves(pair) && ms_master_knows(pair->master, event->peer);
}

static void received(struct ms_pair *pair, ms_time now, const struct ms_event *event)
{
    struct ms_uuid nonce;

    if (!ms_pair_admits(pair, event)) {
        return;
    }
    if (event->command->kind != MS_KIND_HELLO) {
        ms_greeters_take_newcomer(&pair->greeters, event->peer, &nonce);
    }
    if (ms_greeters_drop(&pair->greeters, event->peer)) { /* it has not waited for its answer */
        ms_pair_refuse_greeter(pair, event->peer);
    } else if (event->command->kind >= MS_KIND_PEER_HELLO ||
               ms_pair_links_find(&pair->links, event->peer) != NULL) {
        ms_pair_receive(pair, now, event);
    } else if (is_welcome(pair, now, event)) {
        ms_pair_step_master(pair, now, event);
    } else if (event->command->kind == MS_KIND_HELLO && ms_pair_hold_greeter(pair, now, event)) {
        ms_trace(&pair->engine.trace, MS_LEVEL_DEBUG, "greeted before we serve", "name=%s",
                 event->command->body.hello->name);
    } else if (pair->tenure != MS_TENURE_NONE && ms_master_knows(pair->master, event->peer)) {
        /* It greets in a pause, or the pause began with this very step: it comes again, and loses nothing. */
        ms_peers_push(&pair->gone, event->peer);
        ms_pair_send_away(pair, event->peer);
    } else if (event->command->kind == MS_KIND_HELLO) {
        ms_pair_send_away(pair, event->peer);
    }
}

static void opened(struct ms_pair *pair, ms_time now, const struct ms_event *event)
{
    if (event->tag != 0) {
        struct ms_pair_link *link = ms_pair_links_opened(&pair->links, now, event);

        if (link != NULL) {
            ms_pair_greet(pair, link);
        }
    } else if (pair->tenure == MS_TENURE_ON && pair->gone.count == 0) {
        ms_pair_step_master(pair, now, event);
    } else if (ms_greeters_opened(&pair->greeters, event->peer, &event->nonce) &&
               pair->tenure == MS_TENURE_NONE && !event->is_apart) {
        /* It may be parked here, to greet when its master is lost: it costs little, and shows nothing until then. */
        ms_engine_emit(&pair->engine,
                       &(struct ms_effect){.type = MS_EFFECT_KEEP, .peer = event->peer});
    }
}

static void persisted(struct ms_pair *pair, ms_time now, const struct ms_event *event)
{
    if (event->error != MS_E_OK) {
        ms_pair_fail(pair, now, event->error);
        return;
    }
    /* What was written as a follower is on the disk before it is read back. */
    if (pair->tenure == MS_TENURE_ON || pair->tenure == MS_TENURE_PAUSED) {
        ms_mirror_persisted(pair->mirror, event->seq);
    } else if (pair->tenure == MS_TENURE_NONE) {
        ms_follower_persisted(pair->follower, event->seq);
    }
}

/* The active of a pair hands over before it ends; who is alone finishes what runs; who is passive just goes. */
void ms_pair_hear_stop(struct ms_pair *pair, ms_time now, const struct ms_event *event)
{
    struct ms_complaint complaint;

    if (pair->life == MS_PAIR_RUNS && pair->tenure != MS_TENURE_NONE &&
        pair->writing.state != MS_PAIR_WRITTEN && !pair->writing.has_stop) {
        pair->writing.has_stop = true; /* it may be about to be one of a pair */
        return;
    }
    if (pair->life == MS_PAIR_RUNS && pair->tenure != MS_TENURE_NONE &&
        ms_council_order(pair->council, now, MS_ORDER_SWITCHOVER, &complaint) == MS_E_OK) {
        pair->life = MS_PAIR_ENDING;
        pair->stop_by = now + STOP_TIMEOUT;
        return;
    }
    pair->life = pair->life == MS_PAIR_ENDED ? MS_PAIR_ENDED : MS_PAIR_ENDING;
    pair->stop_by = MS_TIME_NEVER;
    if (pair->tenure == MS_TENURE_PAUSED) { /* nothing can be said to anybody any more */
        ms_pair_stop(pair, NULL);
    } else if (pair->tenure == MS_TENURE_ON) {
        ms_pair_step_master(pair, now, event);
    } else if (pair->tenure != MS_TENURE_NONE) {
        pair->stop_by = now; /* as soon as all is read */
    }
}

/* There is one reader at a time. */
static void scanned(struct ms_pair *pair, const struct ms_event *event)
{
    if (ms_suffix_is_scanning(pair->suffix)) {
        ms_suffix_scanned(pair->suffix, event);
    } else if (ms_follower_is_reading(pair->follower)) {
        ms_follower_scanned(pair->follower, event);
    } else {
        ms_mirror_scanned(pair->mirror, event);
    }
}

static void hear_store(struct ms_pair *pair, ms_time now, const struct ms_event *event)
{
    switch (event->type) {
    case MS_EVENT_PERSISTED:
        persisted(pair, now, event);
        break;
    case MS_EVENT_STORED:
        ms_pair_stored(pair, now, event);
        break;
    case MS_EVENT_REPLAYED:
        ms_pair_replayed(pair, now, event);
        break;
    case MS_EVENT_SCANNED:
        scanned(pair, event);
        break;
    case MS_EVENT_CLEARED:
        if (event->error != MS_E_OK) {
            persisted(pair, now, event);
        } else {
            ms_pair_cleared(pair, now, event);
        }
        break;
    case MS_EVENT_ROOM:
        ms_pair_room(pair, now, event->count);
        break;
    default:
        break;
    }
}

static void hear(struct ms_pair *pair, ms_time now, const struct ms_event *event)
{
    switch (event->type) {
    case MS_EVENT_TICK:
        break;
    case MS_EVENT_RECEIVED:
        received(pair, now, event);
        break;
    case MS_EVENT_ARRIVING:
        ms_pair_arriving(pair, now, event->peer);
        break;
    case MS_EVENT_PEER_OPENED:
        opened(pair, now, event);
        break;
    case MS_EVENT_PEER_CLOSED:
        ms_pair_closed(pair, now, event);
        break;
    case MS_EVENT_STOP:
        ms_pair_hear_stop(pair, now, event);
        break;
    case MS_EVENT_PRODUCED:
    case MS_EVENT_TOLD:
    case MS_EVENT_RELOAD:
        pair->has_lost_answers |= pair->tenure != MS_TENURE_ON; /* it pauses, and hears no more */
        if (pair->tenure == MS_TENURE_ON) {
            ms_pair_step_master(pair, now, event);
        }
        break;
    default:
        hear_store(pair, now, event);
        break;
    }
}

/* --- steps --- */

/* More is durable on every member of S than the master was told. */
static bool has_progress(const struct ms_pair *pair)
{
    return ms_mirror_covered(pair->mirror) > pair->told ||
           ms_mirror_copies(pair->mirror) != pair->copies_told;
}

/* The one step of the master that this step of the pair has not used yet. */
static void go_on(struct ms_pair *pair, ms_time now)
{
    const struct ms_engine *engine = ms_master_engine(pair->master);

    if (pair->gone.count > 0) {
        ms_pair_step_master(pair, now,
                            &(struct ms_event){.type = MS_EVENT_PEER_CLOSED,
                                               .peer = pair->gone.peers[--pair->gone.count],
                                               .error = MS_E_CLOSED});
    } else if (has_progress(pair)) {
        pair->told = ms_mirror_covered(pair->mirror);
        pair->copies_told = ms_mirror_copies(pair->mirror);
        ms_pair_step_master(pair, now,
                            &(struct ms_event){.type = MS_EVENT_PERSISTED,
                                               .seq = pair->told,
                                               .count = pair->copies_told});
    } else if (pair->has_room_news) {
        pair->has_room_news = false;
        ms_pair_step_master(pair, now,
                            &(struct ms_event){.type = MS_EVENT_ROOM, .count = pair->room});
    } else if (ms_pair_serves(pair) && pair->greeters.count > 0) {
        ms_pair_welcome_greeter(pair, now);
    } else if (ms_engine_deadline(engine) <= now) {
        ms_pair_step_master(pair, now, &(struct ms_event){.type = MS_EVENT_TICK});
    }
}

static bool is_paused(const struct ms_pair *pair)
{
    return pair->tenure == MS_TENURE_PAUSED || pair->tenure == MS_TENURE_READING_PAUSED;
}

/* Nobody has taken over, and nobody will: the other one is lost, or has not everything. Who goes on alone now would acknowledge what
 * the other one does not have, a moment before both are down. */
static bool is_handover_over(const struct ms_pair *pair, ms_time now)
{
    const enum ms_council_state state = ms_council_state(pair->council);

    return pair->stop_by != MS_TIME_NEVER &&
           (now >= pair->stop_by || (state != MS_COUNCIL_DRAIN && state != MS_COUNCIL_CANDIDATE));
}

/* One that was told to stop goes when nothing is left to do for it. */
static void end(struct ms_pair *pair, ms_time now)
{
    if (pair->life != MS_PAIR_ENDING) {
        return;
    }
    if (is_handover_over(pair, now) && is_paused(pair)) {
        pair->stop_by = MS_TIME_NEVER;
        ms_pair_stop(pair, NULL);
    }
    if (pair->tenure == MS_TENURE_NONE && pair->leaving.count == 0 &&
        pair->writing.state == MS_PAIR_WRITTEN) {
        pair->life = MS_PAIR_ENDED;
        ms_engine_emit(&pair->engine, &(struct ms_effect){.type = MS_EFFECT_STOPPED});
    } else if (is_handover_over(pair, now) && pair->tenure == MS_TENURE_ON && !pair->is_stepped) {
        pair->stop_by = MS_TIME_NEVER;
        ms_pair_step_master(pair, now, &(struct ms_event){.type = MS_EVENT_STOP});
    }
}

/* What is left to be said, or to be read: whoever reads the store waits until nobody else does. True: more could be done at once.
 * The log leaves with the TICK that asks for: then all input of this turn was heard. */
static bool pump(struct ms_pair *pair, const struct ms_event *event)
{
    bool has_more = false;

    if (!ms_suffix_is_scanning(pair->suffix) && !ms_follower_is_reading(pair->follower)) {
        has_more = ms_mirror_pump(pair->mirror, event->type == MS_EVENT_TICK);
    }
    if (pair->tenure != MS_TENURE_NONE) {
        return has_more;
    }
    has_more = ms_follower_pump(pair->follower) || has_more;
    if (!ms_suffix_is_scanning(pair->suffix) && !ms_mirror_is_scanning(pair->mirror)) {
        has_more = ms_follower_read(pair->follower) || has_more;
    }
    return ms_suffix_pump(pair->suffix, !ms_mirror_is_scanning(pair->mirror) &&
                                            !ms_follower_is_reading(pair->follower)) ||
           has_more;
}

static void begin(struct ms_pair *pair, ms_time now)
{
    pair->life = MS_PAIR_RUNS;
    pair->links.dial_at = now;
    ms_council_start(pair->council, now);
    ms_pair_act(pair);
}

static void step(struct ms_engine *engine, ms_time now, const struct ms_event *event)
{
    struct ms_pair *pair = pair_of(engine);

    pair->is_stepped = false;
    pair->frames_count = 0;
    if (pair->life == MS_PAIR_NEW) {
        begin(pair, now);
    }
    if (event->type == MS_EVENT_PEER_CLOSED || event->type == MS_EVENT_RECEIVED) {
        ms_peers_drop(&pair->leaving, event->peer); /* it goes by itself, or is answered now */
    }
    if (event->type == MS_EVENT_PEER_CLOSED) { /* nothing is said to it any more */
        hear(pair, now, event);
    }
    /* Silence counts before anything that the silent one's clients have to say. */
    if (ms_council_deadline(pair->council) <= now) {
        ms_council_tick(pair->council, now);
        ms_pair_act(pair);
    }
    ms_pair_watch_write(pair, now);
    if (event->type != MS_EVENT_PEER_CLOSED) {
        hear(pair, now, event);
    }
    ms_pair_drop_silent(pair, now);
    ms_pair_links_tick(&pair->links, now);
    ms_pair_act(pair);
    ms_pair_compare(pair, now);
    ms_pair_listen(pair, now);
    ms_pair_act(pair);
    ms_pair_tend_greeters(pair, now);
    ms_pair_leave(pair);
    if (pair->tenure == MS_TENURE_ON && !pair->is_stepped) {
        tell_known(pair);
        if (!ms_pair_gives_way(pair, now)) {
            go_on(pair, now);
        }
    }
    pair->has_more = pump(pair, event);
    end(pair, now);
}

static ms_time earlier(ms_time a, ms_time b)
{
    return a < b ? a : b;
}

static ms_time deadline(const struct ms_engine *engine)
{
    const struct ms_pair *pair = (const struct ms_pair *)(const void *)engine;
    ms_time at;

    if (pair->life == MS_PAIR_NEW || pair->has_more || pair->is_dismissing ||
        pair->leaving.count > 0 || (ms_pair_serves(pair) && pair->greeters.count > 0) ||
        (pair->tenure == MS_TENURE_ON &&
         (has_progress(pair) || pair->has_room_news || pair->gone.count > 0))) {
        return engine->now;
    }
    if (pair->life == MS_PAIR_ENDED) {
        return MS_TIME_NEVER;
    }
    at = earlier(ms_council_deadline(pair->council), ms_pair_links_deadline(&pair->links));
    at = earlier(at, ms_greeters_deadline(&pair->greeters));
    at = earlier(at, ms_pair_write_deadline(pair));
    at = earlier(at, pair->followed > 0 ? pair->follow_at : MS_TIME_NEVER);
    at = earlier(at,
                 pair->tenure == MS_TENURE_ON || is_paused(pair) ? pair->stop_by : MS_TIME_NEVER);
    if (pair->tenure == MS_TENURE_ON) {
        at = earlier(at, ms_engine_deadline(ms_master_engine(pair->master)));
    }
    return at;
}

static const struct ms_engine_ops ops = {.name = "pair", .step = step, .deadline = deadline};

/* --- birth and death --- */

struct ms_pair *ms_pair_create(const struct ms_pair_config *config)
{
    struct ms_pair *pair = calloc(1, sizeof *pair);
    const struct ms_council_record *record = &config->council.record;

    if (pair == NULL) {
        return NULL;
    }
    pair->config = *config;
    pair->durable = *record;
    ms_text_copy_name(pair->name, config->master.name);
    ms_text_copy_name(pair->build, config->master.build);
    pair->config.master.name = pair->name;
    pair->config.master.build = pair->build;
    pair->config.master.is_durable = true;
    pair->config.master.is_paired = true;
    pair->room = UINT64_MAX;
    pair->follow_at = MS_TIME_NEVER;
    pair->stop_by = MS_TIME_NEVER;
    ms_rng_init(&pair->rng, config->council.seed);
    /* What was served and not handed over may have a suffix that nobody else has. */
    pair->led = ms_pair_led(record->unmerged);
    if (record->served > 0 && record->voter.accepted.active == record->place) {
        pair->led = ms_pair_led(record->served); /* a record of an older program does not tell */
    }
    if (!ms_engine_init(&pair->engine, &ops) ||
        (pair->council = ms_council_create(&config->council, config->trace)) == NULL ||
        (pair->mirror = ms_mirror_create(&pair->engine)) == NULL ||
        (pair->follower = ms_follower_create(&pair->engine)) == NULL ||
        (pair->suffix = ms_suffix_create(&pair->engine)) == NULL ||
        (pair->page = calloc(1, sizeof *pair->page)) == NULL) {
        ms_pair_destroy(pair);
        return NULL;
    }
    ms_pair_keep_as(pair);
    ms_pair_links_init(&pair->links, &pair->engine, &pair->rng, record->place, config->peer);
    pair->links.silent =
        LINK_SILENCE *
        (config->council.times.silent > 0 ? config->council.times.silent : MS_PEER_SILENT_DEFAULT);
    return pair;
}

void ms_pair_destroy(struct ms_pair *pair)
{
    if (pair == NULL) {
        return;
    }
    ms_master_destroy(pair->master);
    ms_follower_destroy(pair->follower);
    ms_suffix_destroy(pair->suffix);
    ms_pieces_finish(&pair->merge.pieces);
    ms_mirror_destroy(pair->mirror);
    ms_council_destroy(pair->council);
    ms_engine_finish(&pair->engine);
    ms_routes_finish(&pair->routes);
    free(pair->page);
    ms_greeters_finish(&pair->greeters);
    free(pair->leaving.peers);
    free(pair->gone.peers);
    free(pair);
}

struct ms_engine *ms_pair_engine(struct ms_pair *pair)
{
    return &pair->engine;
}

void ms_pair_set_wall(struct ms_pair *pair, int64_t wall_offset)
{
    pair->config.master.wall_offset = wall_offset;
    if (pair->master != NULL) {
        ms_master_set_wall(pair->master, wall_offset);
    }
}

void ms_pair_set_asides(struct ms_pair *pair, const uint32_t counts[static MS_ASIDES])
{
    memcpy(pair->asides, counts, sizeof pair->asides);
    if (counts[MS_ASIDE_UNMERGED] > 0) {
        pair->unmerged = 0; /* it is one of them */
    }
}

void ms_pair_reconfigure(struct ms_pair *pair, const struct ms_master_config *config)
{
    struct ms_master_config next = *config;

    next.name = pair->name;
    next.build = pair->build;
    next.wall_offset = pair->config.master.wall_offset;
    next.epoch = 1;
    next.is_durable = true;
    next.is_paired = true;
    next.seed = pair->config.master.seed;
    next.sources = pair->config.master.sources;
    next.sources_count = pair->config.master.sources_count;
    pair->config.master = next;
    if (pair->master != NULL) {
        ms_master_reconfigure(pair->master, &next);
    }
}

struct ms_master *ms_pair_master(struct ms_pair *pair)
{
    return pair->master;
}

const struct ms_council *ms_pair_council(const struct ms_pair *pair)
{
    return pair->council;
}

void ms_pair_stats(const struct ms_pair *pair, struct ms_pair_stats *stats_out)
{
    const struct ms_council_record *record = ms_council_record(pair->council);
    struct ms_mirror_stats mirror;

    ms_mirror_stats(pair->mirror, &mirror);
    *stats_out = (struct ms_pair_stats){
        .state = pair->writing.state == MS_PAIR_WRITTEN ? ms_council_state(pair->council)
                                                        : (enum ms_council_state)pair->writing.told,
        .epoch = record->voter.accepted.epoch,
        .promised = record->voter.promised,
        .served = record->served,
        .reign = pair->reign,
        .place = record->place,
        .active = record->voter.accepted.active,
        .copies = pair->tenure != MS_TENURE_NONE ? ms_mirror_copies(pair->mirror) : 0,
        .is_pair = pair->is_pair,
        .is_paused = pair->tenure == MS_TENURE_PAUSED,
        .has_peer = pair->links.other != NULL,
        .witnesses_count = record->witnesses.count,
        .lag_bytes = mirror.lag_bytes,
        .copies_total = mirror.copies_total,
        .catchups_total = mirror.catchups_total,
        .resumes_total = mirror.resumes_total,
        .is_slow = mirror.is_slow,
        .slow_total = mirror.slow_total,
        .differences_total = mirror.differences_total,
        .durable = mirror.durable,
        .covered = mirror.covered,
        .merged = pair->merged,
        .is_merging = ms_pair_merge_is_on(&pair->merge) || ms_suffix_is_offering(pair->suffix),
        .room = ms_council_own_room(pair->council),
        .is_stuck = ms_pair_is_silent(pair),
        .peer_room = ms_council_peer_room(pair->council),
        .refused = pair->unmerged,
        .divergent = pair->asides[MS_ASIDE_MERGED] + pair->asides[MS_ASIDE_UNMERGED],
        .unmerged = pair->asides[MS_ASIDE_UNMERGED],
        .merges_known_total = pair->merges_known_total,
    };
    if (pair->master != NULL) {
        ms_reconcile_add(&stats_out->merged, &pair->master->reconcile.totals);
    }
    for (uint32_t i = 0; i < record->witnesses.count; i++) {
        stats_out->witnesses_connected +=
            ms_council_has_witness(pair->council, &record->witnesses.ids[i]);
    }
}
