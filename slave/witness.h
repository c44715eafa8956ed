/* A witness of a pair of masters: votes about who is active, by the rule of core/decision.h, and keeps its word over crashes. An
 * engine of its own (core/engine.h); a slave may have one beside its own engine. It keeps a connection to every address.
 *
 * Its durable record is written by effect STORE, as the bytes of proto/pair_record.h; no vote leaves before STORED. */
#ifndef SLAVE_WITNESS_H
#define SLAVE_WITNESS_H

#include "core/body.h"
#include "core/engine.h"

struct ms_witness_config {
    struct ms_voter voter;                   /* as read back; zero = a new witness */
    struct ms_known_start known[MS_MASTERS]; /* the same: the newest starts of the halves */
    struct ms_uuid id;   /* drawn with the record; without it a witness is another one */
    const char *masters; /* comma list of addresses, checked; borrowed for the call */
    ms_time beat;        /* until a master says how it is configured; 0 = MS_PEER_BEAT_DEFAULT */
    ms_time silent;      /* the same; 0 = MS_PEER_SILENT_DEFAULT */
    uint64_t seed;
    const char *name, *build; /* borrowed for the call, cut at MS_NAME_MAX */
};

struct ms_witness;

/* NULL when memory is out. */
struct ms_witness *ms_witness_create(const struct ms_witness_config *config);
void ms_witness_destroy(struct ms_witness *witness); /* accepts NULL */
struct ms_engine *ms_witness_engine(struct ms_witness *witness);

/* What is durable. */
const struct ms_voter *ms_witness_voter(const struct ms_witness *witness);

struct ms_witness_stats {
    uint32_t masters_connected;
    ms_epoch promised;
    uint64_t votes_total, refusals_total;
    bool has_cluster;
};
void ms_witness_stats(const struct ms_witness *witness, struct ms_witness_stats *stats_out);

#endif
