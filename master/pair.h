/* One half of a pair of masters as an engine: the council decides, the mirror and the follower keep both logs equal, and
 * while this half is active a master engine lives within it. See docs/decisions/0011-pair-design.md.
 *
 * Driven like any engine. Its store is opened by the driver, but read back only at the effect REPLAY. It listens
 * from the start: whoever is passive answers slaves and clients NOT_ACTIVE. */
#ifndef MASTER_PAIR_H
#define MASTER_PAIR_H

#include "master/council.h"
#include "master/master.h"
#include "master/reconcile.h"

struct ms_pair_config {
    struct ms_master_config
        master; /* of each tenure; epoch, is_durable and is_paired are filled in */
    struct ms_council_config council;
    struct ms_trace trace;
    const char *peer; /* where the other half is: comma list of addresses; borrowed for the call */
};

struct ms_pair;

/* NULL when memory is out. */
struct ms_pair *ms_pair_create(const struct ms_pair_config *config);
void ms_pair_destroy(struct ms_pair *pair); /* accepts NULL */
struct ms_engine *ms_pair_engine(struct ms_pair *pair);

/* As the functions of the same name of a master. */
void ms_pair_set_wall(struct ms_pair *pair, int64_t wall_offset);
/* So many stores that were set aside are in its data directory, merged and not. */
void ms_pair_set_asides(struct ms_pair *pair, const uint32_t counts[static MS_ASIDES]);
/* It has listeners for the pair alone, the first of them there: only they take the other half, and orders that change
 * something, and they take nobody else. Before anything is received. */
void ms_pair_set_apart(struct ms_pair *pair, const char *address);
/* Where slaves and clients reach it: addresses separated by commas. The other half tells them while this one is active. */
void ms_pair_set_reached(struct ms_pair *pair, const char *addresses);
void ms_pair_reconfigure(struct ms_pair *pair, const struct ms_master_config *config);

/* As ms_master_set_routes: of this tenure, if there is one, and of all that follow. */
bool ms_pair_set_routes(struct ms_pair *pair, ms_time now, const struct ms_routes *routes);

/* The master within; NULL while this half is passive. */
struct ms_master *ms_pair_master(struct ms_pair *pair);
/* Slaves and clients that have greeted, and wait until it serves. */
uint32_t ms_pair_greeters(const struct ms_pair *pair);
const struct ms_council *ms_pair_council(const struct ms_pair *pair);

struct ms_pair_stats {
    enum ms_council_state state;
    ms_epoch epoch, promised, served, reign; /* epoch: that is in force as far as is known here */
    uint8_t place, active;
    uint8_t copies;
    bool is_pair, is_paused, has_peer;
    bool is_slow;                                  /* the disk of the other half */
    uint32_t witnesses_count, witnesses_connected; /* enrolled; of them connected */
    uint64_t lag_bytes, copies_total, catchups_total, resumes_total;
    uint64_t slow_total, differences_total;
    ms_seq durable, covered;           /* on the own disk; of those acknowledged, or about to be */
    struct ms_reconcile_totals merged; /* of all tenures */
    bool is_merging; /* what the other half had alone, or what this one had is offered to it */
    enum ms_room room, peer_room; /* on the own disk, on that of the other half */
    bool is_stuck; /* the own disk has room, and has not answered for MS_STORE_SILENCE */
    ms_epoch
        refused; /* own epoch that could not be merged, and is not among those kept yet; 0 = none */
    uint32_t divergent;          /* stores that were set aside */
    uint32_t unmerged;           /* of them, what could not be merged */
    uint64_t merges_known_total; /* that found nothing new */
};
void ms_pair_stats(const struct ms_pair *pair, struct ms_pair_stats *stats_out);

#endif
