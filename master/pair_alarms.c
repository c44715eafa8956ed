#include "master/pair_alarms.h"

#include "core/invariant.h"
#include "master/pair_state.h"

static void add(struct ms_pair_alarms *alarms, const char *text)
{
    ms_assert(alarms->count < MS_PAIR_ALARMS_MAX);
    alarms->texts[alarms->count++] = text;
}

/* A majority of the enrolled witnesses is connected. */
static bool has_quorum(const struct ms_pair_stats *stats)
{
    return stats->witnesses_connected * 2 > stats->witnesses_count;
}

/* In sync, and the active one is not there: what it waits for, and whether an operator has to say something. */
static const char *of_lost_active(const struct ms_pair *pair, const struct ms_pair_stats *stats)
{
    const enum ms_failover failover = ms_council_failover(pair->council);

    if (ms_council_record(pair->council)->is_held) {
        return "PEER_LOST_HELD: the active half is lost, and automatic takeover is switched off; "
               "muster promote, or muster unhold";
    }
    if (failover == MS_FAILOVER_EVIDENCE) {
        return "PEER_LOST: the active half is lost; takes over when a slave or client comes that "
               "has lost it too";
    }
    if (!has_quorum(stats)) {
        return "PEER_LOST_NO_QUORUM: the active half is lost, and too few witnesses answer to take "
               "over; if it is down for good: muster promote --force --i-know";
    }
    if (failover == MS_FAILOVER_MANUAL) {
        return "PEER_LOST_MANUAL: the active half is lost, and takeover is left to you; if it is "
               "down: muster promote, which asks the witnesses";
    }
    return "PEER_LOST: the active half is lost; the witnesses are asked, and do not vote as long "
           "as it reaches them";
}

static void add_of_passive(struct ms_pair_alarms *alarms, const struct ms_pair *pair, ms_time now,
                           const struct ms_pair_stats *stats)
{
    const bool is_silent = ms_council_is_silent(pair->council, now);

    if (stats->state == MS_COUNCIL_SYNC && (!stats->has_peer || is_silent)) {
        add(alarms, of_lost_active(pair, stats));
    }
    if (stats->has_peer && is_silent) {
        add(alarms,
            "PEER_SILENT: the connection to the other half stands, and nothing comes on it; "
            "is that machine stopped, or a firewall dropping what it says?");
    }
    if (stats->state == MS_COUNCIL_CATCHUP) {
        add(alarms,
            stats->is_merging
                ? "MERGING: what this half had alone is handed to the active one"
                : "NOT_ELIGIBLE: cannot take over before it has everything and is admitted");
    }
    if (stats->state == MS_COUNCIL_PENDING) {
        add(alarms, ms_council_record(pair->council)->is_fresh
                        ? "FRESH: waits for an active half to be caught up from"
                        : "PENDING: nobody is known to be active");
    }
}

static void add_of_active(struct ms_pair_alarms *alarms, const struct ms_pair_stats *stats)
{
    if (stats->state == MS_COUNCIL_HOLD) {
        add(alarms, "PEER_LOST_NO_QUORUM: the other half is lost, and too few witnesses answer to "
                    "go on alone");
    }
    if (stats->is_slow && stats->is_pair) {
        add(alarms,
            "STANDBY_SLOW: the disk of the other half is slow, full or stuck, and work waits "
            "for it: too few witnesses answer to go on alone");
    } else if (stats->is_slow) {
        add(alarms, "STANDBY_SLOW: the disk of the other half is slow, full or stuck, so work does "
                    "not wait for it; it counts again when it has kept up for a while");
    }
    if (stats->state == MS_COUNCIL_SOLO && !stats->has_peer) {
        add(alarms, "DEGRADED: one copy only, the other half is not there");
    } else if (stats->state == MS_COUNCIL_SOLO && !stats->is_slow) {
        add(alarms, "CATCHING_UP: one copy only, until the other half has everything");
    }
}

