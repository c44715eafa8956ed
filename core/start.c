#include "core/start.h"

#include "core/invariant.h"

void ms_start_count(struct ms_start *start, uint64_t life)
{
    ms_assert(life != 0);
    start->number++;
    memmove(start->lives + 1, start->lives, sizeof start->lives - sizeof start->lives[0]);
    start->lives[0] = life;
}

void ms_start_renew(struct ms_start *start, uint64_t number)
{
    *start = (struct ms_start){.number = number, .lives = {start->lives[0]}};
}

static bool is_told(uint64_t number)
{
    return number > 0 && number < MS_START_MAX;
}

bool ms_known_outlives(const struct ms_known_start *known, const struct ms_uuid *id,
                       const struct ms_start *start)
{
    if (!is_told(known->number) || !is_told(start->number)) {
        return false;
    }
    if (!ms_uuid_equal(&known->id, id)) {
        return start->number <= known->number;
    }
    if (start->number < known->number) {
        return true;
    }
    const uint64_t since = start->number - known->number;

    return since < MS_START_LIVES && start->lives[since] != 0 && start->lives[since] != known->life;
}

bool ms_known_is_replaced(const struct ms_known_start *known, const struct ms_uuid *id,
                          const struct ms_start *start, bool is_fresh)
{
    return (is_fresh && !ms_uuid_equal(&known->id, id)) || start->lives[1] == 0;
}

bool ms_known_take(struct ms_known_start *known, const struct ms_uuid *id,
                   const struct ms_start *start, bool is_fresh)
{
    if (is_fresh || !is_told(start->number) || start->number <= known->number ||
        ms_known_outlives(known, id, start)) {
        return false;
    }
    *known = (struct ms_known_start){.id = *id, .number = start->number, .life = start->lives[0]};
    return true;
}

bool ms_known_heed(struct ms_known_start *known, const struct ms_uuid *id,
                   const struct ms_start *start, bool is_fresh)
{
    if (ms_known_outlives(known, id, start)) {
        return ms_known_is_replaced(known, id, start, is_fresh);
    }
    (void)ms_known_take(known, id, start, is_fresh);
    return true;
}
