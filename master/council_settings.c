/* What both halves must be configured alike in: each says it in its greeting. */
#include "core/invariant.h"
#include "master/council_private.h"

#define MISMATCH(option)                                                                           \
    "CONFIG_MISMATCH: both halves have different --" option                                        \
    "; before they agree nobody takes over by himself, only with muster promote"

struct ms_pair_settings ms_council_settings(const struct ms_council *council)
{
    const struct ms_council_config *config = &council->config;
    const struct ms_council_times *times = &council->times;
    return (struct ms_pair_settings){
        .beat = times->beat,
        .lease = times->lease,
        .silent = times->silent,
        .vote = times->vote,
        .tick = config->tick,
        .failover = 1 + (uint32_t)config->failover,
        .witnesses =
            config->is_pinned ? ms_witnesses_mark(&config->pinned) : MS_WITNESSES_MARK_AUTO,
    };
}

const char *ms_council_mismatch(const struct ms_council *council)
{
    const struct ms_pair_settings ours = ms_council_settings(council);
    const struct ms_pair_settings *theirs = &council->peer.frame.settings;

    if (council->peer.link == MS_COUNCIL_UNMET || theirs->failover == 0) {
        return NULL;
    }
    if (theirs->failover != ours.failover) {
        return MISMATCH("failover");
    }
    if (theirs->witnesses != ours.witnesses) {
        return MISMATCH("witness");
    }
    if (theirs->beat != ours.beat || theirs->lease != ours.lease || theirs->silent != ours.silent ||
        theirs->vote != ours.vote) {
        return MISMATCH("pair-profile");
    }
    return theirs->tick != ours.tick ? MISMATCH("tick") : NULL;
}

void ms_council_set_routes(struct ms_council *council, uint64_t routes)
{
    ms_assert(routes != 0);
    council->routes = routes;
}

bool ms_council_has_other_routes(const struct ms_council *council)
{
    const uint64_t theirs = council->peer.frame.routes;

    return council->peer.link != MS_COUNCIL_UNMET && theirs != 0 && council->routes != 0 &&
           theirs != council->routes;
}
