/* While the council's record is on its way to the disk, which may take its time. Nothing that depends on it leaves before: the
 * council sees to that by the order of its acts. The rest goes on, as long as the other half hears us. */
#ifndef MASTER_PAIR_WRITING_H
#define MASTER_PAIR_WRITING_H

#include "core/types.h"

struct ms_pair;
struct ms_event;
struct ms_council_act;

struct ms_pair_writing {
    enum {
        MS_PAIR_WRITTEN,
        MS_PAIR_WRITING,
        MS_PAIR_WRITING_PAUSED, /* and serves nobody meanwhile */
    } state;
    bool has_stop; /* STOP came, and is heard afterwards */
    uint8_t
        told; /* enum ms_council_state, as the log has it: the council's own may depend on what is being written */
};

/* Of an operator; while a record is written nothing can be decided, and what was decided is not so yet. */
enum ms_pair_ordered {
    MS_PAIR_ORDERED_NOTHING,
    MS_PAIR_ORDER_WAITS, /* it is carried out when the record is written */
    MS_PAIR_ORDER_DONE,  /* it is answered then */
};

/* An act of the council, and the event that answers it. */
void ms_pair_write(struct ms_pair *pair, const struct ms_council_act *act);
void ms_pair_stored(struct ms_pair *pair, ms_time now, const struct ms_event *event);

/* STOP, or what is left of it to do. */
void ms_pair_hear_stop(struct ms_pair *pair, ms_time now, const struct ms_event *event);

/* Meanwhile the council is blind and sends no beats. So whoever is active by S of both pauses as it would without a write: when the
 * other half has not answered for the lease, and may soon take over, slaves and clients shall look for that one. */
void ms_pair_watch_write(struct ms_pair *pair, ms_time now);
ms_time ms_pair_write_deadline(const struct ms_pair *pair);

#endif
