#include "master/mirror_private.h"

#include <stdlib.h>

#include "core/invariant.h"

struct ms_mirror *ms_mirror_create(struct ms_engine *engine)
{
    struct ms_mirror *mirror = calloc(1, sizeof *mirror);

    if (mirror != NULL) {
        mirror->engine = engine;
        ms_pace_init(&mirror->pace);
    }
    return mirror;
}

void ms_mirror_destroy(struct ms_mirror *mirror)
{
    if (mirror == NULL) {
        return;
    }
    ms_backlog_finish(&mirror->backlog);
    free(mirror->copy.bytes);
    free(mirror);
}

/* It may take over, or soon: what is promised, and handed out, waits for it. */
static bool is_heeded(const struct ms_mirror *mirror)
{
    return mirror->is_pair || mirror->is_waiting;
}

static void cover(struct ms_mirror *mirror)
{
    ms_seq covered = mirror->persisted;

    if (is_heeded(mirror) && mirror->peer.confirmed < covered) {
        covered = mirror->peer.confirmed;
    }
    if (covered > mirror->covered) {
        mirror->covered = covered;
    }
    ms_assert(mirror->covered <= mirror->persisted);
}

void ms_mirror_interrupt(struct ms_mirror *mirror, enum ms_mirror_phase phase)
{
    struct ms_mirror_copy *copy = &mirror->copy;

    mirror->phase = phase;
    mirror->scan = ms_reading_void(mirror->scan);
    mirror->growing = 0;
    mirror->peer =
        (struct ms_mirror_peer){.name = mirror->peer.name, .questions = mirror->peer.questions};
    copy->size = copy->sent = 0;
    copy->head = copy->count = 0;
    copy->unstored = 0;
    copy->is_read = false;
}

void ms_mirror_begin(struct ms_mirror *mirror, ms_epoch reign, ms_seq last)
{
    ms_assert(reign > 0 && mirror->reign == 0);
    ms_mirror_enter(mirror);
    ms_mirror_interrupt(mirror, mirror->peer.questions > 0 ? MS_MIRROR_REFUSING : MS_MIRROR_SILENT);
    ms_backlog_begin(&mirror->backlog, reign, last);
    mirror->reign = mirror->epoch = reign;
    mirror->persisted = mirror->covered = last;
    mirror->whole = mirror->backlog.tip;
    mirror->is_pair = mirror->is_waiting = mirror->needs_copy = mirror->is_settled = false;
    mirror->hasty = mirror->unheeded = 0;
}

void ms_mirror_serve(struct ms_mirror *mirror, ms_epoch epoch, bool is_pair)
{
    ms_assert(mirror->reign > 0 && epoch >= mirror->epoch);
    ms_mirror_enter(mirror);
    if (epoch > mirror->epoch) {
        mirror->peer.confirmed = 0; /* until it is said again */
    }
    mirror->epoch = epoch;
    mirror->is_pair = is_pair;
    mirror->is_waiting = mirror->is_waiting && !is_pair;
    cover(mirror);
}

/* The next reign judges anew; what was counted stays. */
static void forget_pace(struct ms_mirror *mirror)
{
    const uint64_t slow_total = mirror->pace.slow_total;

    ms_pace_init(&mirror->pace);
    mirror->pace.slow_total = slow_total;
}

void ms_mirror_end(struct ms_mirror *mirror)
{
    ms_mirror_enter(mirror);
    ms_mirror_interrupt(mirror, mirror->peer.questions > 0 ? MS_MIRROR_REFUSING : MS_MIRROR_SILENT);
    ms_backlog_begin(&mirror->backlog, mirror->reign, 0);
    mirror->reign = 0;
    mirror->is_pair = mirror->is_waiting = mirror->needs_copy = false;
    mirror->copy.tries = 0;
    forget_pace(mirror);
    mirror->own = mirror->there = (struct ms_silence){0};
}

/* From which batch on the backlog is needed, whatever its size. */
static uint64_t needed(const struct ms_mirror *mirror)
{
    switch (mirror->phase) {
    case MS_MIRROR_CLEARING:
    case MS_MIRROR_LISTING:
    case MS_MIRROR_COPYING:
        return mirror->copy.start.number;
    case MS_MIRROR_ASKED:
        return mirror->peer.asked.n;
    case MS_MIRROR_STREAMING:
        return mirror->peer.received;
    case MS_MIRROR_SILENT:
    case MS_MIRROR_REFUSING:
    case MS_MIRROR_COPY_DUE:
        break;
    }
    return mirror->is_pair ? mirror->peer.received : UINT64_MAX;
}

