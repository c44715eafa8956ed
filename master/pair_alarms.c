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

/* Passive, and the other half is not there: why it does not take over, or not yet. */
static const char *of_lost(const struct ms_pair *pair, const struct ms_pair_stats *stats)
{
    const struct ms_council_record *record = ms_council_record(pair->council);

    if (!record->is_complete) {
        return "NOT_ELIGIBLE: the other half is lost, and this one has not everything: bring the "
               "other one back";
    }
    if (!ms_council_may_lead(pair->council)) {
        return "NOT_ELIGIBLE: the other half is lost, and was alone before: start it; if its disk "
               "is lost: muster promote --force --i-know";
    }
    if (ms_council_is_disarmed(pair->council) && record->hold.is_on) {
        return ms_council_failover(pair->council) == MS_FAILOVER_MANUAL
                   ? "PEER_LOST_HELD: the other half is lost, and automatic takeover is switched "
                     "off; muster promote"
                   : "PEER_LOST_HELD: the other half is lost, and automatic takeover is switched "
                     "off; muster promote, or muster unhold";
    }
    if (ms_council_mismatch(pair->council) != NULL) {
        return "PEER_LOST: the other half is lost, and was configured otherwise, so nothing is "
               "taken over by itself; muster promote";
    }
    if (ms_council_failover(pair->council) == MS_FAILOVER_EVIDENCE &&
        !ms_council_is_agreed(pair->council)) {
        return "PEER_LOST: the other half is lost, and has not told yet how it is configured, so "
               "nothing is taken over by evidence; if it is down for good: muster promote --force "
               "--i-know";
    }
    if (ms_council_failover(pair->council) == MS_FAILOVER_EVIDENCE) {
        return "PEER_LOST: the other half is lost; takes over when a slave or client comes that "
               "has lost it too";
    }
    if (stats->witnesses_count == 0) {
        return "PEER_LOST_NO_QUORUM: the other half is lost, and no witness is enrolled; if it is "
               "down for good: muster promote --force --i-know";
    }
    if (!has_quorum(stats)) {
        return "PEER_LOST_NO_QUORUM: the other half is lost, and too few witnesses answer to take "
               "over; if it is down for good: muster promote --force --i-know";
    }
    if (ms_council_is_disarmed(pair->council)) {
        return "PEER_LOST_MANUAL: the other half is lost, and takeover is left to an operator "
               "(--failover manual); muster promote";
    }
    return ms_council_is_refused(pair->council)
               ? "PEER_LOST_REFUSED: the other half is lost, and the witnesses do not vote for "
                 "this one: they hear the other, or it was alone before; start it; if its disk is "
                 "lost: muster promote --force --i-know"
               : "PEER_LOST: the other half is lost; the witnesses are asked";
}

static const char *of_catching_up(const struct ms_pair *pair, const struct ms_pair_stats *stats)
{
    if (stats->is_merging) {
        return "MERGING: what this half had alone is handed to the active one";
    }
    if (ms_follower_is_cramped(pair->follower) && !ms_council_record(pair->council)->is_complete) {
        return "NOT_ELIGIBLE: there was no room for a copy beside what this half had, so it is of "
               "no "
               "use before the copy is whole: the active one must not be lost until then";
    }
    return "NOT_ELIGIBLE: cannot take over before it has everything and is admitted";
}

