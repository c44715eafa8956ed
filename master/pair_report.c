#include "master/pair_report.h"

#include "core/invariant.h"
#include "master/pair_state.h"

const char *ms_pair_place_name(uint8_t place)
{
    static const char *const names[MS_MASTERS] = {"primary", "backup"};

    ms_assert(place < MS_MASTERS);
    return names[place];
}

static const char *alarm_of_alone(const struct ms_pair *pair, const struct ms_pair_stats *stats)
{
    const struct ms_decision *decision = &ms_council_record(pair->council)->voter.accepted;

    if (stats->has_peer) {
        return "CATCHING_UP: one copy only, until the other half has everything";
    }
    if (pair->config.council.is_degrading && decision->kind == MS_DECISION_FORCED) {
        return "UNFENCED: goes on alone without votes, so the other half may be active too; bring "
               "it "
               "back, and witnesses";
    }
    return "DEGRADED: one copy only, the other half is not there";
}

/* What an operator should know of, in words; the first that holds. */
static const char *alarm_of(const struct ms_pair *pair, const struct ms_pair_stats *stats)
{
    const struct ms_council_record *record = ms_council_record(pair->council);

    if (stats->unmerged > 0 && stats->state != MS_COUNCIL_HALTED) {
        return "NOT_MERGED: what this half had alone could not be merged; it is kept as "
               "divergent-EPOCH.db in its data directory: muster check, muster export";
    }
    switch (stats->state) {
    case MS_COUNCIL_HALTED:
        return "STORE_FAILED: this half acknowledges nothing any more; restart it when its disk is "
               "sound";
    case MS_COUNCIL_HOLD:
        return "PEER_LOST_NO_QUORUM: the other half is lost, and too few witnesses answer to go on "
               "alone";
    case MS_COUNCIL_SOLO:
        return alarm_of_alone(pair, stats);
    case MS_COUNCIL_PENDING:
        return record->is_fresh ? "FRESH: waits for an active half to be caught up from"
                                : "PENDING: nobody is known to be active";
    case MS_COUNCIL_CATCHUP:
        if (stats->is_merging) {
            return "MERGING: what this half had alone is handed to the active one";
        }
        return "NOT_ELIGIBLE: cannot take over before it has everything and is admitted";
    case MS_COUNCIL_SYNC:
        if (!stats->has_peer && record->is_held) {
            return "PEER_LOST_HELD: the active half is lost, and automatic takeover is switched "
                   "off; muster promote, or muster unhold";
        }
        if (!stats->has_peer && ms_council_failover(pair->council) == MS_FAILOVER_EVIDENCE) {
            return "PEER_LOST: the active half is lost; takes over when a slave or client comes "
                   "that has lost it too";
        }
        if (!stats->has_peer) {
            return "PEER_LOST_NO_QUORUM: the active half is lost, and too few witnesses answer to "
                   "take over; if it is down for good: muster promote --force --i-know";
        }
        break;
    default:
        break;
    }
    if (record->is_held) {
        return "HELD: automatic takeover is switched off; muster unhold";
    }
    if (ms_council_failover(pair->council) == MS_FAILOVER_EVIDENCE) {
        return "none";
    }
    if (record->witnesses.count == 0) {
        return "AUTO_FAILOVER_DISARMED: no witness is enrolled, takeover needs an operator";
    }
    return stats->witnesses_connected * 2 <= stats->witnesses_count
               ? "WITNESSES_LOST: too few of the enrolled witnesses answer for a takeover"
               : "none";
}

static void fill(struct ms_pair *pair)
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
    ms_page_text(page, "alarm", alarm_of(pair, &stats));
    ms_page_number(page, "epoch", stats.epoch);
    ms_page_number(page, "promised", stats.promised);
    ms_page_number(page, "copies", stats.copies);
    ms_page_text(page, "peer", stats.has_peer ? "connected" : "lost");
    ms_page_number(page, "lag_bytes", stats.lag_bytes);
    ms_page_number(page, "witnesses", stats.witnesses_count);
    ms_page_number(page, "witnesses_connected", stats.witnesses_connected);
    ms_page_number(page, "catchups_total", stats.copies_total + stats.catchups_total);
    ms_page_number(page, "copies_total", stats.copies_total);
    ms_page_number(page, "divergent", stats.divergent);
    ms_page_number(page, "merged_total",
                   stats.merged.adopted + stats.merged.settled + stats.merged.lifted +
                       stats.merged.closed);
    ms_page_number(page, "outcome_conflicts_total", stats.merged.outcome_conflict);
    ms_page_number(page, "cancels_raced_total", stats.merged.cancel_raced);
    ms_page_number(page, "unmerged_total", stats.merged.refused);
    ms_page_end_row(page);
}

void ms_pair_order(struct ms_pair *pair, ms_time now, const struct ms_pair_link *link,
                   const struct ms_command *order)
{
    enum ms_error error;

    if (order->count == MS_ORDER_STATUS) {
        fill(pair);
        pair->page->report.last = true;
        ms_pair_send(pair, link,
                     &(struct ms_command){.kind = MS_KIND_REPORT,
                                          .count = order->count,
                                          .body.report = &pair->page->report});
        return;
    }
    pair->complaint.text[0] = '\0';
    error =
        order->count < MS_ORDER_COUNT
            ? ms_council_order(pair->council, now, (enum ms_order)order->count, &pair->complaint)
            : MS_E_BAD_ARGUMENT;
    ms_pair_send(pair, link,
                 &(struct ms_command){.kind = MS_KIND_ORDER_ACK,
                                      .error = (uint16_t)error,
                                      .count = order->count,
                                      .detail = ms_bytes_of(pair->complaint.text)});
}
