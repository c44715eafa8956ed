/* What one half of a pair may have alone, as the state of both: who offers it, and who takes it (pair_reconcile.c). */
#ifndef MASTER_PAIR_MERGE_H
#define MASTER_PAIR_MERGE_H

#include "master/pieces.h"

enum ms_pair_merge_phase {
    MS_PAIR_MERGE_IDLE,
    MS_PAIR_MERGE_WANTED, /* it was refused, maybe because S has both */
    MS_PAIR_MERGE_TAKING,
    MS_PAIR_MERGE_TAKEN, /* the last frame is here; not everything is merged and durable */
};

/* What the other half offers, to be merged (master/suffix.h). */
struct ms_pair_merge {
    enum ms_pair_merge_phase phase;
    struct ms_pieces pieces;
    ms_epoch own;         /* epoch that it served */
    uint64_t next, bytes; /* number of the frame that comes next; taken so far */
};

static inline bool ms_pair_merge_is_on(const struct ms_pair_merge *merge)
{
    return merge->phase == MS_PAIR_MERGE_TAKING || merge->phase == MS_PAIR_MERGE_TAKEN;
}

enum ms_led {
    MS_LED_NOTHING,
    MS_LED_ALONE,   /* others may not know its suffix: it is offered */
    MS_LED_SETTLED, /* the active has what is in it, or it cannot be merged */
};

/* The own reign, if it did not end by a HANDOVER. */
struct ms_pair_led {
    enum ms_led state;
    ms_epoch epoch; /* 0 = it led nothing */
};

static inline struct ms_pair_led ms_pair_led(ms_epoch epoch)
{
    return (struct ms_pair_led){epoch > 0 ? MS_LED_ALONE : MS_LED_NOTHING, epoch};
}

#endif
