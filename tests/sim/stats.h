/* What happened in the runs so far: proof that the faults struck and the work was done. */
#ifndef SIM_STATS_H
#define SIM_STATS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "master/reconcile.h"
#include "tests/sim/config.h"
#include "tests/council/rows.h"

/* Must be seen in a batch of seeds that ... (true: with one master) */
#define SIM_OF_PAIR  2 /* are of a pair, long or short, */
#define SIM_OF_FORCE 3 /* are long ones of a pair, or merge, */
#define SIM_OF_MERGE 4 /* merge */
#define SIM_OF_LONG  5 /* are long ones of a pair */

/* name, text, must be seen in a batch of seeds */
#define SIM_STATS(X)                                                                               \
    X(STEPS, "engine steps", true)                                                                 \
    X(COMMANDS_SUBMITTED, "commands submitted", true)                                              \
    X(OUTCOMES, "outcomes delivered", true)                                                        \
    X(OUTCOMES_OK, "  ok", true)                                                                   \
    X(OUTCOMES_FAIL, "  failed", true)                                                             \
    X(OUTCOMES_CANCELLED, "  cancelled", true)                                                     \
    X(OUTCOMES_TIMEOUT, "  timed out", true)                                                       \
    X(OUTCOMES_CRASHED, "  crashed", true)                                                         \
    X(REFUSED, "submissions refused", true)                                                        \
    X(ATTEMPTS, "attempts run", true)                                                              \
    X(ATTEMPTS_AGAIN, "  second and later", true)                                                  \
    X(ATTEMPTS_ABORTED, "attempts aborted", true)                                                  \
    X(PIECES, "streamed pieces delivered", true)                                                   \
    X(RESUBMITTED, "submissions sent again", true)                                                 \
    X(SESSIONS, "sessions opened", true)                                                           \
    X(RESUMES, "sessions resumed", true)                                                           \
    X(ROLLS, "rolls with attempts in hand", true)                                                  \
    X(DEATHS, "sessions dead by silence", true)                                                    \
    X(RECLAIMS, "sessions reclaimed", true)                                                        \
    X(LATE_RESULTS, "late results refused", true)                                                  \
    X(RETURNS, "commands handed back", true)                                                       \
    X(REVOKES, "attempts revoked", true)                                                           \
    X(CANCELS, "cancels asked", true)                                                              \
    X(QUERIES, "questions answered", true)                                                         \
    X(CALLS, "calls of services carried out", true)                                                \
    X(STALLED_TICKS, "ticks that aged nobody", true)                                               \
    X(CONNECTIONS, "connections", true)                                                            \
    X(PARKED, "  parked beside another one", SIM_OF_PAIR)                                          \
    X(PARKED_USED, "  that were parked, and became the one in use", SIM_OF_PAIR)                   \
    X(CONNECTS_FAILED, "connects failed", true)                                                    \
    X(RESETS, "connections reset", true)                                                           \
    X(HALF_OPENS, "lines gone dead one way", true)                                                 \
    X(PARTITIONS, "partitions", true)                                                              \
    X(FLAPS, "times that a flapping line went off", SIM_OF_LONG)                                   \
    X(CRASHES, "processes killed", true)                                                           \
    X(CRASHES_AT_EFFECT, "  between two effects", true)                                            \
    X(MASTER_CRASHES, "  masters", true)                                                           \
    X(STALLS, "processes stopped for a while", true)                                               \
    X(DRAINS, "drains finished", true)                                                             \
    X(FRAMES_CUT, "frames that arrived in pieces", true)                                           \
    X(INPUT_PAUSED, "clients not read for a while", false)                                         \
    X(WRITES_SHORT, "writes that did not fit", true)                                               \
    X(COMMITS, "commits to a disk", true)                                                          \
    X(RECORDS, "  records", true)                                                                  \
    X(RECORDS_ERASED, "  records erased", true)                                                    \
    X(COMMITS_LOST, "commits lost in a crash", true)                                               \
    X(COMMITS_ORPHANED, "commits that outlived their process unheard", true)                       \
    X(RECOVERIES, "recoveries from a disk", true)                                                  \
    X(RECOVERED, "  commands recovered", true)                                                     \
    X(RECOVERIES_COMPARED, "  compared with what lived", true)                                     \
    X(DISK_FAILURES, "failed writes and syncs", true)                                              \
    X(DISK_REFUSALS, "submissions refused by a full disk", true)                                   \
    X(CORRUPT_STARTS, "starts refused because of damage", true)                                    \
    X(WALL_JUMPS, "jumps of the wall clock", true)                                                 \
    X(ONCE_LOST, "at-most-once commands lost with their slave", true)                              \
    X(EXPIRED, "commands past their deadline", true)                                               \
    X(OPENED, "providers opened", true)                                                            \
    X(TOLD, "outcomes told to providers", true)                                                    \
    X(JOINED, "commands seen behind one with their key", true)                                     \
    X(KEYS, "commands seen with the key that they were submitted with", true)                      \
    X(ARRAYS, "arrays submitted", true)                                                            \
    X(ARRAYS_DONE, "  done as a whole", true)                                                      \
    X(ARRAYS_CANCELLED, "  members cancelled", true)                                               \
    X(ARRAYS_RETRIED, "  members tried again", true)                                               \
    X(ARRAYS_FULL, "  members handed out as the last that may run", true)                          \
    X(ARRAYS_RESUMED, "  members handed out by a later master", true)                              \
    X(ARRAYS_LIMITED, "  that may run more or fewer at a time from now on", true)                  \
    X(BROADCASTS, "broadcasts accepted", true)                                                     \
    X(BROADCASTS_DONE, "  done on all of their slaves", true)                                      \
    X(BROADCASTS_LOST, "  members lost with their slaves", true)                                   \
    X(KEEP_ASKED, "outcomes asked to be kept", true)                                               \
    X(EVICTED, "  that had to go", true)                                                           \
    X(FETCHED, "outcomes fetched", true)                                                           \
    X(FETCHED_LATER, "  of a master before", true)                                                 \
    X(KICKED, "commands kicked", true)                                                             \
    X(KICKED_DONE, "  and done", true)                                                             \
    X(BULK_CANCELLED, "commands cancelled by an operation", true)                                  \
    X(RELEASED, "commands released", true)                                                         \
    X(REPRIORITISED, "commands of another priority", true)                                         \
    X(DRY_RUNS, "dry runs", true)                                                                  \
    X(FLEET_ORDERS, "orders to slaves", true)                                                      \
    X(CORDONED, "  that cordoned one", true)                                                       \
    X(GATED, "commands handed out of a limited type", true)                                        \
    X(GATED_FULL, "  that were the last it may have in hand", true)                                \
    X(GATED_GROUP, "  or that its group may", true)                                                \
    X(PACED, "commands handed out at a rate", true)                                                \
    X(GATED_OLD, "  while slaves still had some of an earlier master", SIM_OF_LONG)                \
    X(CORDONS_LASTED, "  and were there under a later master", SIM_OF_LONG)                        \
    X(STORES, "small records stored", SIM_OF_PAIR)                                                 \
    X(STORES_ORPHANED, "  that outlived their process unheard", SIM_OF_PAIR)                       \
    X(STORES_LOST, "  that were lost in a crash", SIM_OF_PAIR)                                     \
    X(CLEARED, "stores emptied", SIM_OF_PAIR)                                                      \
    X(SET_ASIDE, "  and set aside", SIM_OF_PAIR)                                                   \
    X(SPARED, "  and not, because nothing was new", SIM_OF_PAIR)                                   \
    X(BESIDE, "copies taken beside what is there", SIM_OF_PAIR)                                    \
    X(BESIDE_CRAMPED, "  in its place, for want of room", SIM_OF_LONG)                             \
    X(BESIDE_CUT, "  cut short by a crash", SIM_OF_LONG)                                           \
    X(BESIDE_GIVEN_UP, "  given up to serve with what was there", false)                           \
    X(WIPES, "disks lost", SIM_OF_PAIR)                                                            \
    X(SMALL_FLIPS, "small records with a bit turned over", SIM_OF_PAIR)                            \
    X(SET_BACK, "disks set back", SIM_OF_LONG)                                                     \
    X(RENEWED, "  and begun anew", SIM_OF_LONG)                                                    \
    X(UNLIKE, "lives of halves that were configured otherwise than the other one", SIM_OF_PAIR)    \
    X(OLDER, "lives of halves with an older program", SIM_OF_PAIR)                                 \
    X(OLDER_UPGRADED, "  upgraded", SIM_OF_PAIR)                                                   \
    X(OLDER_PUT_BACK, "  that had a newer one before", SIM_OF_PAIR)                                \
    X(OLDER_LEADS, "  takeovers from a newer program", SIM_OF_PAIR)                                \
    X(OLDER_LED, "  takeovers from it by a newer program", SIM_OF_PAIR)                            \
    X(OLDER_REFUSED, "  refused to lead, with records that only a newer program reads", false)     \
    X(EPOCHS, "epochs served by masters of a pair", SIM_OF_PAIR)                                   \
    X(SERVED_BOOTSTRAP, "  of a new cluster", SIM_OF_PAIR)                                         \
    X(SERVED_SOLO, "  alone, by votes", SIM_OF_PAIR)                                               \
    X(SERVED_INCUMBENT, "  alone, as incumbent", SIM_OF_PAIR)                                      \
    X(SERVED_JOIN, "  with the other half in S again", SIM_OF_PAIR)                                \
    X(SERVED_ADMIT, "  with a new one in S", SIM_OF_PAIR)                                          \
    X(SERVED_HANDOVER, "  handed over", SIM_OF_PAIR)                                               \
    X(SERVED_CONSENT, "  by consent of both", SIM_OF_PAIR)                                         \
    X(SERVED_FORCED, "  by an operator's word", SIM_OF_FORCE)                                      \
    X(TAKEOVERS, "tenures of another node than before", SIM_OF_PAIR)                               \
    X(COPIES, "copies of a log made", SIM_OF_PAIR)                                                 \
    X(COPIES_SPARED, "  spared, because the backlog had it", SIM_OF_PAIR)                          \
    X(CATCHUPS, "  spared, because the store had most of it", SIM_OF_PAIR)                         \
    X(VOTES, "votes for a decision", SIM_OF_PAIR)                                                  \
    X(PROPOSALS, "decisions proposed", SIM_OF_PAIR)                                                \
    X(MIRRORED, "records taken from the active", SIM_OF_PAIR)                                      \
    X(LOGS_COMPARED, "  logs found equal", SIM_OF_PAIR)                                            \
    X(JOINS_ABORTED, "  to take the other half in that came to nothing", SIM_OF_PAIR)              \
    X(CRASHES_PROMISED, "candidates killed between promise and epoch", SIM_OF_PAIR)                \
    X(CALLS_ENDED, "roll-calls ended by a death", SIM_OF_PAIR)                                     \
    X(HANDS_KNOWN, "old commands handed out before all slaves had come back", SIM_OF_PAIR)         \
    X(LEASES, "attempts whose LEASE was written when they were chosen", true)                      \
    X(HANDS_TOLD, "commands that left a whole pair, with their leases at both halves",             \
      SIM_OF_PAIR)                                                                                 \
    X(HANDS_FOUND, "  in hand when a half that knows all hands took over", SIM_OF_PAIR)            \
    X(HANDS_LATER, "leases written of what was in hand before", SIM_OF_PAIR)                       \
    X(LISTS, "small records that say that the list of witnesses changes", SIM_OF_PAIR)             \
    X(REENROLLED, "  witnesses enrolled in the place of one whose disk was lost", false)           \
    X(ORDERS, "orders of operators to halves", SIM_OF_PAIR)                                        \
    X(TORN, "pairs torn apart", SIM_OF_MERGE)                                                      \
    X(LONE, "halves that died for good", SIM_OF_PAIR)                                              \
    X(STRICT, "commands acknowledged as on two disks, or refused", SIM_OF_PAIR)                    \
    X(STRICT_REFUSED, "  refused by a master that was alone", SIM_OF_PAIR)                         \
    X(STUCK, "disks of standbys that did nothing for long", SIM_OF_LONG)                           \
    X(STUCK_ACTIVE, "disks of actives that did nothing for long", SIM_OF_LONG)                     \
    X(GAVE_WAY, "  for which they gave way", SIM_OF_LONG)                                          \
    X(SHED, "standbys that were slow", SIM_OF_LONG)                                                \
    X(MERGES, "stores of deposed masters merged", SIM_OF_FORCE)                                    \
    X(MERGES_KNOWN, "  that found nothing new", SIM_OF_FORCE)                                      \
    X(MERGES_REFUSED, "  with commands that could not be merged", false)                           \
    X(MERGES_CUT, "  interrupted by a death", SIM_OF_MERGE)                                        \
    X(MERGED_ADOPTED, "  commands that the new one did not know", SIM_OF_FORCE)                    \
    X(MERGED_SETTLED, "  that were open, and have the outcome of the old one", SIM_OF_FORCE)       \
    X(MERGED_LIFTED, "  that have another outcome now", SIM_OF_MERGE)                              \
    X(MERGED_CLOSED, "  that were closed over there", SIM_OF_MERGE)                                \
    X(MERGED_OUTCOMES, "  outcomes written as they were found", SIM_OF_MERGE)

enum sim_stat {
#define SIM_STAT_ENUM(name, text, needed) SIM_STAT_##name,
    SIM_STATS(SIM_STAT_ENUM)
#undef SIM_STAT_ENUM
        SIM_STATS_COUNT
};

struct sim_stats {
    uint64_t counts[SIM_STATS_COUNT];
    struct council_rows rows;                         /* of the councils of pairs */
    uint64_t cells[MS_MERGE_STATES][MS_MERGE_STATES]; /* of the table of the merge: commands */
};

void sim_stats_add(struct sim_stats *stats, const struct sim_stats *more);
const char *sim_stat_text(enum sim_stat stat);
void sim_stats_print(const struct sim_stats *stats, FILE *out);

/* False, with the missing ones named, unless everything was seen that must be seen in a batch of such seeds: of short ones also
 * the rows of the council's table, of those that merge each cell of the table of the merge, and some of them of long ones. */
bool sim_stats_are_full(const struct sim_stats *stats, enum sim_kind kind, FILE *out);

#endif