static void add_of_passive(struct ms_pair_alarms *alarms, const struct ms_pair *pair, ms_time now,
                           const struct ms_pair_stats *stats)
{
    const struct ms_council_record *record = ms_council_record(pair->council);
    const bool is_silent = ms_council_is_silent(pair->council, now);
    const bool is_lost = !stats->has_peer || is_silent;
    const bool is_refused = is_lost && now < pair->links.refused_until;
    const bool is_unlike = is_lost && ms_council_mismatch(pair->council) != NULL; /* told below */

    if (is_refused) {
        add(alarms, "REFUSED: the other half answers, and refuses this one; the log of this one "
                    "says why: is another one in its place, or does --peer lead elsewhere?");
    }
    if (record->is_fresh && stats->state != MS_COUNCIL_CATCHUP) {
        if (!record->is_outlived) {
            add(alarms,
                pair->config.council.is_bootstrap
                    ? "FRESH: belongs to no pair yet; --bootstrap waits until the other half, "
                      "and each witness of the list, has said that it knows of none"
                    : "FRESH: belongs to no pair yet; waits for an active half, or for "
                      "--bootstrap on one of both");
        }
    } else if (stats->state == MS_COUNCIL_CATCHUP) {
        add(alarms, of_catching_up(pair, stats));
    } else if (is_lost && !is_refused && !is_unlike) {
        add(alarms, of_lost(pair, stats));
    } else if (stats->state == MS_COUNCIL_PENDING && !is_refused && !is_unlike) {
        add(alarms, ms_council_peer_is_fresh(pair->council)
                        ? "PEER_FRESH: the other half has an empty directory, and this one may "
                          "lack what that one had alone before, if nobody votes for it: put its "
                          "disk back; if that is lost: muster promote --force --i-know"
                        : "PENDING: nobody is known to be active");
    }
    if (stats->has_peer && is_silent) {
        add(alarms,
            "PEER_SILENT: the connection to the other half stands, and nothing comes on it; "
            "is that machine stopped, or a firewall dropping what it says?");
    }
}

static void add_of_active(struct ms_pair_alarms *alarms, const struct ms_pair *pair,
                          const struct ms_pair_stats *stats)
{
    const struct ms_decision *decision = &ms_council_record(pair->council)->voter.accepted;
    const bool is_unfenced =
        pair->config.council.is_degrading && decision->kind == MS_DECISION_FORCED;

    if (pair->master != NULL && pair->master->selfcheck.is_raised) {
        add(alarms,
            MS_SELFCHECK_ALARM ": commands wait although a slave that runs them has nothing to do: "
                               "muster status says which");
    }
    if (stats->state == MS_COUNCIL_HOLD) {
        add(alarms,
            has_quorum(stats)
                ? "PEER_LOST_REFUSED: the other half is lost, and the witnesses do not vote for "
                  "going on alone: they hear it, or have voted for it; look at the network, and at "
                  "the other half"
                : "PEER_LOST_NO_QUORUM: the other half is lost, and too few witnesses answer to "
                  "go on alone");
    }
    if (stats->peer_room == MS_ROOM_NONE) {
        add(alarms, "STANDBY_FULL: no room is left in the data directory of the other half, so it "
                    "does not come in sync: make room there");
    }
    if (stats->is_slow && stats->is_pair) {
        add(alarms,
            "STANDBY_SLOW: the disk of the other half is slow, full or stuck, and work waits "
            "for it: too few witnesses answer to go on alone");
    } else if (stats->is_slow) {
        add(alarms, "STANDBY_SLOW: the disk of the other half is slow, full or stuck, so work does "
                    "not wait for it; it counts again when it has kept up for a while");
    }
    if (stats->state == MS_COUNCIL_SOLO && !stats->has_peer && is_unfenced && !has_quorum(stats)) {
        add(alarms, "UNFENCED: goes on alone without votes, so the other half may be active too; "
                    "bring it back, and witnesses");
    } else if (stats->state == MS_COUNCIL_SOLO && !stats->has_peer) {
        add(alarms, "DEGRADED: one copy only, the other half is not there");
    } else if (stats->state == MS_COUNCIL_SOLO && !stats->is_slow) {
        add(alarms, "CATCHING_UP: one copy only, until the other half has everything");
    }
}