/* Between the announcement of a copy and its end. */
static bool is_copy_begun(const struct ms_mirror *mirror)
{
    return mirror->phase >= MS_MIRROR_CLEARING && mirror->phase <= MS_MIRROR_COPYING;
}

/* The stream has outgrown what is kept for the peer. One that can say what it has is asked to say it again. */
static void overrun(struct ms_mirror *mirror)
{
    mirror->overruns_total++;
    mirror->needs_copy = mirror->is_pair;
    if (mirror->is_pair || mirror->copy.claimed > 0 || ++mirror->copy.tries >= MS_COPY_TRIES_MAX) {
        mirror->copy.tries = 0;
        ms_mirror_interrupt(mirror, MS_MIRROR_REFUSING);
    } else {
        ms_mirror_interrupt(mirror, MS_MIRROR_COPY_DUE);
    }
}

/* Keeps the backlog in its bounds. */
static void trim(struct ms_mirror *mirror)
{
    struct ms_backlog *backlog = &mirror->backlog;
    const uint64_t keep = needed(mirror);

    while (ms_backlog_bytes(backlog) > MS_BACKLOG_COPY_BYTES ||
           (ms_backlog_bytes(backlog) > MS_BACKLOG_BYTES && backlog->base.number < keep)) {
        ms_backlog_drop(backlog);
    }
    if ((mirror->phase == MS_MIRROR_ASKED && mirror->peer.asked.n < backlog->base.number) ||
        (mirror->phase == MS_MIRROR_STREAMING && mirror->peer.sending <= backlog->base.number) ||
        (is_copy_begun(mirror) && mirror->copy.start.number < backlog->base.number)) {
        overrun(mirror);
    }
}

/* The last batch has not been sent, and what comes goes into it. */
static bool has_room(const struct ms_mirror *mirror, size_t size)
{
    const struct ms_backlog *backlog = &mirror->backlog;
    const uint64_t last = backlog->tip.number;

    return mirror->growing == last && last > backlog->base.number &&
           ms_backlog_at(backlog, last)->entries.size + size <= MS_LOG_FRAME_SIZE;
}

bool ms_mirror_append(struct ms_mirror *mirror, ms_seq seq, struct ms_bytes entries)
{
    bool is_kept;

    ms_assert(mirror->reign > 0);
    ms_mirror_enter(mirror);
    is_kept = has_room(mirror, entries.size) ? ms_backlog_extend(&mirror->backlog, seq, entries)
                                             : ms_backlog_append(&mirror->backlog, seq, entries);
    if (!is_heeded(mirror)) {
        mirror->unheeded = mirror->backlog.tip.number;
    }
    trim(mirror);
    return is_kept;
}

void ms_mirror_hasten(struct ms_mirror *mirror)
{
    mirror->hasty = mirror->backlog.tip.number;
}

void ms_mirror_settle(struct ms_mirror *mirror, bool is_settled)
{
    mirror->is_settled = is_settled;
}

ms_seq ms_mirror_known(const struct ms_mirror *mirror)
{
    return is_heeded(mirror) ? mirror->peer.known : UINT64_MAX;
}

void ms_mirror_persisted(struct ms_mirror *mirror, ms_seq seq)
{
    ms_assert(mirror->reign > 0);
    ms_mirror_enter(mirror);
    if (seq > mirror->persisted && seq <= mirror->backlog.tip.seq) {
        mirror->persisted = seq;
    }
    cover(mirror);
}

void ms_mirror_connect(struct ms_mirror *mirror, ms_peer peer)
{
    const struct ms_mirror_peer former = mirror->peer;

    ms_mirror_enter(mirror);
    if (peer == former.name) {
        return; /* what was asked on it is still to be answered */
    }
    ms_mirror_interrupt(mirror, MS_MIRROR_SILENT);
    mirror->peer.name = peer;
    mirror->peer.questions = 0;
    mirror->peer.received = former.received; /* what comes after it is kept: it may come back */
    mirror->peer.stored = former.stored;
    mirror->needs_copy = false;
}

/* Up to which record the peer has what lives, if it says so, and of this reign. */
static ms_seq claimed(const struct ms_mirror *mirror, const struct ms_command *command)
{
    const bool is_ours =
        command->count == mirror->reign && command->id.seq <= mirror->backlog.tip.seq;

    return is_ours ? command->id.seq : 0;
}

