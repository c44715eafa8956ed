#include "master/follower.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "core/limits.h"
#include "master/pieces.h"
#include "proto/record.h"

#define COPY_FIRST 1u /* flags of LOG_BEGIN */
#define COPY_OVER  1u /* of LOG_COPY */
#define LOG_LAST   1u /* of LOG */

#define UNSAID_BYTES                                                                               \
    (MS_LOG_AHEAD_BYTES / 4) /* arrived, before that is said though nothing is durable yet */

enum state {
    STATE_IDLE,     /* follows nobody, or was refused */
    STATE_ASKING,   /* FOLLOW_LOG was said, or will be */
    STATE_DOUBTING, /* a copy was announced: for the owner to go on */
    STATE_CLEARING, /* for the own store to be empty */
    STATE_COPYING,
    STATE_STREAMING,
};

struct ms_follower {
    struct ms_engine *engine;
    ms_peer peer;
    ms_epoch epoch;
    enum state state;
    enum ms_follower_news news;
    unsigned asked; /* FOLLOW_LOGs on this connection that are not answered */
    bool is_ask_due, is_clear_due, is_ack_due;
    bool is_clearing;          /* CLEARED will come */
    uint64_t divergent, aside; /* to be set aside; what was, or is being */
    struct ms_token place; /* reign and number of the last batch here; reign 0: a copy is needed */
    ms_seq last;           /* its record; 0 = not known */
    uint64_t digest;       /* of the log there; 0 = not known */
    ms_seq persisted;      /* as the own store says */
    ms_seq copied;         /* last record of the copy */
    ms_seq floor;          /* all up to it is durable: the active's record when the copy began */
    struct ms_token copy_at; /* where the stream goes on behind the copy */
    ms_seq copy_seq;
    uint64_t copy_digest;
    uint64_t copied_digest; /* of the copy so far */
    bool is_whole;     /* the log is what the active's is, or was; not so in the midst of a copy */
    uint64_t whole_at; /* from that batch on it will be */
    ms_seq whole_seq;
    ms_seq said;
    uint64_t said_number;
    size_t unsaid; /* bytes that arrived since */
    uint64_t persist_step;
    struct ms_pieces parts;
    ms_seq parts_seq; /* LOG: that they all name */
};

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

static void forget(struct ms_follower *follower)
{
    follower->place = (struct ms_token){0};
    follower->last = follower->floor = 0;
    follower->digest = 0;
    follower->is_whole = false;
}

void ms_follower_place(struct ms_follower *follower, ms_epoch reign, uint64_t number)
{
    ms_assert(follower->state == STATE_IDLE);
    forget(follower);
    follower->persisted =
        0; /* numbers of records that were erased may come again in another reign */
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
    const bool is_copy = follower->state == STATE_COPYING;

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
    return follower->state == STATE_COPYING || follower->state == STATE_STREAMING;
}

/* PERSIST is the last effect of its step. */
static bool has_room(const struct ms_follower *follower)
{
    return ms_engine_room(follower->engine) > 0 &&
           follower->persist_step != ms_engine_steps(follower->engine);
}

bool ms_follower_pump(struct ms_follower *follower)
{
    const bool may_ask = follower->is_ask_due && follower->state == STATE_ASKING;

    if (may_ask && has_room(follower)) {
        follower->is_ask_due = false;
        follower->asked++;
        send(follower, &(struct ms_command){.kind = MS_KIND_FOLLOW_LOG, .token = follower->place});
    }
    if (follower->is_clear_due && has_room(follower)) {
        follower->is_clear_due = false;
        follower->is_clearing = true;
        ms_engine_emit(follower->engine, &(struct ms_effect){
                                             .type = MS_EFFECT_CLEAR,
                                             .count = follower->divergent,
                                         });
        follower->aside = follower->divergent > 0 ? follower->divergent : follower->aside;
        follower->divergent = 0;
    }
    if (follower->is_ack_due && is_listening(follower) && has_room(follower)) {
        say_ack(follower);
    }
    return (follower->is_ask_due && follower->state == STATE_ASKING) || follower->is_clear_due ||
           (follower->is_ack_due && is_listening(follower));
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
    follower->state = STATE_ASKING;
    follower->is_ask_due = true;
    ms_follower_pump(follower);
}

void ms_follower_epoch(struct ms_follower *follower, ms_epoch epoch)
{
    ms_assert(epoch >= follower->epoch);
    follower->epoch = epoch;
    follower->is_ack_due = is_listening(follower);
    ms_follower_pump(follower);
}

void ms_follower_leave(struct ms_follower *follower)
{
    if (follower->state == STATE_COPYING || follower->state == STATE_CLEARING) {
        forget(follower); /* half a copy is nothing */
    }
    follower->state = STATE_IDLE;
    follower->news = MS_FOLLOWER_NOTHING;
    follower->is_ask_due = follower->is_clear_due = follower->is_ack_due = false;
    follower->parts.size = 0;
}

