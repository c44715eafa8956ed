#include "core/decision.h"

#include "core/invariant.h"
#include "core/limits.h"

const char *ms_decision_name(enum ms_decision_kind kind)
{
    static const char *const names[MS_DECISION_KINDS] = {
        [MS_DECISION_NONE] = "NONE",         [MS_DECISION_BOOTSTRAP] = "BOOTSTRAP",
        [MS_DECISION_SOLO] = "SOLO",         [MS_DECISION_INCUMBENT] = "INCUMBENT",
        [MS_DECISION_JOIN] = "JOIN",         [MS_DECISION_ADMIT] = "ADMIT",
        [MS_DECISION_HANDOVER] = "HANDOVER", [MS_DECISION_CONSENT] = "CONSENT",
        [MS_DECISION_FORCED] = "FORCED",
    };

    return (size_t)kind < MS_DECISION_KINDS ? names[kind] : "UNKNOWN";
}

bool ms_decision_has(const struct ms_decision *decision, uint8_t place,
                     const struct ms_uuid *incarnation)
{
    ms_assert(place < MS_MASTERS);
    return !ms_uuid_is_zero(incarnation) && ms_uuid_equal(&decision->set[place], incarnation);
}

bool ms_decision_is_pair(const struct ms_decision *decision)
{
    return !ms_uuid_is_zero(&decision->set[0]) && !ms_uuid_is_zero(&decision->set[1]);
}

bool ms_decision_equal(const struct ms_decision *a, const struct ms_decision *b)
{
    return a->epoch == b->epoch && a->kind == b->kind && a->proposer == b->proposer &&
           a->active == b->active && a->served == b->served &&
           ms_uuid_equal(&a->set[0], &b->set[0]) && ms_uuid_equal(&a->set[1], &b->set[1]);
}

bool ms_decision_is_sound(const struct ms_decision *decision)
{
    return decision->epoch > 0 && decision->kind > MS_DECISION_NONE &&
           decision->kind < MS_DECISION_KINDS && decision->proposer < MS_MASTERS &&
           decision->active < MS_MASTERS && !ms_uuid_is_zero(&decision->set[decision->proposer]) &&
           !ms_uuid_is_zero(&decision->set[decision->active]);
}

bool ms_epoch_is_near(ms_epoch epoch, ms_epoch promised)
{
    return promised == 0 || epoch <= promised || epoch - promised <= 2 * MS_EPOCH_FORCED_STEP;
}

bool ms_epoch_leaves_room(ms_epoch epoch, ms_epoch promised)
{
    return promised > 0 && (epoch <= promised || epoch - promised <= MS_EPOCH_SEEN_MAX);
}

ms_epoch ms_epoch_leap(ms_epoch above, uint8_t place, uint64_t drawn)
{
    ms_assert(place < MS_MASTERS);
    return (above / MS_EPOCH_SPAN + 1) * MS_EPOCH_SPAN + place * (MS_EPOCH_SPAN / 2) +
           drawn % (MS_EPOCH_SPAN / 4);
}

ms_epoch ms_epoch_forced_step(uint8_t place, uint64_t drawn)
{
    ms_assert(place < MS_MASTERS);
    return MS_EPOCH_FORCED_STEP + place * (MS_EPOCH_FORCED_STEP / 2) +
           drawn % (MS_EPOCH_FORCED_STEP / 4);
}

ms_epoch ms_epoch_of_leaving(const struct ms_council_record *record, uint64_t drawn)
{
    ms_epoch highest = record->voter.promised;

    highest = record->voter.accepted.epoch > highest ? record->voter.accepted.epoch : highest;
    highest = record->served > highest ? record->served : highest;
    return ms_epoch_leap(highest + ms_epoch_forced_step(record->place, drawn >> 32), record->place,
                         drawn & UINT32_MAX);
}

bool ms_decision_is_acceptable(const struct ms_decision *decision, const struct ms_voter *voter,
                               bool is_master, ms_epoch served)
{
    if (!ms_decision_is_sound(decision) || decision->epoch <= voter->promised ||
        !(decision->kind == MS_DECISION_CONSENT
              ? decision->epoch <= MS_EPOCH_MAX
              : ms_epoch_is_near(decision->epoch, voter->promised))) {
        return false;
    }
    switch (decision->kind) {
    case MS_DECISION_BOOTSTRAP:
        return voter->promised == 0;
    case MS_DECISION_SOLO:
    case MS_DECISION_INCUMBENT:
    case MS_DECISION_JOIN:
    case MS_DECISION_ADMIT:
    case MS_DECISION_HANDOVER:
        return ms_decision_has(&voter->accepted, decision->proposer,
                               &decision->set[decision->proposer]);
    case MS_DECISION_CONSENT:
        return is_master && decision->served > served;
    case MS_DECISION_NONE:
    case MS_DECISION_FORCED:
    case MS_DECISION_KINDS:
        break;
    }
    return false;
}

bool ms_witnesses_equal(const struct ms_witnesses *a, const struct ms_witnesses *b)
{
    ms_assert(a->count <= MS_WITNESSES_MAX);
    ms_assert(b->count <= MS_WITNESSES_MAX);
    return a->count == b->count && memcmp(a->ids, b->ids, a->count * sizeof a->ids[0]) == 0;
}

uint64_t ms_witnesses_mark(const struct ms_witnesses *list)
{
    uint64_t mark = 0;

    ms_assert(list->count <= MS_WITNESSES_MAX);
    for (uint32_t i = 0; i < list->count; i++) { /* ids are random; a sum has no order */
        uint64_t half;

        memcpy(&half, list->ids[i].bytes, sizeof half);
        mark += half;
    }
    return mark > MS_WITNESSES_MARK_AUTO ? mark : MS_WITNESSES_MARK_AUTO + 1;
}

static bool is_majority(const struct ms_witnesses *list, uint32_t votes)
{
    uint32_t count = 0;

    ms_assert(list->count <= MS_WITNESSES_MAX);
    for (uint32_t i = 0; i < list->count; i++) {
        count += (votes >> i) & 1;
    }
    return 2 * count > list->count;
}

bool ms_witnesses_are_quorum(const struct ms_witnesses *list, uint32_t votes,
                             const struct ms_witnesses *next, uint32_t votes_next)
{
    return is_majority(list, votes) && (next == NULL || is_majority(next, votes_next));
}

void ms_council_record_start(struct ms_council_record *record, uint64_t life)
{
    ms_start_count(&record->start, life);
    record->is_outlived = record->is_outlived && record->is_fresh;
}