static bool hear_follow(struct ms_mirror *mirror, const struct ms_command *command)
{
    const struct ms_backlog *backlog = &mirror->backlog;
    const struct ms_token asked = command->token;

    mirror->peer.questions++;
    if (mirror->reign == 0) {
        ms_mirror_interrupt(mirror, MS_MIRROR_REFUSING);
        return true;
    }
    if (asked.epoch == mirror->reign && asked.n > backlog->tip.number) {
        return false;
    }
    ms_mirror_interrupt(mirror, MS_MIRROR_ASKED);
    mirror->needs_copy = false;
    mirror->copy.claimed = claimed(mirror, command);
    if (asked.epoch == mirror->reign && asked.n >= backlog->base.number) {
        mirror->peer.asked = asked;
        mirror->peer.received = asked.n;
    } else if (mirror->is_pair) {
        mirror->needs_copy = true;
        mirror->phase = MS_MIRROR_REFUSING;
    } else {
        mirror->phase = MS_MIRROR_COPY_DUE;
    }
    return true;
}

/* Pieces of the copy up to that record are durable at the peer. */
static void release_pieces(struct ms_mirror_copy *copy, ms_seq seq)
{
    while (copy->count > 0 && copy->pieces[copy->head].seq <= seq) {
        ms_assert(copy->unstored >= copy->pieces[copy->head].size);
        copy->unstored -= copy->pieces[copy->head].size;
        copy->head = (copy->head + 1) % MS_MIRROR_PIECES_MAX;
        copy->count--;
    }
}

static bool hear_ack_of_copy(struct ms_mirror *mirror, const struct ms_command *command)
{
    struct ms_mirror_copy *copy = &mirror->copy;

    if (mirror->phase == MS_MIRROR_CLEARING) {
        if (command->token.n == copy->start.number) {
            mirror->phase = copy->claimed > 0 ? MS_MIRROR_LISTING : MS_MIRROR_COPYING;
        }
        return true; /* or it was on its way */
    }
    if (command->token.n != copy->start.number || command->id.seq > copy->above) {
        return false;
    }
    release_pieces(copy, command->id.seq);
    if (mirror->phase == MS_MIRROR_LISTING && command->id.seq >= copy->claimed) {
        mirror->phase = MS_MIRROR_COPYING;
    }
    return true;
}

static bool hear_ack_of_stream(struct ms_mirror *mirror, ms_epoch epoch,
                               const struct ms_command *command)
{
    struct ms_mirror_peer *peer = &mirror->peer;
    const uint64_t number = command->token.n;
    const ms_seq seq = command->id.seq;

    if (number < peer->received || number >= peer->sending) {
        return false;
    }
    if (ms_backlog_has(&mirror->backlog, number)) {
        const struct ms_place *place = ms_backlog_place(&mirror->backlog, number);

        peer->received_bytes = place->bytes;
        if (command->count != 0 && command->count != place->digest) {
            mirror->differences_total++;
            ms_trace(&mirror->engine->trace, MS_LEVEL_ERROR, "the logs differ",
                     "epoch=%llu record=%llu total=%llu", (unsigned long long)mirror->epoch,
                     (unsigned long long)place->seq, (unsigned long long)mirror->differences_total);
            return false;
        }
        if (seq > place->seq) {
            return false;
        }
        if (number >= mirror->whole.number && seq >= mirror->whole.seq) {
            const struct ms_place *stored = ms_backlog_find(&mirror->backlog, number, seq);

            peer->is_prefix = true;
            peer->known = place->seq;
            if (stored->seq <=
                seq) { /* else its place was dropped: much has arrived, and waits for its disk */
                peer->stored = *stored;
            }
            mirror->copy.tries = 0;
            if (epoch == mirror->epoch && seq > peer->confirmed) {
                peer->confirmed = seq;
            }
        }
    }
    peer->received = number;
    release_pieces(&mirror->copy, seq);
    trim(mirror);
    cover(mirror);
    return true;
}

static bool hear_ack(struct ms_mirror *mirror, ms_epoch epoch, const struct ms_command *command)
{
    if (command->token.epoch > mirror->reign) {
        return mirror->reign == 0;
    }
    if (command->token.epoch < mirror->reign) {
        return true; /* it was on its way */
    }
    switch (mirror->phase) {
    case MS_MIRROR_SILENT:
    case MS_MIRROR_REFUSING:
    case MS_MIRROR_ASKED:
    case MS_MIRROR_COPY_DUE:
        return true; /* so was this */
    case MS_MIRROR_CLEARING:
    case MS_MIRROR_LISTING:
    case MS_MIRROR_COPYING:
        return hear_ack_of_copy(mirror, command);
    case MS_MIRROR_STREAMING:
        break;
    }
    return hear_ack_of_stream(mirror, epoch, command);
}

