/* What the half of a pair around a master says of itself, for those who ask the master how it is (STATUS). A master alone has
 * none. */
#ifndef MASTER_HALF_H
#define MASTER_HALF_H

#include "core/types.h"

#define MS_PAIR_ALARMS_MAX 26u

/* What an operator should do something about, in words. */
struct ms_pair_alarms {
    uint32_t count;
    const char *texts[MS_PAIR_ALARMS_MAX]; /* "NAME: sentence", literals, the most urgent first */
};

/* Texts are literals. */
struct ms_half_facts {
    const char *state;   /* as muster pair has it */
    const char *in_sync; /* who has to have what is acknowledged, by --role */
    uint64_t lag_bytes;  /* that the other half does not have on its disk */
    uint32_t witnesses_count, witnesses_connected; /* enrolled; of them connected */
    struct ms_pair_alarms alarms;
};

/* Asked only when somebody wants to know. */
struct ms_half {
    void (*tell)(void *context, ms_time now, struct ms_half_facts *facts_out); /* NULL: none */
    void *context;
};

#endif
