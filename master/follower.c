#include "master/follower_private.h"

#include <stdlib.h>

#include "core/invariant.h"

struct ms_follower *ms_follower_create(struct ms_engine *engine)
{
    struct ms_follower *follower = calloc(1, sizeof *follower);

    if (follower != NULL) {
        follower->engine = engine;
    }
    return follower;
}

void ms_follower_destroy(struct ms_follower *follower)
{
    if (follower == NULL) {
        return;
    }
    ms_pieces_finish(&follower->parts);
    free(follower);
}

void ms_follower_forget(struct ms_follower *follower)
{
    follower->place = (struct ms_token){0};
    follower->last = follower->floor = 0;
    follower->digest = 0;
    follower->is_whole = false;
}

void ms_follower_place(struct ms_follower *follower, ms_epoch reign, uint64_t number)
{
    ms_assert(follower->state == MS_FOLLOWER_IDLE);
    ms_follower_forget(follower);
    follower->knows_hands = false;
    follower->persisted = follower->written =
        0; /* numbers of records that were erased may come again in another reign */
    follower->claim = (struct ms_claim){.state = MS_CLAIM_UNKNOWN};
    if (reign > 0) {
        follower->place = (struct ms_token){reign, number};
        follower->is_whole = true;
    }
}

/* Up to which record all is durable here; of a copy that is not whole, the last that is. */
static ms_seq stored(const struct ms_follower *follower)
{
    ms_seq seq = follower->persisted;

    if (!follower->is_whole) {
        return seq < follower->copied ? seq : follower->copied;
    }
    seq = seq > follower->floor ? seq : follower->floor;
    return seq < follower->last ? seq : follower->last;
}

static void send(struct ms_follower *follower, const struct ms_command *command)
{
    ms_engine_send(follower->engine, follower->peer, follower->epoch, command);
}

static void say_ack(struct ms_follower *follower)
{
    const bool is_copy =
        follower->state == MS_FOLLOWER_COPYING || follower->state == MS_FOLLOWER_SIFTING;

    follower->said = stored(follower);
    follower->said_number = follower->place.n;
    follower->unsaid = 0;
    follower->is_ack_due = false;
    send(follower, &(struct ms_command){
                       .kind = MS_KIND_LOG_ACK,
                       .token = is_copy ? follower->copy_at : follower->place,
                       .id = {.seq = follower->said},
                       .count = is_copy ? follower->copy_digest : follower->digest,
                   });
}

static bool is_listening(const struct ms_follower *follower)
{
    return follower->state == MS_FOLLOWER_SIFTING || follower->state == MS_FOLLOWER_COPYING ||
           follower->state == MS_FOLLOWER_STREAMING;
}

/* PERSIST is the last effect of its step. */
static bool has_room(const struct ms_follower *follower)
{
    return ms_engine_room(follower->engine) > 0 &&
           follower->persist_step != ms_engine_steps(follower->engine);
}

static void ask(struct ms_follower *follower)
{
    const struct ms_claim *claim = &follower->claim;

    follower->is_ask_due = false;
    follower->asked++;
    send(follower, &(struct ms_command){
                       .kind = MS_KIND_FOLLOW_LOG,
                       .token = follower->place,
                       .id = {.seq = claim->state == MS_CLAIM_STANDS ? claim->last : 0},
                       .count = claim->state == MS_CLAIM_STANDS ? claim->reign : 0,
                   });
}

/* What was served here is set aside with the own store; before a copy is taken beside it, it is said what will be. */
static void clear(struct ms_follower *follower, enum ms_clear how)
{
    const bool is_own = how == MS_CLEAR_ADOPT || (how == MS_CLEAR_ALL && !follower->is_beside);
    const bool counts = is_own || how == MS_CLEAR_BESIDE;

    follower->is_clear_due = follower->is_adopt_due = false;
    follower->is_clearing = true;
    follower->clearing = how;
    ms_engine_emit(follower->engine,
                   &(struct ms_effect){
                       .type = MS_EFFECT_CLEAR,
                       .seq = how,
                       .tag = follower->kind,
                       .count = counts && !follower->is_spare ? follower->divergent : 0,
                   });
    if (is_own) {
        follower->aside = follower->divergent > 0 ? follower->divergent : follower->aside;
        follower->divergent = 0;
    }
}

