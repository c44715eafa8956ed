/* What the follower hears of the active. */
#include "core/invariant.h"
#include "master/follower_private.h"
#include "proto/record.h"

#define COPY_FIRST MS_FLAG_PAIR   /* flags of LOG_BEGIN */
#define COPY_REST  MS_FLAG_SPARSE /* with it */
#define COPY_OVER  1u             /* of LOG_COPY */
#define LOG_LAST   1u             /* of LOG */

#define UNSAID_BYTES                                                                               \
    (MS_LOG_AHEAD_BYTES / 4) /* arrived, before that is said though nothing is durable yet */

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

/* The active goes on from where this log is. */
static bool join(struct ms_follower *follower, const struct ms_command *command)
{
    const bool is_same =
        ms_token_equal(command->token, follower->place) &&
        (follower->last == 0 || follower->last == command->id.seq) &&
        (follower->digest == 0 || command->count == 0 || follower->digest == command->count);

    if (follower->place.epoch == 0 || !is_same) {
        ms_follower_forget(follower); /* this is not the active's log: a copy the next time */
        follower->claim.state = MS_CLAIM_REFUTED;
        follower->state = MS_FOLLOWER_IDLE;
        return false;
    }
    if (follower->last == 0) {
        follower->floor = command->id.seq; /* as ms_follower_place promised */
    }
    follower->last = command->id.seq;
    follower->digest = command->count;
    follower->state = MS_FOLLOWER_STREAMING;
    follower->is_ack_due = true;
    follower->news = follower->is_whole ? MS_FOLLOWER_COMPLETE : MS_FOLLOWER_NOTHING;
    ms_follower_find_whole(
        follower); /* the last of a copy may be durable since nobody was followed */
    return true;
}

/* The active goes on from what this half has said of its store. */
static bool is_of_claim(const struct ms_follower *follower, const struct ms_command *command)
{
    const struct ms_claim *claim = &follower->claim;

    return claim->state == MS_CLAIM_STANDS && claim->reign == command->token.epoch &&
           claim->last <= command->id.seq;
}

static bool hear_begin(struct ms_follower *follower, const struct ms_command *command)
{
    const bool is_answer = follower->asked > 0;
    const bool is_sparse = (command->flags & COPY_REST) != 0;

    follower->knows_hands = false;
    follower->asked -= is_answer ? 1 : 0;
    if (follower->state == MS_FOLLOWER_IDLE || follower->asked > 0 || follower->is_ask_due) {
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
    if (is_sparse && (follower->claim.state != MS_CLAIM_STANDS ||
                      follower->is_clearing)) { /* the store is being emptied, or replaced */
        ms_follower_leave(follower);
        follower->news = MS_FOLLOWER_REFUSED;
        return true;
    }
    if (command->token.epoch == 0 || (is_sparse && !is_of_claim(follower, command))) {
        return false;
    }
    ms_follower_leave(follower);
    follower->kept = is_sparse ? follower->claim.last : 0;
    follower->copy_at = command->token;
    follower->copy_seq = command->id.seq;
    follower->copy_digest = command->count;
    follower->is_cramped = follower->is_cramped && !follower->is_worth_it;
    follower->state = MS_FOLLOWER_DOUBTING;
    if (follower->is_beside || (follower->kept == 0 && follower->is_worth_it)) {
        ms_follower_go_on(follower); /* the own store stays as it is */
    } else {
        follower->news = MS_FOLLOWER_INCOMPLETE;
    }
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
        command->id.seq < follower->copy_seq) {
        return false;
    }
    if (command->count != follower->copied_digest) {
        follower->claim.state = MS_CLAIM_REFUTED;
        return false;
    }
    follower->place = follower->copy_at;
    follower->last = follower->copy_seq;
    follower->digest = follower->copy_digest;
    follower->whole_at = command->token.n;
    follower->whole_seq = command->id.seq;
    follower->state = MS_FOLLOWER_STREAMING;
    ms_follower_find_whole(follower);
    ms_follower_pump(follower);
    return true;
}

/* What comes is not meant for the present question. */
static bool is_deaf(const struct ms_follower *follower)
{
    return follower->state == MS_FOLLOWER_IDLE || follower->state == MS_FOLLOWER_LOOKING ||
           follower->state == MS_FOLLOWER_ASKING;
}

static bool hear_live(struct ms_follower *follower, const struct ms_command *command)
{
    if (is_deaf(follower)) {
        return true;
    }
    if (follower->state != MS_FOLLOWER_SIFTING || command->id.seq > follower->kept ||
        !ms_sift_list(&follower->sift, command->payload, command->id.seq)) {
        return false;
    }
    follower->sift_digest = command->count;
    return true;
}

static bool hear_copy(struct ms_follower *follower, const struct ms_command *command)
{
    const struct expected expected = {follower->copied, follower->copy_seq, false};
    struct ms_bytes entries = command->payload;
    ms_seq highest = 0;

    if (is_deaf(follower)) {
        return true;
    }
    if (follower->state != MS_FOLLOWER_COPYING) {
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
    ms_follower_persist(follower, highest, entries);
    return true;
}

static bool take_batch(struct ms_follower *follower, const struct ms_command *command,
                       struct ms_bytes entries)
{
    const ms_seq seq = command->id.seq;
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
    follower->is_ack_due |=
        (command->flags & MS_FLAG_PROMPT) != 0; /* with that of others that came with it */
    follower->knows_hands |= (command->flags & MS_FLAG_TIP) != 0;
    ms_follower_persist(follower, seq, entries);
    return true;
}

static bool hear_log(struct ms_follower *follower, const struct ms_command *command)
{
    struct ms_pieces *parts = &follower->parts;
    struct ms_bytes entries = command->payload;

    if (is_deaf(follower)) {
        return true;
    }
    if (follower->state != MS_FOLLOWER_STREAMING || command->token.epoch != follower->place.epoch ||
        command->token.n != follower->place.n + 1 || command->id.seq < follower->last ||
        entries.size == 0 || (parts->size > 0 && follower->parts_seq != command->id.seq)) {
        return false;
    }
    follower->parts_seq = command->id.seq;
    if ((command->flags & LOG_LAST) == 0) {
        return ms_pieces_gather(parts, entries);
    }
    return ms_pieces_complete(parts, &entries) && take_batch(follower, command, entries);
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
    case MS_KIND_LOG_LIVE:
        is_sound = hear_live(follower, command);
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
