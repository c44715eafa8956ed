/* Old copies: what others remember of our starts, what we remember of those of the peer, and how a half begins anew whose directory
 * was set back. docs/decisions/0011-pair-design.md, "An old copy". */
#include "core/invariant.h"
#include "master/council_private.h"

static bool is_replacement(const struct ms_council_record *record,
                           const struct ms_known_start *known)
{
    return ms_known_is_replaced(known, &record->incarnation, &record->start, record->is_fresh);
}

bool ms_council_heed_start(struct ms_council *council, const struct ms_pair_frame *frame)
{
    const struct ms_council_record *record = &council->record;
    const struct ms_known_start *known = &frame->known[record->place];

    if (ms_known_outlives(known, &record->incarnation, &record->start) &&
        known->number >= council->outlived_by.number) {
        council->outlived_by = *known;
        return is_replacement(record, known);
    }
    return true;
}

bool ms_council_note_start(struct ms_council *council, const struct ms_pair_frame *frame)
{
    const struct ms_uuid *cluster = &council->record.voter.cluster;

    if (ms_uuid_is_zero(cluster) || !ms_uuid_equal(cluster, &frame->cluster)) {
        return true;
    }
    return ms_known_heed(&council->heard, &frame->id, &frame->start, frame->is_fresh);
}

bool ms_council_keep_start(struct ms_council *council)
{
    struct ms_known_start *known = &council->record.known[ms_council_other(council)];

    if (known->number == council->heard.number) {
        return false;
    }
    *known = council->heard;
    ms_council_write(council);
    return true;
}

/* What lies in the store is offered to the active as that of any half that served, if it did and nobody has had it from it since. */
static ms_epoch unmerged(const struct ms_council_record *record)
{
    if (record->unmerged > 0) {
        return record->unmerged;
    }
    return record->voter.accepted.active == record->place && record->is_complete ? record->served
                                                                                 : 0;
}

/* Drawn at this start, and different each time it begins anew. */
static struct ms_uuid next_incarnation(const struct ms_council *council, uint64_t number)
{
    struct ms_uuid id = council->config.incarnation_new;

    for (size_t i = 0; i < sizeof number; i++) {
        id.bytes[i] ^= (uint8_t)(number >> (8 * i));
    }
    return id;
}

/* Somebody else, who has promised nothing yet: whoever it was before may have promised what is not in its record any more. */
static struct ms_council_record anew(const struct ms_council *council, uint64_t number)
{
    const struct ms_council_record *old = &council->record;
    struct ms_council_record record = {
        .voter = {.cluster = old->voter.cluster},
        .incarnation = next_incarnation(council, number),
        .place = old->place,
        .lead = MS_MASTERS,
        .is_fresh = true,
        .is_complete = old->is_complete,
        .hold = old->hold,
        .theirs = old->theirs,
        .unmerged = unmerged(old),
        .is_unmergeable = old->is_unmergeable,
        .witness_version = old->witness_version,
        .witnesses = old->witnesses,
        .witnesses_next = old->witnesses_next,
        .is_changing = old->is_changing,
        .start = old->start,
        .known = {old->known[0], old->known[1]},
        .is_outlived = true,
    };

    ms_start_renew(&record.start, number);
    return record;
}

static void forget_others(struct ms_council *council)
{
    council->peer = (struct ms_council_peer){.link = MS_COUNCIL_UNMET};
    memset(council->witnesses, 0, sizeof council->witnesses);
    council->mails = 0;
    council->followed = 0;
    council->seen = 0;
    council->doubt.epoch = 0;
    council->is_mirrored = council->is_drained = council->is_slow = false;
}

bool ms_council_renew(struct ms_council *council)
{
    struct ms_council_record *record = &council->record;
    const struct ms_known_start newest = council->outlived_by;

    ms_assert(council->write == MS_COUNCIL_WRITTEN);
    if (newest.number == 0) {
        return false;
    }
    council->outlived_by.number = 0;
    if (is_replacement(record, &newest)) {
        ms_start_renew(&record->start, newest.number + MS_START_LEAP);
        ms_council_write(council);
        return true;
    }
    ms_election_end(&council->election);
    ms_council_pause(council);
    ms_council_stop(council);
    *record = anew(council, newest.number + MS_START_LEAP);
    forget_others(council);
    ms_council_write(council);
    ms_council_change(council, MS_COUNCIL_OUTLIVE);
    ms_council_emit(council, &(struct ms_council_act){.type = MS_COUNCIL_RENEW});
    return true;
}
