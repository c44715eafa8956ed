/* The output of attempts, as the application has it. */
#ifndef SIM_OBSERVER_OUTPUT_H
#define SIM_OBSERVER_OUTPUT_H

#include "tests/sim/world.h"

struct sim_attempt;
struct sim_record;

/* Pieces that the application has, and of which attempt. */
struct sim_output {
    uint32_t attempt, count;
    uint64_t hash; /* of one after the other */
};

/* What comes of it has that number: its own; or the next one after those that were taken, where it was merged, or came to another tenure
 * or to a command that joined its own. */
bool sim_attempt_is_number(const struct sim_world *world, const struct sim_record *record,
                           const struct sim_attempt *attempt, uint32_t number);

/* The application is given a piece, or told to forget those that it has. */
void sim_observe_piece(struct sim_world *world, struct sim_record *record,
                       const struct ms_effect *effect);

/* The pieces that the application has are all that the attempt wrote, and nobody else's. */
bool sim_attempt_is_whole(const struct sim_world *world, const struct sim_attempt *attempt,
                          const struct sim_output *stream);

#endif
