/* What the parts of the slave's engine share. Only for slave/. */
#ifndef SLAVE_SLAVE_PRIVATE_H
#define SLAVE_SLAVE_PRIVATE_H

#include "core/rng.h"
#include "core/router.h"
#include "core/upstream.h"
#include "slave/attempts.h"
#include "slave/parts.h"
#include "slave/slave.h"

/* Attempts of the largest slave; one step emits the whole roll of them. */
#define MS_SLAVE_ATTEMPTS_MAX (2 * (MS_SLOTS_MAX + MS_PREFETCH_MAX) + MS_SLAVE_RESULTS_MAX)
#define MS_SLAVE_ROLLS_MAX    (MS_SLAVE_ATTEMPTS_MAX / MS_HELD_PER_FRAME_MAX + 1)

/* Effects that a step keeps free for answers while it works off what is pending. */
#define MS_SLAVE_ROOM_MIN 8u

/* Context of one route. */
struct ms_service {
    struct ms_slave *slave;
    ms_time timeout;
    uint64_t payload_max;
};

/* Whatever its connection is like. */
enum ms_slave_life {
    MS_SLAVE_WORKS,
    MS_SLAVE_DRAINS, /* STOP was said: nothing new */
    MS_SLAVE_ENDS,   /* second STOP, or the drain took too long: now */
};

struct ms_slave {
    struct ms_engine engine; /* first */
    struct ms_rng rng;
    struct ms_upstream upstream;
    struct ms_credits credits;
    struct ms_attempts attempts;
    struct ms_parts parts;
    bool are_parts_taken; /* by the step before: they are done with */
    struct ms_router router;
    enum ms_slave_phase phase;
    enum ms_slave_life life;
    bool has_more; /* the last step ran out of room: come back at once */
    enum ms_error end_error;
    ms_time drain_at, drain_timeout;
    uint32_t slots, slots_max, prefetch;
    uint32_t running_max;    /* slots, or what ran when they were lowered */
    struct ms_load load;     /* as it is told with each BEAT */
    struct ms_token highest; /* of all commands of this session */
    uint32_t types_count;
    struct ms_service *services;
    struct ms_announced *announced;
    struct ms_announce announce;
    struct ms_token *tokens;     /* of the roll being sent */
    struct ms_holding *holdings; /* as many */
    struct ms_tokens rolls[MS_SLAVE_ROLLS_MAX];
    struct ms_slave_stats stats; /* the totals */
};

static inline bool ms_slave_has_room(const struct ms_slave *slave)
{
    return ms_engine_room(&slave->engine) > MS_SLAVE_ROOM_MIN;
}

/* serve.c: commands in, results kept. */
void ms_slave_serve(void *context, ms_time now, ms_peer from, const struct ms_command *command);
void ms_slave_command(struct ms_slave *slave, ms_time now, const struct ms_command *command);
void ms_slave_start(struct ms_slave *slave, ms_time now, struct ms_attempt *attempt,
                    struct ms_bytes payload);
void ms_slave_finished(struct ms_slave *slave, const struct ms_command *result);
void ms_slave_output(struct ms_slave *slave, const struct ms_command *output);
void ms_slave_acknowledged(struct ms_slave *slave, const struct ms_command *ack);
void ms_slave_revoked(struct ms_slave *slave, struct ms_token token);
void ms_slave_followed(struct ms_slave *slave, struct ms_token token);
void ms_slave_expire(struct ms_slave *slave, ms_time now);

/* Nobody wants the attempt any more: it is forgotten, or stopped and then forgotten. */
void ms_slave_discard(struct ms_slave *slave, struct ms_attempt *attempt);

/* flow.c: everything that goes out. */
void ms_slave_roll(struct ms_slave *slave);
void ms_slave_go_away(struct ms_slave *slave);
void ms_slave_flow(struct ms_slave *slave, ms_time now);

#endif
