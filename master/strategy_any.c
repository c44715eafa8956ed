#include "master/strategy.h"

#include "core/invariant.h"
#include "master/lanes.h"

/* A profile stays at the head for as many turns as it has sessions with credit, so that sessions, not
 * profiles, share evenly. */
static struct ms_session *choose_any(struct ms_lane *lane, const struct ms_work *work)
{
    struct ms_member *member = ms_lane_supplier(lane);
    struct ms_session *session;

    (void)work;
    if (member == NULL) {
        return NULL;
    }
    ms_assert(member->profile->ready_count > 0);
    session = ms_container_of(ms_list_first(&member->profile->ready), struct ms_session, link);
    if (member->turns == 0) {
        member->turns = member->profile->ready_count;
    }
    if (--member->turns == 0) {
        ms_list_rotate(&lane->suppliers);
    }
    return session;
}

const struct ms_strategy ms_strategy_any = {
    .abi = MS_STRATEGY_ABI,
    .size = sizeof(struct ms_strategy),
    .name = "any",
    .choose = choose_any,
};