static enum ms_clear what_is_due(const struct ms_follower *follower)
{
    if (follower->is_adopt_due) {
        return MS_CLEAR_ADOPT;
    }
    return !follower->is_beside && follower->is_worth_it && !follower->is_cramped ? MS_CLEAR_BESIDE
                                                                                  : MS_CLEAR_ALL;
}

/* One at a time. */
static bool may_clear(const struct ms_follower *follower)
{
    return (follower->is_clear_due || follower->is_adopt_due) && !follower->is_clearing &&
           !ms_sift_is_scanning(&follower->sift);
}

bool ms_follower_pump(struct ms_follower *follower)
{
    const bool may_ask = follower->is_ask_due && follower->state == MS_FOLLOWER_ASKING;

    if (may_ask && has_room(follower)) {
        ask(follower);
    }
    if (may_clear(follower) && has_room(follower)) {
        clear(follower, what_is_due(follower));
    }
    if (follower->is_ack_due && is_listening(follower) && has_room(follower)) {
        say_ack(follower);
    }
    return (follower->is_ask_due && follower->state == MS_FOLLOWER_ASKING) || may_clear(follower) ||
           (follower->is_ack_due && is_listening(follower));
}

bool ms_follower_read(struct ms_follower *follower)
{
    const bool is_due =
        ms_sift_is_due(&follower->sift) && !follower->is_clearing && !follower->is_clear_due;

    if (is_due && has_room(follower)) {
        ms_sift_scan(&follower->sift, follower->engine);
        return false;
    }
    return is_due;
}

bool ms_follower_is_reading(const struct ms_follower *follower)
{
    return ms_sift_is_scanning(&follower->sift);
}

/* Asks for the log; before that it finds out what there is, unless that is known. What was served here counts for nothing. */
static void begin_asking(struct ms_follower *follower)
{
    struct ms_claim *claim = &follower->claim;

    follower->is_ask_due = true;
    follower->state = MS_FOLLOWER_ASKING;
    if (claim->state == MS_CLAIM_REFUTED) {
        return;
    }
    if (follower->divergent > 0 && !follower->is_beside) {
        *claim = (struct ms_claim){.state = MS_CLAIM_UNKNOWN};
    } else if (follower->place.epoch > 0) {
        *claim = (struct ms_claim){MS_CLAIM_STANDS, follower->last > 0 ? follower->place.epoch : 0,
                                   follower->last};
    } else if (claim->state == MS_CLAIM_UNKNOWN) {
        follower->state = MS_FOLLOWER_LOOKING;
        ms_sift_look(&follower->sift);
    }
}

void ms_follower_follow(struct ms_follower *follower, ms_peer peer, ms_epoch epoch,
                        uint64_t divergent)
{
    ms_assert(peer != MS_PEER_NONE);
    ms_follower_leave(follower);
    follower->asked = peer == follower->peer ? follower->asked : 0;
    follower->peer = peer;
    follower->epoch = epoch;
    follower->divergent = divergent != follower->aside ? divergent : 0;
    begin_asking(follower);
    ms_follower_pump(follower);
}

void ms_follower_keep(struct ms_follower *follower, enum ms_aside kind)
{
    ms_assert(kind < MS_ASIDES);
    follower->kind = kind;
    follower->is_spare = false;
}

void ms_follower_spare(struct ms_follower *follower)
{
    follower->is_spare = true;
}

void ms_follower_epoch(struct ms_follower *follower, ms_epoch epoch)
{
    ms_assert(epoch >= follower->epoch);
    follower->epoch = epoch;
    follower->is_ack_due = is_listening(follower);
    ms_follower_pump(follower);
}

/* What is in the store has to be looked at again before anything is said of it. */
static void unsay(struct ms_follower *follower)
{
    if (follower->claim.state == MS_CLAIM_STANDS) {
        follower->claim.state = MS_CLAIM_UNKNOWN;
    }
}

void ms_follower_leave(struct ms_follower *follower)
{
    if (follower->state == MS_FOLLOWER_COPYING || follower->state == MS_FOLLOWER_CLEARING ||
        follower->state == MS_FOLLOWER_SIFTING) {
        ms_follower_forget(follower); /* half a copy is nothing */
        unsay(follower);
    }
    ms_sift_leave(&follower->sift);
    follower->state = MS_FOLLOWER_IDLE;
    follower->news = MS_FOLLOWER_NOTHING;
    follower->is_ask_due = follower->is_clear_due = follower->is_adopt_due = false;
    follower->is_ack_due = false;
    follower->parts.size = 0;
}