/* What went wrong, and stays told until somebody has seen to it. */
static void add_of_past(struct ms_pair_alarms *alarms, const struct ms_pair *pair,
                        const struct ms_pair_stats *stats)
{
    if (ms_council_record(pair->council)->is_forced) {
        add(alarms, "FORCED: this half is active by force; what only the other half had is missing "
                    "until that is back, and it must not serve anybody meanwhile");
    }
    if (stats->differences_total > 0) {
        add(alarms, "LOGS_DIFFERED: the other half had other bytes than were sent to it, so it was "
                    "taken out and is copied anew; a memory, a disk or the program is at fault");
    }
}

/* Others that come, and are refused. */
static void add_of_others(struct ms_pair_alarms *alarms, const struct ms_pair *pair, ms_time now)
{
    static const char *const texts[MS_NOTICES] = {
        [MS_NOTICE_PEER_PLACE] = "PEER_ROLE: the other half was started with the same --role as "
                                 "this one; one is primary, the other backup",
        [MS_NOTICE_PEER_CLUSTER] = "PEER_FOREIGN: the master at --peer belongs to another pair",
        [MS_NOTICE_PEER_VERSION] = "PEER_VERSION: the program of the other half is too old or too "
                                   "new to talk to",
        [MS_NOTICE_WITNESS_CLUSTER] = "WITNESS_FOREIGN: a witness comes that belongs to another "
                                      "pair; its --state directory was used there",
        [MS_NOTICE_WITNESS_VERSION] = "WITNESS_VERSION: the program of a witness is too old or too "
                                      "new to talk to",
        [MS_NOTICE_WITNESS_WANTED] = "WITNESS_REFUSED: the list of --witness is not taken, because "
                                     "one on it belongs to another pair",
    };

    for (enum ms_council_notice notice = 0; notice < MS_NOTICES; notice++) {
        if (ms_council_has_notice(pair->council, now, notice)) {
            add(alarms, texts[notice]);
        }
    }
}

/* Nothing is wrong yet. But when the other half is lost, nobody takes over by itself. */
static void add_of_takeover(struct ms_pair_alarms *alarms, const struct ms_pair *pair,
                            const struct ms_pair_stats *stats)
{
    const struct ms_council_record *record = ms_council_record(pair->council);

    if (record->is_held && !(stats->state == MS_COUNCIL_SYNC && !stats->has_peer)) {
        add(alarms, "HELD: automatic takeover is switched off; muster unhold");
    }
    if (record->is_fresh || ms_council_failover(pair->council) == MS_FAILOVER_EVIDENCE) {
        return;
    }
    if (record->witnesses.count == 0) {
        add(alarms, "AUTO_FAILOVER_DISARMED: no witness is enrolled, takeover needs an operator");
    } else if (!has_quorum(stats)) {
        add(alarms, "WITNESSES_LOST: too few of the enrolled witnesses answer for a takeover");
    }
}

void ms_pair_alarms(const struct ms_pair *pair, ms_time now, struct ms_pair_alarms *alarms_out)
{
    struct ms_pair_stats stats;

    ms_pair_stats(pair, &stats);
    alarms_out->count = 0;
    if (stats.state == MS_COUNCIL_HALTED) { /* it does nothing any more, so nothing else matters */
        add(alarms_out,
            "STORE_FAILED: this half acknowledges nothing any more; restart it when its "
            "disk is sound");
        return;
    }
    if (stats.unmerged > 0) {
        add(alarms_out, "NOT_MERGED: what this half had alone could not be merged; it is kept as "
                        "divergent-EPOCH.db in its data directory: muster check, muster export");
    }
    if (pair->tenure == MS_TENURE_NONE) {
        add_of_passive(alarms_out, pair, now, &stats);
    } else {
        add_of_active(alarms_out, &stats);
    }
    add_of_others(alarms_out, pair, now);
    add_of_past(alarms_out, pair, &stats);
    add_of_takeover(alarms_out, pair, &stats);
}