bool ms_mirror_hear(struct ms_mirror *mirror, ms_epoch epoch, const struct ms_command *command)
{
    ms_mirror_enter(mirror);
    if (mirror->peer.name == MS_PEER_NONE) {
        return true;
    }
    switch (command->kind) {
    case MS_KIND_FOLLOW_LOG:
        return hear_follow(mirror, command);
    case MS_KIND_LOG_ACK:
        return hear_ack(mirror, epoch, command);
    default:
        return false;
    }
}

bool ms_mirror_is_scanning(const struct ms_mirror *mirror)
{
    return mirror->scan != MS_READING_NONE;
}

bool ms_mirror_needs_copy(const struct ms_mirror *mirror)
{
    return mirror->needs_copy;
}

ms_seq ms_mirror_covered(const struct ms_mirror *mirror)
{
    return mirror->covered;
}

uint8_t ms_mirror_copies(const struct ms_mirror *mirror)
{
    return mirror->is_pair ? MS_MASTERS : 1;
}

/* Bytes of the stream that are not durable at the peer. */
static uint64_t lag(const struct ms_mirror *mirror)
{
    return mirror->backlog.tip.bytes - mirror->peer.stored.bytes;
}

bool ms_mirror_is_near(const struct ms_mirror *mirror)
{
    return mirror->peer.is_prefix && lag(mirror) < MS_JOIN_LAG_BYTES;
}

void ms_mirror_wait_for_peer(struct ms_mirror *mirror, bool is_waiting)
{
    ms_assert(mirror->reign > 0);
    mirror->is_waiting = is_waiting;
    cover(mirror);
}

bool ms_mirror_watch(struct ms_mirror *mirror, ms_time now, bool is_on)
{
    const ms_seq written = mirror->backlog.tip.seq;

    ms_silence_look(&mirror->own, now, written, mirror->persisted);
    ms_silence_look(&mirror->there, now, written, mirror->peer.confirmed);
    if (is_on && mirror->peer.name != MS_PEER_NONE) {
        ms_pace_look(&mirror->pace, now, mirror->persisted, mirror->peer.confirmed,
                     is_heeded(mirror));
    } else {
        ms_pace_rest(&mirror->pace);
    }
    return mirror->pace.is_slow;
}

ms_time ms_mirror_silence(const struct ms_mirror *mirror)
{
    return ms_silence_span(&mirror->own);
}

bool ms_mirror_is_outdone(const struct ms_mirror *mirror)
{
    return mirror->is_pair && mirror->peer.confirmed > mirror->persisted &&
           ms_silence_span(&mirror->there) <= MS_STANDBY_LAG;
}

bool ms_mirror_is_complete(const struct ms_mirror *mirror)
{
    return is_heeded(mirror) && mirror->peer.is_prefix &&
           mirror->peer.confirmed >= mirror->covered && mirror->peer.received >= mirror->unheeded;
}

bool ms_mirror_is_drained(const struct ms_mirror *mirror)
{
    return ms_mirror_is_complete(mirror) && mirror->peer.received == mirror->backlog.tip.number &&
           mirror->peer.confirmed == mirror->backlog.tip.seq &&
           mirror->persisted == mirror->backlog.tip.seq;
}

void ms_mirror_stats(const struct ms_mirror *mirror, struct ms_mirror_stats *stats_out)
{
    *stats_out = (struct ms_mirror_stats){
        .backlog_bytes = ms_backlog_bytes(&mirror->backlog),
        .lag_bytes = lag(mirror),
        .peer_durable = mirror->peer.is_prefix ? mirror->peer.stored.seq : 0,
        .durable = mirror->persisted,
        .covered = mirror->covered,
        .is_slow = mirror->pace.is_slow,
        .is_copying = mirror->phase >= MS_MIRROR_COPY_DUE && mirror->phase <= MS_MIRROR_COPYING,
        .copies_total = mirror->copies_total,
        .catchups_total = mirror->catchups_total,
        .resumes_total = mirror->resumes_total,
        .overruns_total = mirror->overruns_total,
        .differences_total = mirror->differences_total,
        .slow_total = mirror->pace.slow_total,
    };
}
