/* The conversation in which a deposed active hands over what the new one may lack: see master/suffix.h. */
#include "core/invariant.h"
#include "master/pair_state.h"

#define ALL_SENT   1u /* flag of RECONCILE */
#define ALL_MERGED 1u /* of RECONCILE_ACK */

/* --- the deposed one --- */

bool ms_pair_offers(struct ms_pair *pair)
{
    /* What is in the store that is read now is no more than a part of a copy, when that is taken beside the own. */
    if (pair->led.state != MS_LED_ALONE || !pair->durable.is_complete ||
        ms_follower_is_beside(pair->follower)) {
        return false;
    }
    ms_suffix_offer(pair->suffix, pair->followed_on, pair->followed, pair->led.epoch,
                    ms_pair_knows_hands(pair));
    return true;
}

void ms_pair_keep_as(struct ms_pair *pair)
{
    ms_follower_keep(pair->follower,
                     pair->durable.is_unmergeable ? MS_ASIDE_UNMERGED : MS_ASIDE_MERGED);
}

static void merged(struct ms_pair *pair, ms_time now, const char *text)
{
    pair->led.state = MS_LED_SETTLED;
    pair->unmerged = 0;
    pair->follow_at = now; /* for the copy now */
    ms_council_unmergeable(pair->council, false);
    ms_trace(&pair->engine.trace, MS_LEVEL_INFO, text, "epoch=%llu",
             (unsigned long long)pair->led.epoch);
}

void ms_pair_compare_suffix(struct ms_pair *pair, ms_time now)
{
    switch (ms_suffix_news(pair->suffix)) {
    case MS_SUFFIX_NOTHING:
        return;
    case MS_SUFFIX_MERGED:
        merged(pair, now, "merged");
        ms_follower_keep(pair->follower, MS_ASIDE_MERGED);
        break;
    case MS_SUFFIX_KNOWN:
        merged(pair, now, "merged: nothing of it was new, so the store is not kept");
        ms_follower_spare(pair->follower);
        break;
    case MS_SUFFIX_REFUSED:
        pair->follow_at = now + MS_PAIR_FOLLOW_INTERVAL;
        break;
    case MS_SUFFIX_UNMERGED:
        pair->led.state = MS_LED_SETTLED;
        pair->unmerged = pair->led.epoch;
        ms_follower_keep(pair->follower, MS_ASIDE_UNMERGED);
        ms_council_unmergeable(pair->council, true);
        pair->follow_at = now;
        ms_trace(&pair->engine.trace, MS_LEVEL_ERROR,
                 "not all that this half had alone can be merged: its store is kept as "
                 "unmerged-EPOCH.db",
                 "epoch=%llu", (unsigned long long)pair->led.epoch);
        break;
    }
}

/* --- the active --- */

static void answer(struct ms_pair *pair, const struct ms_pair_link *link, uint8_t flags,
                   enum ms_error error)
{
    const struct ms_pair_merge *merge = &pair->merge;

    ms_pair_send(pair, link,
                 &(struct ms_command){.kind = MS_KIND_RECONCILE_ACK,
                                      .token = {merge->own, merge->next > 0 ? merge->next - 1 : 0},
                                      .count = merge->bytes,
                                      .flags = flags,
                                      .error = (uint16_t)error});
}

void ms_pair_forget_merge(struct ms_pair *pair)
{
    if (pair->master != NULL) {
        ms_reconcile_forget(pair->master);
    }
    if (ms_pair_merge_is_on(&pair->merge)) {
        pair->merge.phase = MS_PAIR_MERGE_IDLE;
    }
    pair->merge.pieces.size = 0;
}

/* Whoever offers has heard why not. */
static void refuse(struct ms_pair *pair, const struct ms_pair_link *link, ms_epoch own,
                   enum ms_error error)
{
    ms_pair_forget_merge(pair);
    pair->merge.own = own;
    answer(pair, link, 0, error);
}

