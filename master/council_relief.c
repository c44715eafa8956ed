/* Who is active, and has no room on its disk any more, lets the other half take over, if that has. */
#include "core/invariant.h"
#include "master/council_private.h"

void ms_council_room(struct ms_council *council, ms_time now, uint64_t room, uint64_t reserve)
{
    const enum ms_room was = council->room;

    council->room = room == 0 ? MS_ROOM_NONE : room < reserve ? MS_ROOM_SHORT : MS_ROOM_ENOUGH;
    if (council->room == MS_ROOM_NONE && was != MS_ROOM_NONE) {
        council->full_at = now;
    }
    if (council->room != MS_ROOM_ENOUGH && was == MS_ROOM_ENOUGH) {
        council->relief_at = now + MS_RELIEF_PATIENCE;
    }
    ms_council_evaluate(council, now);
}

enum ms_room ms_council_own_room(const struct ms_council *council)
{
    return council->room;
}

enum ms_room ms_council_peer_room(const struct ms_council *council)
{
    return council->peer.link == MS_COUNCIL_MET ? council->peer.room : MS_ROOM_ENOUGH;
}

/* It is in sync, has room, and nobody wants roles to stay as they are. */
static bool is_relief(const struct ms_council *council)
{
    return council->peer.link == MS_COUNCIL_MET && council->peer.frame.state == MS_COUNCIL_SYNC &&
           council->peer.room == MS_ROOM_ENOUGH && !council->record.hold.is_on &&
           council->config.failover != MS_FAILOVER_MANUAL && ms_council_mismatch(council) == NULL;
}

bool ms_council_wants_relief(struct ms_council *council, ms_time now)
{
    if (council->room == MS_ROOM_ENOUGH || !is_relief(council) ||
        !ms_council_is_due(council, now, council->relief_at)) {
        return false;
    }
    council->relief_at = now + MS_RELIEF_PAUSE;
    return true;
}

static bool has_voters(const struct ms_council *council)
{
    const struct ms_witnesses *list = &council->record.witnesses;
    uint32_t here = 0;

    for (uint32_t i = 0; i < list->count; i++) {
        here += ms_council_has_witness(council, &list->ids[i]);
    }
    return 2 * here > list->count || council->config.failover == MS_FAILOVER_EVIDENCE;
}

bool ms_council_may_fail(const struct ms_council *council)
{
    return council->state == MS_COUNCIL_PAIR && is_relief(council) && has_voters(council);
}

bool ms_council_is_stuck(const struct ms_council *council, ms_time now)
{
    return council->room == MS_ROOM_NONE && now - council->full_at >= MS_FULL_PATIENCE &&
           ms_council_may_fail(council);
}
