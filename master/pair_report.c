#include "master/pair_report.h"

#include "core/invariant.h"
#include "master/pair_alarms.h"
#include "master/pair_state.h"

const char *ms_pair_place_name(uint8_t place)
{
    static const char *const names[MS_MASTERS] = {"primary", "backup"};

    ms_assert(place < MS_MASTERS);
    return names[place];
}

/* Who is in S, in the words of --role. */
static const char *in_sync(const struct ms_pair_stats *stats)
{
    return stats->is_pair ? "primary and backup" : ms_pair_place_name(stats->place);
}

void ms_pair_tell(void *context, ms_time now, struct ms_half_facts *facts_out)
{
    const struct ms_pair *pair = context;
    struct ms_pair_stats stats;

    ms_pair_stats(pair, &stats);
    *facts_out = (struct ms_half_facts){
        .state = ms_council_state_name(stats.state),
        .in_sync = in_sync(&stats),
        .lag_bytes = stats.lag_bytes,
        .witnesses_count = stats.witnesses_count,
        .witnesses_connected = stats.witnesses_connected,
    };
    ms_pair_alarms(pair, now, &facts_out->alarms);
}

/* The first has the name that the only one had once; programs of then see the most urgent. */
static void fill_alarms(struct ms_pair *pair, ms_time now)
{
    struct ms_pair_alarms alarms;

    ms_pair_alarms(pair, now, &alarms);
    ms_page_text(pair->page, "alarm", alarms.count > 0 ? alarms.texts[0] : "none");
    for (uint32_t i = 1; i < alarms.count; i++) {
        ms_page_text(pair->page, "alarm_also", alarms.texts[i]);
    }
}

/* Which of the enrolled ones have to be looked for. */
static void fill_witnesses(struct ms_pair *pair)
{
    const struct ms_witnesses *list = &ms_council_record(pair->council)->witnesses;

    for (uint32_t i = 0; i < list->count; i++) {
        char id[MS_PAGE_ID_SIZE];
        struct ms_text text;

        ms_text_init(&text, id, sizeof id);
        ms_page_print_uuid(&text, &list->ids[i]);
        ms_page_text(pair->page,
                     ms_council_has_witness(pair->council, &list->ids[i]) ? "witness_here"
                                                                          : "witness_lost",
                     id);
    }
}

static void fill(struct ms_pair *pair, ms_time now, const struct ms_pair_link *link)
{
    struct ms_report_page *page = pair->page;
    struct ms_pair_stats stats;

    ms_pair_stats(pair, &stats);
    ms_page_begin(page);
    ms_page_text(page, "name", pair->name);
    ms_page_text(page, "build", pair->build);
    ms_page_text(page, "configured", ms_pair_place_name(stats.place));
    ms_page_text(page, "role", pair->tenure != MS_TENURE_NONE ? "active" : "passive");
    ms_page_text(page, "state", ms_council_state_name(stats.state));
    fill_alarms(pair, now);
    ms_page_text(page, "orders_at", ms_pair_obeys(pair, link) ? "" : pair->apart);
    ms_page_number(page, "epoch", stats.epoch);
    ms_page_number(page, "promised", stats.promised);
    ms_page_number(page, "copies", stats.copies);
    ms_page_text(page, "peer", stats.has_peer ? "connected" : "lost");
    ms_page_number(page, "lag_bytes", stats.lag_bytes);
    ms_page_number(page, "witnesses", stats.witnesses_count);
    ms_page_number(page, "witnesses_connected", stats.witnesses_connected);
    fill_witnesses(pair);
    ms_page_number(page, "catchups_total", stats.copies_total + stats.catchups_total);
    ms_page_number(page, "copies_total", stats.copies_total);
    ms_page_number(page, "standby_slow_total", stats.slow_total);
    ms_page_number(page, "differences_total", stats.differences_total);
    ms_page_number(page, "divergent", stats.divergent);
    ms_page_number(page, "unmerged", stats.unmerged);
    ms_page_number(page, "merges_known_total", stats.merges_known_total);
    ms_page_number(page, "merged_total",
                   stats.merged.adopted + stats.merged.settled + stats.merged.lifted +
                       stats.merged.closed);
    ms_page_number(page, "outcome_conflicts_total", stats.merged.outcome_conflict);
    ms_page_number(page, "cancels_raced_total", stats.merged.cancel_raced);
    ms_page_number(page, "unmerged_total", stats.merged.refused);
    ms_page_end_row(page);
}

void ms_pair_answer_order(struct ms_pair *pair, struct ms_pair_link *link, enum ms_error error)
{
    link->ordered = MS_PAIR_ORDERED_NOTHING;
    ms_pair_send(pair, link,
                 &(struct ms_command){.kind = MS_KIND_ORDER_ACK,
                                      .error = (uint16_t)error,
                                      .count = link->order,
                                      .detail = error == MS_E_OK
                                                    ? (struct ms_bytes){NULL, 0}
                                                    : ms_bytes_of(pair->complaint.text)});
}

void ms_pair_carry_out_order(struct ms_pair *pair, ms_time now, struct ms_pair_link *link)
{
    const ms_peer peer = link->peer;
    enum ms_error error;

    pair->complaint.text[0] = '\0';
    link->ordered = MS_PAIR_ORDERED_NOTHING;
    error = ms_council_order(pair->council, now, (enum ms_order)link->order, &pair->complaint);
    ms_pair_act(pair);
    if (link->peer != peer) {
        return; /* it is one of those that were closed by that */
    }
    if (pair->writing.state == MS_PAIR_WRITTEN || (error != MS_E_OK && error != MS_E_RETRY_LATER)) {
        ms_pair_answer_order(pair, link, error);
    } else {
        link->ordered = error == MS_E_OK ? MS_PAIR_ORDER_DONE : MS_PAIR_ORDER_WAITS;
    }
}

void ms_pair_order(struct ms_pair *pair, ms_time now, struct ms_pair_link *link,
                   const struct ms_command *order)
{
    if (order->count == MS_ORDER_STATUS) {
        fill(pair, now, link);
        pair->page->report.last = true;
        ms_pair_send(pair, link,
                     &(struct ms_command){.kind = MS_KIND_REPORT,
                                          .count = order->count,
                                          .body.report = &pair->page->report});
        return;
    }
    if (link->ordered != MS_PAIR_ORDERED_NOTHING) { /* the one before is not answered yet */
        ms_pair_send(pair, link,
                     &(struct ms_command){.kind = MS_KIND_ORDER_ACK,
                                          .error = MS_E_RETRY_LATER,
                                          .count = order->count});
        return;
    }
    pair->complaint.text[0] = '\0';
    link->order = order->count;
    if (!ms_pair_obeys(pair, link)) {
        ms_complain(&pair->complaint, "orders are taken at %s only (--peer-listen)", pair->apart);
        ms_pair_answer_order(pair, link, MS_E_PERMISSION);
    } else if (order->count >= MS_ORDER_COUNT) {
        ms_pair_answer_order(pair, link, MS_E_BAD_ARGUMENT);
    } else {
        ms_pair_carry_out_order(pair, now, link);
    }
}
