/* What the applications of a simulated world ask for. */
#ifndef SIM_LOAD_H
#define SIM_LOAD_H

#include "tests/sim/world.h"

/* A submission as it is drawn: terms is pointed to by submit when any is set. */
struct sim_draft {
    struct ms_command submit;
    struct ms_terms terms;
    bool has_terms;
    bool is_large;
};

/* Draws one for the application of that node; its payload is written into room, which has
 * config.payload_max + SIM_PAYLOAD_MIN bytes, and SIM_PAYLOAD_LARGE at least. The draft points into itself. */
#define SIM_PAYLOAD_MIN   16
#define SIM_PAYLOAD_ARRAY 2048         /* at most, of an array: it goes in one piece */
#define SIM_PAYLOAD_LARGE (160u << 10) /* several parts, where they are needed */
void sim_draft(struct sim_world *world, struct sim_node *node, uint8_t *room,
               struct sim_draft *draft);

#endif
