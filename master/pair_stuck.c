#include "master/pair_stuck.h"

#include "master/pair_state.h"

static bool is_full(const struct ms_pair *pair)
{
    return ms_council_own_room(pair->council) == MS_ROOM_NONE;
}

void ms_pair_listen(struct ms_pair *pair, ms_time now)
{
    pair->silence = pair->tenure == MS_TENURE_NONE ? ms_follower_listen(pair->follower, now)
                    : pair->tenure == MS_TENURE_ON || pair->tenure == MS_TENURE_PAUSED
                        ? ms_mirror_silence(pair->mirror)
                        : 0;
}

bool ms_pair_is_silent(const struct ms_pair *pair)
{
    return pair->silence >= MS_STORE_SILENCE && !is_full(pair);
}

/* A standby whose disk has stopped as well, because it is the same one behind both, is no help. */
static bool is_hung(const struct ms_pair *pair)
{
    return pair->silence >= MS_STUCK_PATIENCE && !is_full(pair) &&
           ms_mirror_is_outdone(pair->mirror) && ms_council_may_fail(pair->council);
}

/* An active whose disk is full or hangs cannot hand over: its log does not come to an end on its own disk, nor would be there what
 * it promises. So it is as one that failed, whose process ends. What is not on both disks was not acknowledged. */
bool ms_pair_gives_way(struct ms_pair *pair, ms_time now)
{
    const bool is_over = ms_council_is_stuck(pair->council, now);

    if (!is_over && !is_hung(pair)) {
        return false;
    }
    ms_trace(&pair->engine.trace, MS_LEVEL_ERROR, "gives way to the other half", "because=%s",
             is_over ? "full" : "no_answer");
    ms_pair_fail(pair, now, is_over ? MS_E_STORE_FULL : MS_E_STORE_FAILED);
    ms_pair_act(pair); /* the other one is told */
    return true;
}
