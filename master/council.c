#include "master/council_private.h"

#include <stdlib.h>

#include "core/invariant.h"

static ms_time either(ms_time value, ms_time fallback)
{
    return value > 0 ? value : fallback;
}

struct ms_council *ms_council_create(const struct ms_council_config *config, struct ms_trace trace)
{
    struct ms_council *council = calloc(1, sizeof *council);

    ms_assert(config->record.place < MS_MASTERS);
    ms_assert(config->record.witnesses.count <= MS_WITNESSES_MAX);
    if (council == NULL) {
        return NULL;
    }
    council->config = *config;
    council->record = config->record;
    council->durable = config->record;
    council->heard = config->record.known[ms_council_other(council)];
    council->trace = trace;
    council->times = (struct ms_council_times){
        .beat = either(config->times.beat, MS_PEER_BEAT_DEFAULT),
        .lease = either(config->times.lease, MS_PEER_LEASE_DEFAULT),
        .silent = either(config->times.silent, MS_PEER_SILENT_DEFAULT),
        .vote = either(config->times.vote, MS_VOTE_TIMEOUT),
        .boot = either(config->times.boot, MS_BOOT_WAIT),
        .failback_delay = either(config->times.failback_delay, MS_FAILBACK_DELAY),
    };
    ms_rng_init(&council->rng, config->seed);
    council->started_at = MS_TIME_NEVER;
    council->took_over_at = MS_TIME_NEVER;
    council->wish = config->pinned;
    council->has_wish = config->is_pinned;
    council->asked_at = council->failed_at = council->promote_until = INT64_MIN;
    ms_council_forget_shown(council);
    council->wake = MS_TIME_NEVER;
    for (size_t i = 0; i < MS_NOTICES; i++) {
        council->noticed_at[i] = INT64_MIN;
    }
    return council;
}

void ms_council_destroy(struct ms_council *council)
{
    free(council);
}

void ms_council_start(struct ms_council *council, ms_time now)
{
    ms_assert(council->started_at == MS_TIME_NEVER);
    council->started_at = now;
    ms_council_evaluate(council, now);
}

void ms_council_tick(struct ms_council *council, ms_time now)
{
    ms_council_evaluate(council, now);
}

ms_time ms_council_deadline(const struct ms_council *council)
{
    return council->write == MS_COUNCIL_WRITTEN ? council->wake : MS_TIME_NEVER;
}

void ms_council_asked(struct ms_council *council, ms_time now)
{
    if (council->config.failover == MS_FAILOVER_EVIDENCE) {
        council->asked_at = now;
        ms_council_evaluate(council, now);
    }
}

void ms_council_stored(struct ms_council *council, ms_time now)
{
    if (council->state == MS_COUNCIL_HALTED) {
        return;
    }
    ms_assert(council->write == MS_COUNCIL_WRITING);
    council->write = MS_COUNCIL_WRITTEN;
    council->durable = council->record;
    ms_council_evaluate(council, now);
}

void ms_council_failed(struct ms_council *council, ms_time now)
{
    (void)now;
    if (council->state == MS_COUNCIL_HALTED) {
        return;
    }
    /* What waits for the record must never leave. */
    council->head = 0;
    council->count = 0;
    council->write = MS_COUNCIL_WRITTEN;
    council->mails = 0;
    ms_election_end(&council->election);
    ms_council_stop(council);
    ms_council_change(council, MS_COUNCIL_BREAK);
    ms_council_send_all(council, MS_KIND_FAILED);
}

ms_time ms_council_heard_until(const struct ms_council *council)
{
    const struct ms_council_peer *peer = &council->peer;

    return peer->link == MS_COUNCIL_MET ? peer->answered_at + council->times.lease : 0;
}

bool ms_council_is_heard(const struct ms_council *council, ms_time now)
{
    return now < ms_council_heard_until(council);
}

void ms_council_mirrored(struct ms_council *council, ms_time now, bool is_complete)
{
    council->is_mirrored = is_complete && council->reign != MS_COUNCIL_NO_REIGN &&
                           council->peer.link == MS_COUNCIL_MET;
    ms_council_evaluate(council, now);
}

void ms_council_expel(struct ms_council *council, ms_time now)
{
    if (council->reign != MS_COUNCIL_NO_REIGN && ms_decision_is_pair(&council->tenure)) {
        council->expelled = council->tenure.epoch;
    }
    ms_council_evaluate(council, now);
}

void ms_council_slow(struct ms_council *council, ms_time now, bool is_slow)
{
    council->is_slow = is_slow && council->reign != MS_COUNCIL_NO_REIGN;
    ms_council_evaluate(council, now);
}