/* A new offer. While S has both nothing becomes durable without the one that offers, so it must leave S first. */
static bool begin(struct ms_pair *pair, const struct ms_pair_link *link,
                  const struct ms_command *command)
{
    struct ms_pair_merge *merge = &pair->merge;

    ms_pair_forget_merge(pair);
    if ((pair->tenure != MS_TENURE_ON && pair->tenure != MS_TENURE_PAUSED) || pair->is_pair ||
        !ms_master_is_ready(pair->master) || !ms_reconcile_begin(pair->master)) {
        pair->merge.phase = MS_PAIR_MERGE_WANTED;
        refuse(pair, link, command->token.epoch, MS_E_NOT_ACTIVE);
        return false;
    }
    merge->phase = MS_PAIR_MERGE_TAKING;
    merge->own = command->token.epoch;
    merge->next = merge->bytes = 0;
    return true;
}

/* A piece is whole: what it has is kept until the last of them is here. */
static void take(struct ms_pair *pair, const struct ms_pair_link *link, struct ms_bytes entries)
{
    enum ms_error error;

    if (!ms_pieces_complete(&pair->merge.pieces, &entries)) {
        refuse(pair, link, pair->merge.own, MS_E_NOT_ACTIVE);
        return;
    }
    error = ms_reconcile_take(pair->master, entries);
    if (error == MS_E_OK) {
        answer(pair, link, 0, MS_E_OK);
    } else {
        refuse(pair, link, pair->merge.own, error == MS_E_NO_MEMORY ? MS_E_NOT_ACTIVE : error);
    }
}

bool ms_pair_hear_offer(struct ms_pair *pair, const struct ms_pair_link *link,
                        const struct ms_command *command)
{
    struct ms_pair_merge *merge = &pair->merge;

    if (command->token.n == 0 && !begin(pair, link, command)) {
        return true;
    }
    if (!ms_pair_merge_is_on(merge) || command->token.epoch != merge->own) {
        return true; /* of one that was refused */
    }
    if (command->token.n != merge->next || merge->phase == MS_PAIR_MERGE_TAKEN) {
        return false;
    }
    merge->next++;
    merge->bytes += command->payload.size;
    if ((command->flags & ALL_SENT) != 0) {
        merge->phase = MS_PAIR_MERGE_TAKEN;
        ms_reconcile_end(pair->master);
        return merge->pieces.size == 0;
    }
    if (command->payload.size == 0) {
        return false;
    }
    if (command->count > 0) {
        if (!ms_pieces_gather(&merge->pieces, command->payload)) {
            refuse(pair, link, merge->own, MS_E_NOT_ACTIVE);
        }
        return true;
    }
    take(pair, link, command->payload);
    return true;
}

/* All that could be merged is durable. What made no sense here, whoever offers keeps. */
static void conclude(struct ms_pair *pair, const struct ms_pair_link *other)
{
    const bool is_known = ms_reconcile_was_known(pair->master);

    pair->master->may_lack = false;
    if (ms_reconcile_has_refused(pair->master)) {
        refuse(pair, other, pair->merge.own, MS_E_STORE_CORRUPT);
        return;
    }
    pair->merges_known_total += is_known;
    answer(pair, other, ALL_MERGED | (is_known ? MS_FLAG_KNOWN : 0), MS_E_OK);
    ms_pair_forget_merge(pair);
}

bool ms_pair_compare_merge(struct ms_pair *pair)
{
    const struct ms_pair_link *other = pair->links.other;
    const bool is_wanted = pair->merge.phase == MS_PAIR_MERGE_WANTED;
    const bool is_expelled = is_wanted && pair->is_pair;

    if (is_wanted) {
        pair->merge.phase = MS_PAIR_MERGE_IDLE;
    }
    if (!ms_pair_merge_is_on(&pair->merge) || other == NULL || ms_engine_room(&pair->engine) == 0) {
        return is_expelled;
    }
    switch (pair->master->reconcile.phase) {
    case MS_RECONCILE_DONE:
        conclude(pair, other);
        break;
    case MS_RECONCILE_FAILED:
        refuse(pair, other, pair->merge.own, MS_E_NOT_ACTIVE);
        break;
    default:
        break;
    }
    return is_expelled;
}
