/* The connections of slaves and clients to masters: one is in use, and another one may be parked beside it. */
#ifndef SIM_OBSERVER_PARKED_H
#define SIM_OBSERVER_PARKED_H

#include "tests/sim/world.h"

#define SIM_LINES_MAX 4 /* more than any of them may have */

/* As the engine of a slave or client knows it, from PEER_OPENED to CLOSE or PEER_CLOSED. */
struct sim_line {
    ms_peer peer;   /* MS_PEER_NONE = free */
    ms_epoch epoch; /* of the last frame but ERROR that came on it */
    ms_time
        late_at; /* by the clock of its node: then its master is late; 0 = it has not taken it yet */
    ms_time beat_interval;
    bool is_parked;  /* KEEP was said of it: it stands until it is needed */
    bool has_spoken; /* HELLO was said on it */
    bool has_stayed; /* its master has answered a beat */
};

struct sim_lines {
    struct sim_line lines[SIM_LINES_MAX];
    ms_epoch heard; /* highest epoch that a master has told on any of them */
    /* Of this step. */
    bool is_over;       /* one ended whose master had stayed, */
    bool is_unused;     /* one that was parked was closed, */
    bool is_leaving;    /* BYE was said */
    bool is_to_be_kept; /* of a passive half: somebody came, who may be parked there */
};

void sim_parked_event(struct sim_world *world, struct sim_node *node, const struct ms_event *event);
void sim_parked_effect(struct sim_world *world, struct sim_node *node,
                       const struct ms_effect *effect);
void sim_parked_step(struct sim_world *world, struct sim_node *node);
void sim_parked_forget(struct sim_world *world, const struct sim_node *node);

#endif
