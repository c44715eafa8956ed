/* What both halves must be configured alike in: each says it in its greeting. */
#include "core/invariant.h"
#include "master/council_private.h"

/* It is said in this life that it is so, or that it was when the other half was last heard: in this life or one before it. */
struct difference {
    const char *here, *last;
};

#define DIFFERENCE(option)                                                                         \
    {                                                                                              \
        "CONFIG_MISMATCH: both halves have different --" option                                    \
        "; before they agree nobody takes over by himself, only with muster promote",              \
            "CONFIG_MISMATCH: the other half had another --" option                                \
            " than this one when it was last heard; before it is heard to have the same nobody "   \
            "takes over by himself, only with muster promote"                                      \
    }

static const struct difference of_failover = DIFFERENCE("failover"),
                               of_witness = DIFFERENCE("witness"),
                               of_profile = DIFFERENCE("pair-profile"),
                               of_tick = DIFFERENCE("tick"),
                               of_quorum_loss = DIFFERENCE("on-quorum-loss"),
                               of_failback = DIFFERENCE("failback");

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
        .quorum_loss = config->is_degrading ? 2 : 1,
        .failback = config->is_auto_failback ? 2 : 1,
    };
}

/* What is known of the other half: by its last greeting, be it to a life before this one. */
static const struct ms_pair_settings *known(const struct ms_council *council)
{
    return council->peer.link == MS_COUNCIL_UNMET ? &council->record.theirs
                                                  : &council->peer.frame.settings;
}

/* What an older program does not tell is not compared. */
static bool differs(uint32_t ours, uint32_t theirs)
{
    return theirs != 0 && theirs != ours;
}

static bool has_other_times(const struct ms_pair_settings *a, const struct ms_pair_settings *b)
{
    return a->beat != b->beat || a->lease != b->lease || a->silent != b->silent ||
           a->vote != b->vote;
}

static const struct difference *difference(const struct ms_pair_settings *ours,
                                           const struct ms_pair_settings *theirs)
{
    if (theirs->failover == 0) {
        return NULL;
    }
    if (theirs->failover != ours->failover) {
        return &of_failover;
    }
    if (theirs->witnesses != ours->witnesses) {
        return &of_witness;
    }
    if (has_other_times(ours, theirs)) {
        return &of_profile;
    }
    if (theirs->tick != ours->tick) {
        return &of_tick;
    }
    if (differs(ours->quorum_loss, theirs->quorum_loss)) {
        return &of_quorum_loss;
    }
    return differs(ours->failback, theirs->failback) ? &of_failback : NULL;
}

const char *ms_council_mismatch(const struct ms_council *council)
{
    const struct ms_pair_settings ours = ms_council_settings(council);
    const struct difference *found = difference(&ours, known(council));

    if (found == NULL) {
        return NULL;
    }
    return council->peer.link == MS_COUNCIL_MET ? found->here : found->last;
}

bool ms_council_is_agreed(const struct ms_council *council)
{
    return known(council)->failover != 0 && ms_council_mismatch(council) == NULL;
}

static bool is_same(const struct ms_pair_settings *a, const struct ms_pair_settings *b)
{
    return a->failover == b->failover && a->witnesses == b->witnesses && !has_other_times(a, b) &&
           a->tick == b->tick && a->quorum_loss == b->quorum_loss && a->failback == b->failback;
}

bool ms_council_keep_settings(struct ms_council *council)
{
    struct ms_council_record *record = &council->record;

    /* Who belongs to no pair yet has no record either. */
    if (ms_uuid_is_zero(&record->voter.cluster) || is_same(&record->theirs, known(council))) {
        return false;
    }
    record->theirs = *known(council);
    ms_council_write(council);
    return true;
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