void ms_follower_persist(struct ms_follower *follower, ms_seq seq, struct ms_bytes entries)
{
    const uint64_t step = ms_engine_steps(follower->engine);

    ms_assert(follower->persist_step != step);
    ms_assert(!follower->is_clear_due);
    ms_assert(!follower->is_clearing || follower->clearing == MS_CLEAR_ADOPT);
    unsay(follower);
    follower->persist_step = step;
    follower->written = seq;
    ms_engine_emit(follower->engine, &(struct ms_effect){
                                         .type = MS_EFFECT_PERSIST,
                                         .seq = seq,
                                         .command = {.payload = entries},
                                     });
}

static void become_whole(struct ms_follower *follower)
{
    follower->is_whole = true;
    follower->floor = follower->copy_seq;
    follower->news = MS_FOLLOWER_COMPLETE;
    follower->is_ack_due = true;
}

void ms_follower_find_whole(struct ms_follower *follower)
{
    ms_seq seq = follower->copied;

    if (follower->whole_at > follower->copy_at.n && follower->whole_seq > seq) {
        seq = follower->whole_seq;
    }
    if (follower->is_whole || follower->state != MS_FOLLOWER_STREAMING ||
        follower->place.n < follower->whole_at || follower->persisted < seq) {
        return;
    }
    if (!follower->is_beside) {
        become_whole(follower);
    } else if (!follower->is_clearing) {
        follower->is_adopt_due = true;
    }
}

void ms_follower_persisted(struct ms_follower *follower, ms_seq seq)
{
    follower->persisted = seq > follower->persisted ? seq : follower->persisted;
    if (is_listening(follower)) {
        ms_follower_find_whole(follower);
        follower->is_ack_due = follower->is_ack_due || stored(follower) != follower->said ||
                               follower->place.n != follower->said_number;
        ms_follower_pump(follower);
    }
}

ms_time ms_follower_listen(struct ms_follower *follower, ms_time now)
{
    ms_silence_look(&follower->silence, now, follower->written, follower->persisted);
    return ms_silence_span(&follower->silence);
}

/* The store in use has nothing of what was there. */
static void emptied(struct ms_follower *follower)
{
    follower->persisted = follower->written = follower->copied = 0; /* the rest was before */
    follower->copied_digest = 0;
    follower->claim = (struct ms_claim){.state = MS_CLAIM_UNKNOWN};
    if (follower->state == MS_FOLLOWER_CLEARING && !follower->is_clear_due) {
        follower->state = MS_FOLLOWER_COPYING;
        follower->is_ack_due = true; /* empty: let it come */
    }
}

/* The own store has to make room for the copy. */
static void cramp(struct ms_follower *follower)
{
    ms_trace(
        &follower->engine->trace, MS_LEVEL_WARN,
        "no room for a copy beside what is here: it is taken in its place, and until it is whole "
        "this half is of no use",
        "reign=%llu", (unsigned long long)follower->copy_at.epoch);
    follower->is_cramped = true;
    if (follower->state == MS_FOLLOWER_CLEARING && !follower->is_clear_due) {
        follower->state = MS_FOLLOWER_DOUBTING;
        follower->news = MS_FOLLOWER_INCOMPLETE;
    }
}

/* The copy is the own store. Nobody may be followed any more, but its place is not lost. */
static void adopted(struct ms_follower *follower)
{
    follower->is_beside = false;
    if (follower->state == MS_FOLLOWER_STREAMING) {
        become_whole(follower);
    } else if (follower->place.epoch > 0) {
        follower->is_whole = true;
        follower->floor = follower->copy_seq;
    }
}

void ms_follower_cleared(struct ms_follower *follower, bool has_no_room)
{
    ms_assert(follower->is_clearing);
    follower->is_clearing = false;
    switch (follower->clearing) {
    case MS_CLEAR_BESIDE:
        if (has_no_room) {
            cramp(follower);
            break;
        }
        follower->is_beside = true;
        emptied(follower);
        break;
    case MS_CLEAR_ALL:
        emptied(follower);
        break;
    case MS_CLEAR_ADOPT:
        adopted(follower);
        break;
    case MS_CLEAR_REVERT:
        follower->is_beside = false;
        unsay(follower);
        break;
    case MS_CLEARS:
        ms_unreachable();
    }
    ms_follower_pump(follower);
}

void ms_follower_treasure(struct ms_follower *follower, bool is_worth_it)
{
    follower->is_worth_it = is_worth_it;
}