/* Records that come next: their numbers rise above `above`, and none is beyond `last`. What is erased was there before. */
struct expected {
    ms_seq above, last;
    bool may_erase;
};

static bool judge(const struct expected *expected, struct ms_bytes entries, ms_seq *highest_out)
{
    ms_seq highest = expected->above;
    struct ms_entry entry;

    while (entries.size > 0) {
        if (!ms_record_next(&entries, &entry) || entry.seq == 0 || entry.seq > expected->last) {
            return false;
        }
        if (entry.kind == MS_RECORD_ERASE ? !expected->may_erase : entry.seq <= highest) {
            return false;
        }
        highest = entry.kind == MS_RECORD_ERASE ? highest : entry.seq;
    }
    *highest_out = highest;
    return true;
}

static void persist(struct ms_follower *follower, ms_seq seq, struct ms_bytes entries)
{
    const uint64_t step = ms_engine_steps(follower->engine);

    ms_assert(follower->persist_step != step);
    ms_assert(!follower->is_clearing && !follower->is_clear_due);
    follower->persist_step = step;
    ms_engine_emit(follower->engine, &(struct ms_effect){
                                         .type = MS_EFFECT_PERSIST,
                                         .seq = seq,
                                         .command = {.payload = entries},
                                     });
}

/* Whether the copy is durable, and the stream is where the copy misses nothing any more. */
static void find_whole(struct ms_follower *follower)
{
    ms_seq seq = follower->copied;

    if (follower->whole_at > follower->copy_at.n && follower->whole_seq > seq) {
        seq = follower->whole_seq;
    }
    if (!follower->is_whole && follower->state == STATE_STREAMING &&
        follower->place.n >= follower->whole_at && follower->persisted >= seq) {
        follower->is_whole = true;
        follower->floor = follower->copy_seq;
        follower->news = MS_FOLLOWER_COMPLETE;
        follower->is_ack_due = true;
    }
}

/* The active goes on from where this log is. */
static bool join(struct ms_follower *follower, const struct ms_command *command)
{
    const bool is_same =
        ms_token_equal(command->token, follower->place) &&
        (follower->last == 0 || follower->last == command->id.seq) &&
        (follower->digest == 0 || command->count == 0 || follower->digest == command->count);

    if (follower->place.epoch == 0 || !is_same) {
        forget(follower); /* this is not the active's log: a copy the next time */
        follower->state = STATE_IDLE;
        return false;
    }
    if (follower->last == 0) {
        follower->floor = command->id.seq; /* as ms_follower_place promised */
    }
    follower->last = command->id.seq;
    follower->digest = command->count;
    follower->state = STATE_STREAMING;
    follower->is_ack_due = true;
    follower->news = follower->is_whole ? MS_FOLLOWER_COMPLETE : MS_FOLLOWER_NOTHING;
    find_whole(follower); /* the last of a copy may have become durable while nobody was followed */
    return true;
}

static bool hear_begin(struct ms_follower *follower, const struct ms_command *command)
{
    const bool is_answer = follower->asked > 0;

    follower->asked -= is_answer ? 1 : 0;
    if (follower->state == STATE_IDLE || follower->asked > 0 || follower->is_ask_due) {
        return true; /* it speaks to a question that does not stand any more */
    }
    if (command->error != MS_E_OK) {
        ms_follower_leave(follower);
        follower->news = MS_FOLLOWER_REFUSED;
        return true;
    }
    if ((command->flags & COPY_FIRST) == 0) {
        return is_answer && join(follower, command);
    }
    if (command->token.epoch == 0) {
        return false;
    }
    ms_follower_leave(follower);
    follower->copy_at = command->token;
    follower->copy_seq = command->id.seq;
    follower->copy_digest = command->count;
    follower->state = STATE_DOUBTING;
    follower->news = MS_FOLLOWER_INCOMPLETE;
    return true;
}

void ms_follower_answered(struct ms_follower *follower, ms_peer peer)
{
    follower->asked -= follower->peer == peer && follower->asked > 0 ? 1 : 0;
}

/* The copy is over: the stream goes on where it began. */
static bool end_copy(struct ms_follower *follower, const struct ms_command *command)
{
    if (follower->parts.size > 0 || command->payload.size > 0 ||
        command->token.epoch != follower->copy_at.epoch || command->token.n < follower->copy_at.n ||
        command->id.seq < follower->copy_seq || command->count != follower->copied_digest) {
        return false;
    }
    follower->place = follower->copy_at;
    follower->last = follower->copy_seq;
    follower->digest = follower->copy_digest;
    follower->whole_at = command->token.n;
    follower->whole_seq = command->id.seq;
    follower->state = STATE_STREAMING;
    find_whole(follower);
    ms_follower_pump(follower);
    return true;
}