bool ms_council_peer_is_fresh(const struct ms_council *council)
{
    return council->peer.link == MS_COUNCIL_MET && council->peer.frame.is_fresh;
}

void ms_council_drained(struct ms_council *council, ms_time now)
{
    council->is_drained = council->state == MS_COUNCIL_DRAIN;
    ms_council_evaluate(council, now);
}

void ms_council_followed(struct ms_council *council, ms_time now, ms_epoch epoch, bool is_complete)
{
    council->followed = epoch;
    council->is_followed_complete = is_complete;
    ms_council_evaluate(council, now);
}

void ms_council_unmergeable(struct ms_council *council, bool is_so)
{
    council->is_unmergeable = is_so;
}

void ms_council_kept(struct ms_council *council, ms_time now)
{
    council->is_kept = true;
    ms_council_evaluate(council, now);
}

bool ms_council_next(struct ms_council *council, struct ms_council_act *act_out)
{
    if (council->count == 0 || council->write == MS_COUNCIL_WRITING) {
        return false;
    }
    *act_out = council->acts[council->head];
    council->head = (council->head + 1) % MS_COUNCIL_ACTS_MAX;
    council->count--;
    if (act_out->type == MS_COUNCIL_STORE) {
        ms_assert(council->write == MS_COUNCIL_TO_WRITE);
        council->write = MS_COUNCIL_WRITING;
    }
    return true;
}

static bool is_peer_missed(const struct ms_council *council, ms_time now)
{
    const struct ms_council_peer *peer = &council->peer;

    return peer->link == MS_COUNCIL_DEAD || peer->link == MS_COUNCIL_LOST ||
           (peer->link == MS_COUNCIL_MET && now >= peer->heard_at + council->times.lease);
}

bool ms_council_is_expectant(const struct ms_council *council, ms_time now)
{
    switch (council->state) {
    case MS_COUNCIL_CANDIDATE:
    case MS_COUNCIL_PAIR: /* decided: the owner hears SERVE when that is durable */
    case MS_COUNCIL_SOLO:
        return true;
    case MS_COUNCIL_PENDING:
    case MS_COUNCIL_SYNC:
        return council->election.phase != MS_ELECTION_NONE ||
               (ms_council_is_eligible(council) && is_peer_missed(council, now));
    case MS_COUNCIL_CATCHUP:
    case MS_COUNCIL_HOLD:
    case MS_COUNCIL_DRAIN:
    case MS_COUNCIL_HALTED:
    case MS_COUNCIL_STATES:
        break;
    }
    return false;
}

bool ms_council_is_silent(const struct ms_council *council, ms_time now)
{
    const struct ms_council_peer *peer = &council->peer;

    return peer->link == MS_COUNCIL_MET && now >= peer->heard_at + council->times.silent;
}

void ms_council_note(struct ms_council *council, ms_time now, enum ms_council_notice notice)
{
    council->noticed_at[notice] = now;
}

/* It came before this half belonged to a cluster, so it was not refused. */
static bool has_foreign_witness(const struct ms_council *council)
{
    const struct ms_uuid *ours = &council->record.voter.cluster;

    for (size_t i = 0; i < MS_COUNCIL_WITNESSES_MAX && !ms_uuid_is_zero(ours); i++) {
        const struct ms_council_witness *witness = &council->witnesses[i];

        if (!ms_uuid_is_zero(&witness->id) && !ms_uuid_is_zero(&witness->cluster) &&
            !ms_uuid_equal(&witness->cluster, ours)) {
            return true;
        }
    }
    return false;
}

/* Who is refused comes again, and is refused again. */
bool ms_council_has_notice(const struct ms_council *council, ms_time now,
                           enum ms_council_notice notice)
{
    const ms_time at = council->noticed_at[notice];

    return (at != INT64_MIN && now - at < MS_NOTICE_KEEP) ||
           (notice == MS_NOTICE_WITNESS_CLUSTER && has_foreign_witness(council)) ||
           (notice == MS_NOTICE_EPOCH_SHOWN && ms_council_has_shown(council, now));
}

enum ms_failover ms_council_failover(const struct ms_council *council)
{
    return council->config.failover;
}

enum ms_council_state ms_council_state(const struct ms_council *council)
{
    return council->state;
}

uint32_t ms_council_taken(const struct ms_council *council, enum ms_council_state state)
{
    ms_assert(state < MS_COUNCIL_STATES);
    return council->taken[state];
}

const struct ms_council_record *ms_council_record(const struct ms_council *council)
{
    return &council->durable;
}