/* What went wrong, and stays told until somebody has seen to it. */
static void add_of_past(struct ms_pair_alarms *alarms, const struct ms_pair *pair,
                        const struct ms_pair_stats *stats)
{
    const struct ms_council_record *record = ms_council_record(pair->council);

    if (record->is_forced) {
        add(alarms, "FORCED: this half is active by force; what only the other half had is missing "
                    "until that is back, and it must not serve anybody meanwhile");
    }
    if (record->is_outlived && !record->is_fresh) {
        add(alarms, "OLD_COPY: this data directory was an older copy when it was started; it was "
                    "copied to and counts again; the next start clears this");
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
        [MS_NOTICE_PEER_TWICE] = "PEER_TWICE: two masters come with the --role of the other half; "
                                 "the one that was here first counts, the other one is refused: "
                                 "stop the one that is not meant",
        [MS_NOTICE_EPOCH_SHOWN] = "EPOCH_SHOWN: a slave or client has heard of a higher epoch than "
                                  "the masters of this pair know, and is refused; the log says "
                                  "who: restart that one",
        [MS_NOTICE_EPOCH_FAR] = "EPOCH_FAR: the other half or a witness has promised an epoch that "
                                "nobody can have come to; the log says who",
    };

    if (ms_pair_links_are_own(&pair->links)) {
        add(alarms, "PEER_SELF: --peer of this half leads to itself and nowhere else; it is to say "
                    "where the other half is");
    }
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
    const char *mismatch = ms_council_mismatch(pair->council);

    if (mismatch != NULL) {
        add(alarms, mismatch);
    }
    if (mismatch != NULL && pair->tenure == MS_TENURE_NONE && !stats->has_peer) {
        add(alarms, of_lost(pair, stats));
    }
    if (ms_council_has_other_routes(pair->council)) {
        add(alarms, "ROUTES_MISMATCH: both halves have different routes in their configuration; "
                    "give both the same file, and SIGHUP");
    }
    if (record->hold.is_on && !(stats->state == MS_COUNCIL_SYNC && !stats->has_peer)) {
        add(alarms, "HELD: automatic takeover is switched off; muster unhold");
    }
    if (record->is_fresh || ms_council_failover(pair->council) == MS_FAILOVER_EVIDENCE) {
        return;
    }
    if (record->witnesses.count == 0) {
        add(alarms, "AUTO_FAILOVER_DISARMED: no witness is enrolled, takeover needs an operator");
    } else if (!has_quorum(stats)) {
        add(alarms,
            "WITNESSES_LOST: too few of the enrolled witnesses answer for a takeover; witness_lost "
            "in --json says which: start them, or others in their place; if there will be fewer "
            "for good, name those that are left by --witness ID,... on both masters");
    }
}

void ms_pair_alarms(const struct ms_pair *pair, ms_time now, struct ms_pair_alarms *alarms_out)
{
    const struct ms_council_record *record = ms_council_record(pair->council);
    struct ms_pair_stats stats;

    ms_pair_stats(pair, &stats);
    alarms_out->count = 0;
    if (stats.state == MS_COUNCIL_HALTED) { /* it does nothing any more, so nothing else matters */
        add(alarms_out,
            "STORE_FAILED: this half acknowledges nothing any more; restart it when its "
            "disk is sound");
        return;
    }
    if (stats.unmerged > 0 || stats.refused > 0) {
        add(alarms_out, "NOT_MERGED: not all that this half had alone could be merged; it is kept "
                        "as unmerged-EPOCH.db in its data directory, until somebody removes that: "
                        "muster check, muster export");
    }
    if (stats.is_stuck) {
        add(alarms_out,
            pair->tenure == MS_TENURE_NONE
                ? "STORE_STUCK: the disk of this half does not answer, so it does not follow, and "
                  "cannot take over: look at that disk"
                : "STORE_STUCK: the disk of this half does not answer, so nothing is "
                  "acknowledged; the other half takes over if it is in sync and may: look at that "
                  "disk");
    }
    if (stats.room == MS_ROOM_NONE) {
        add(alarms_out, "STORE_FULL: no room is left in the data directory of this half, and what "
                        "is to be written there waits: make room");
    } else if (stats.room == MS_ROOM_SHORT) {
        add(alarms_out, pair->tenure == MS_TENURE_NONE
                            ? "STORE_SHORT: little room is left in the data directory of this "
                              "half, and as the active one it would refuse submissions for it: "
                              "make room"
                            : "STORE_SHORT: little room is left in the data directory of this "
                              "half, and submissions are refused for it: make room");
    }
    if (record->is_outlived && record->is_fresh) {
        add(alarms_out, "OLD_COPY: this data directory is older than what the others know of it (a "
                        "clone, a snapshot, a backup put back, or two that run at once): it counts "
                        "for nothing until the active half has copied everything to it");
    }
    if (pair->tenure == MS_TENURE_NONE) {
        add_of_passive(alarms_out, pair, now, &stats);
    } else {
        add_of_active(alarms_out, pair, &stats);
    }
    add_of_others(alarms_out, pair, now);
    add_of_past(alarms_out, pair, &stats);
    add_of_takeover(alarms_out, pair, &stats);
}
