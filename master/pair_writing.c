#include "master/pair_writing.h"

#include "core/invariant.h"
#include "master/pair_report.h"
#include "master/pair_state.h"

void ms_pair_write(struct ms_pair *pair, const struct ms_council_act *act)
{
    const size_t size = ms_pair_record_write(pair->record, &act->record);

    ms_assert(pair->writing.state == MS_PAIR_WRITTEN);
    pair->writing.state = MS_PAIR_WRITING;
    pair->storing = act->record;
    ms_engine_emit(
        &pair->engine,
        &(struct ms_effect){.type = MS_EFFECT_STORE, .command = {.payload = {pair->record, size}}});
}

static bool may_be_taken_over_from(const struct ms_pair *pair)
{
    return pair->writing.state == MS_PAIR_WRITING && pair->tenure == MS_TENURE_ON && pair->is_pair;
}

ms_time ms_pair_write_deadline(const struct ms_pair *pair)
{
    return may_be_taken_over_from(pair) ? ms_council_heard_until(pair->council) : MS_TIME_NEVER;
}

void ms_pair_watch_write(struct ms_pair *pair, ms_time now)
{
    if (may_be_taken_over_from(pair) && now >= ms_council_heard_until(pair->council)) {
        ms_trace(&pair->engine.trace, MS_LEVEL_WARN,
                 "the record of the pair is not written in time: pauses", "state=%s",
                 ms_council_state_name(ms_council_state(pair->council)));
        pair->writing.state = MS_PAIR_WRITING_PAUSED;
        ms_pair_pause(pair);
    }
}

/* What was ordered before, in the order of connections: one order may begin the next write. */
static void hear_orders(struct ms_pair *pair, ms_time now)
{
    for (uint32_t i = 0; i < pair->links.end; i++) {
        struct ms_pair_link *link = &pair->links.links[i];

        if (link->peer != MS_PEER_NONE && link->ordered == MS_PAIR_ORDER_DONE) {
            ms_pair_answer_order(pair, link, MS_E_OK);
        }
    }
    for (uint32_t i = 0; i < pair->links.end; i++) {
        struct ms_pair_link *link = &pair->links.links[i];

        if (link->peer != MS_PEER_NONE && link->ordered == MS_PAIR_ORDER_WAITS) {
            ms_pair_carry_out_order(pair, now, link);
        }
    }
}

void ms_pair_stored(struct ms_pair *pair, ms_time now, const struct ms_event *event)
{
    const bool is_paused = pair->writing.state == MS_PAIR_WRITING_PAUSED;

    if (event->error != MS_E_OK) {
        ms_pair_fail(pair, now, event->error);
        return;
    }
    ms_assert(pair->writing.state != MS_PAIR_WRITTEN);
    pair->writing.state = MS_PAIR_WRITTEN;
    pair->durable = pair->storing;
    if (is_paused) { /* the council may pause it at once */
        ms_pair_resume(pair);
    }
    ms_council_stored(pair->council, now);
    ms_pair_act(pair);
    hear_orders(pair, now);
    if (pair->writing.has_stop && pair->writing.state == MS_PAIR_WRITTEN) {
        pair->writing.has_stop = false;
        ms_pair_hear_stop(pair, now, &(struct ms_event){.type = MS_EVENT_STOP});
    }
}