static bool hear_copy(struct ms_follower *follower, const struct ms_command *command)
{
    const struct expected expected = {follower->copied, follower->copy_seq, false};
    struct ms_bytes entries = command->payload;
    ms_seq highest = 0;

    if (follower->state == STATE_IDLE || follower->state == STATE_ASKING) {
        return true;
    }
    if (follower->state != STATE_COPYING) {
        return false;
    }
    if ((command->flags & COPY_OVER) != 0) {
        return end_copy(follower, command);
    }
    if (entries.size == 0) {
        return false;
    }
    if (command->count > 0) {
        return ms_pieces_gather(&follower->parts, entries);
    }
    if (!ms_pieces_complete(&follower->parts, &entries) || !judge(&expected, entries, &highest)) {
        return false;
    }
    follower->copied = highest;
    follower->copied_digest = ms_record_digest(follower->copied_digest, entries);
    persist(follower, highest, entries);
    return true;
}

static bool take_batch(struct ms_follower *follower, ms_seq seq, struct ms_bytes entries)
{
    const struct expected expected = {follower->last, seq, true};
    ms_seq highest = 0;

    if (!judge(&expected, entries, &highest)) {
        return false;
    }
    follower->place.n++;
    follower->last = seq;
    if (follower->digest != 0) {
        follower->digest = ms_record_digest(follower->digest, entries);
    }
    follower->unsaid += entries.size;
    if (follower->unsaid >= UNSAID_BYTES) {
        follower->is_ack_due = true;
        ms_follower_pump(follower);
    }
    persist(follower, seq, entries);
    return true;
}

static bool hear_log(struct ms_follower *follower, const struct ms_command *command)
{
    struct ms_pieces *parts = &follower->parts;
    struct ms_bytes entries = command->payload;

    if (follower->state == STATE_IDLE || follower->state == STATE_ASKING) {
        return true;
    }
    if (follower->state != STATE_STREAMING || command->token.epoch != follower->place.epoch ||
        command->token.n != follower->place.n + 1 || command->id.seq < follower->last ||
        entries.size == 0 || (parts->size > 0 && follower->parts_seq != command->id.seq)) {
        return false;
    }
    follower->parts_seq = command->id.seq;
    if ((command->flags & LOG_LAST) == 0) {
        return ms_pieces_gather(parts, entries);
    }
    return ms_pieces_complete(parts, &entries) && take_batch(follower, command->id.seq, entries);
}

bool ms_follower_hear(struct ms_follower *follower, ms_epoch epoch,
                      const struct ms_command *command)
{
    bool is_sound = false;

    if (epoch < command->token.epoch) {
        return false; /* a reign does not begin before it was decided */
    }
    switch (command->kind) {
    case MS_KIND_LOG_BEGIN:
        is_sound = hear_begin(follower, command);
        ms_follower_pump(follower);
        break;
    case MS_KIND_LOG_COPY:
        is_sound = hear_copy(follower, command);
        break;
    case MS_KIND_LOG:
        is_sound = hear_log(follower, command);
        break;
    default:
        break;
    }
    return is_sound;
}

void ms_follower_persisted(struct ms_follower *follower, ms_seq seq)
{
    follower->persisted = seq > follower->persisted ? seq : follower->persisted;
    if (is_listening(follower)) {
        find_whole(follower);
        follower->is_ack_due = follower->is_ack_due || stored(follower) != follower->said ||
                               follower->place.n != follower->said_number;
        ms_follower_pump(follower);
    }
}

void ms_follower_cleared(struct ms_follower *follower)
{
    ms_assert(follower->is_clearing);
    follower->is_clearing = false;
    follower->persisted = follower->copied = 0; /* the rest was before */
    follower->copied_digest = 0;
    if (follower->state == STATE_CLEARING) {
        follower->state = STATE_COPYING;
        follower->is_ack_due = true; /* empty: let it come */
        ms_follower_pump(follower);
    }
}

enum ms_follower_news ms_follower_news(struct ms_follower *follower)
{
    const enum ms_follower_news news = follower->news;

    follower->news = MS_FOLLOWER_NOTHING;
    return news;
}

void ms_follower_go_on(struct ms_follower *follower)
{
    if (follower->state != STATE_DOUBTING) {
        return; /* the connection was lost meanwhile */
    }
    forget(follower);
    follower->state = STATE_CLEARING;
    follower->is_clear_due = !follower->is_clearing; /* nothing has come since that began */
    ms_follower_pump(follower);
}

bool ms_follower_is_complete(const struct ms_follower *follower)
{
    return follower->state == STATE_STREAMING && follower->is_whole;
}

ms_seq ms_follower_durable(const struct ms_follower *follower)
{
    return follower->is_whole ? stored(follower) : 0;
}