bool ms_follower_is_beside(const struct ms_follower *follower)
{
    return follower->is_beside;
}

bool ms_follower_is_cramped(const struct ms_follower *follower)
{
    return follower->is_cramped;
}

bool ms_follower_restore(struct ms_follower *follower)
{
    ms_assert(follower->state == MS_FOLLOWER_IDLE);
    if (!follower->is_clearing && follower->is_beside) {
        ms_trace(&follower->engine->trace, MS_LEVEL_WARN,
                 "the copy was not whole: this half serves with what it had before it",
                 "reign=%llu", (unsigned long long)follower->copy_at.epoch);
        clear(follower, MS_CLEAR_REVERT);
    }
    return !follower->is_clearing;
}

/* What was said of the own store is not true: a whole copy is asked for. */
static void refute(struct ms_follower *follower)
{
    ms_trace(&follower->engine->trace, MS_LEVEL_ERROR, "the store is not what it was taken for",
             "reign=%llu record=%llu", (unsigned long long)follower->claim.reign,
             (unsigned long long)follower->claim.last);
    ms_follower_leave(follower);
    follower->claim.state = MS_CLAIM_REFUTED;
    follower->news = MS_FOLLOWER_REFUSED;
}

static void looked(struct ms_follower *follower)
{
    const struct ms_sift *sift = &follower->sift;

    follower->claim = (struct ms_claim){MS_CLAIM_STANDS, sift->reign, sift->last};
    follower->state = MS_FOLLOWER_ASKING;
}

/* Of the records that a list is about, those that live are here, and durable; no others are. */
static void sifted(struct ms_follower *follower)
{
    const struct ms_sift *sift = &follower->sift;

    if (sift->digest != follower->sift_digest) {
        refute(follower);
        return;
    }
    follower->copied = sift->upto;
    follower->persisted =
        follower->persisted > sift->upto ? follower->persisted : sift->upto; /* it was there */
    if (sift->upto == follower->kept) {
        follower->copied_digest = sift->digest;
        follower->state = MS_FOLLOWER_COPYING;
    }
    follower->is_ack_due = true;
}

void ms_follower_scanned(struct ms_follower *follower, const struct ms_event *event)
{
    struct ms_sift *sift = &follower->sift;

    switch (ms_sift_scanned(sift, event)) {
    case MS_SIFT_VOID:
        break;
    case MS_SIFT_MORE:
        if (sift->erases_size > 0) {
            ms_follower_persist(follower, follower->kept,
                                (struct ms_bytes){sift->erases, sift->erases_size});
        }
        break;
    case MS_SIFT_DONE:
        if (follower->state == MS_FOLLOWER_LOOKING) {
            looked(follower);
        } else {
            sifted(follower);
        }
        break;
    case MS_SIFT_BROKEN:
        refute(follower);
        break;
    }
    ms_follower_pump(follower);
}

enum ms_follower_news ms_follower_news(struct ms_follower *follower)
{
    const enum ms_follower_news news = follower->news;

    follower->news = MS_FOLLOWER_NOTHING;
    return news;
}

/* What is about to be emptied already has nothing by then of what has come before. */
static void make_empty(struct ms_follower *follower)
{
    const bool is_under_way = follower->is_clearing && (follower->clearing == MS_CLEAR_ALL ||
                                                        follower->clearing == MS_CLEAR_BESIDE);

    unsay(follower); /* nothing of it will be there */
    follower->state = MS_FOLLOWER_CLEARING;
    follower->is_clear_due = !is_under_way;
}

void ms_follower_go_on(struct ms_follower *follower)
{
    if (follower->state != MS_FOLLOWER_DOUBTING) {
        return; /* the connection was lost meanwhile */
    }
    ms_follower_forget(follower);
    if (follower->kept > 0) {
        ms_assert(!follower->is_clearing);
        ms_sift_begin(&follower->sift);
        follower->copied = 0;
        follower->state = MS_FOLLOWER_SIFTING;
        follower->is_ack_due = true; /* let it come */
    } else {
        make_empty(follower);
    }
    ms_follower_pump(follower);
}

bool ms_follower_knows_hands(const struct ms_follower *follower)
{
    return follower->knows_hands;
}

bool ms_follower_is_complete(const struct ms_follower *follower)
{
    return follower->state == MS_FOLLOWER_STREAMING && follower->is_whole;
}

ms_seq ms_follower_durable(const struct ms_follower *follower)
{
    return follower->is_whole ? stored(follower) : 0;
}
