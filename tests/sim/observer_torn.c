#include "tests/sim/observer_torn.h"

#include "tests/sim/observer.h"

bool sim_attempt_is_apart(const struct sim_world *world, const struct sim_attempt *attempt,
                          uint32_t tenure)
{
    const struct sim_observer *observer = world->observer;
    const uint32_t index = (uint32_t)(attempt - observer->attempts);

    return attempt->master != tenure && (observer->is_torn || index < observer->torn_attempts);
}

bool sim_outcome_is_apart(const struct sim_world *world, const struct sim_record *record,
                          uint32_t tenure)
{
    return record->outcome_master != tenure &&
           (world->observer->is_torn || record->is_outcome_apart);
}

bool sim_join_is_apart(const struct sim_world *world, const struct sim_record *follower,
                       const struct sim_record *leader)
{
    const bool are_of_one = follower->joined_at == follower->outcome_master &&
                            follower->joined_at == leader->outcome_master &&
                            !follower->is_end_merged && !leader->is_end_merged;

    return !are_of_one && (world->observer->is_torn || follower->is_join_apart ||
                           follower->is_outcome_apart || leader->is_outcome_apart);
}

int sim_outcome_rank(enum ms_status status)
{
    return status == MS_STATUS_CANCELLED ? 4 : status == MS_STATUS_OK ? 3 : 2;
}

bool sim_was_torn(const struct sim_world *world)
{
    return world->observer->is_torn || world->observer->torn_attempts > 0;
}

void sim_torn_end(struct sim_world *world)
{
    struct sim_observer *observer = world->observer;

    observer->is_torn = false;
    observer->torn_attempts = observer->attempts_count;
    for (uint32_t i = 0; i < observer->records_count; i++) {
        observer->records[i].is_outcome_apart = observer->records[i].outcome_master != 0;
        observer->records[i].is_join_apart = observer->records[i].leader != SIM_NONE;
    }
}
