/* Witnesses: who is connected, and the list of those that vote. The list changes in two steps, each of which both masters know
 * before the next: from (old) to (old, new), where both majorities are needed, to (new). tests/model/pair.pml has them as change,
 * store_list and confirm. */
#include "core/invariant.h"
#include "master/council_private.h"

struct ms_council_witness *ms_council_witness(struct ms_council *council, const struct ms_uuid *id)
{
    for (size_t i = 0; i < MS_COUNCIL_WITNESSES_MAX; i++) {
        if (ms_uuid_equal(&council->witnesses[i].id, id)) {
            return &council->witnesses[i];
        }
    }
    return NULL;
}

bool ms_council_has_witness(const struct ms_council *council, const struct ms_uuid *id)
{
    for (size_t i = 0; i < MS_COUNCIL_WITNESSES_MAX; i++) {
        if (ms_uuid_equal(&council->witnesses[i].id, id)) {
            return !ms_uuid_is_zero(id);
        }
    }
    return false;
}

static bool is_on(const struct ms_witnesses *list, const struct ms_uuid *id)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (ms_uuid_equal(&list->ids[i], id)) {
            return true;
        }
    }
    return false;
}

bool ms_council_is_enrolled(const struct ms_council *council, const struct ms_uuid *id)
{
    return is_on(&council->record.witnesses, id) ||
           (council->record.is_changing && is_on(&council->record.witnesses_next, id));
}

static bool is_ours(const struct ms_council *council, const struct ms_council_witness *witness)
{
    return ms_uuid_is_zero(&witness->cluster) ||
           ms_uuid_equal(&witness->cluster, &council->record.voter.cluster);
}

/* As far as they are connected. */
static bool are_ours(struct ms_council *council, const struct ms_witnesses *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct ms_council_witness *witness = ms_council_witness(council, &list->ids[i]);

        if (witness != NULL && !is_ours(council, witness)) {
            return false;
        }
    }
    return true;
}

/* Connected, and could be enrolled. */
static bool is_spare(const struct ms_council *council, const struct ms_council_witness *witness)
{
    return !ms_uuid_is_zero(&witness->id) && is_ours(council, witness) &&
           !is_on(&council->record.witnesses, &witness->id);
}

/* Not taken yet, and the longest connected; NULL when there is none. */
static const struct ms_council_witness *next_spare(const struct ms_council *council,
                                                   const struct ms_witnesses *taken)
{
    const struct ms_council_witness *spare = NULL;

    for (size_t i = 0; i < MS_COUNCIL_WITNESSES_MAX; i++) {
        const struct ms_council_witness *at = &council->witnesses[i];

        if (is_spare(council, at) && !is_on(taken, &at->id) &&
            (spare == NULL || at->met_at < spare->met_at)) {
            spare = at;
        }
    }
    return spare;
}

/* Slaves come together, when a cluster starts or a network is back: the first of them alone would be a list that its end
 * breaks. */
static bool have_gathered(struct ms_council *council, ms_time now)
{
    ms_time first = MS_TIME_NEVER, last = 0;

    for (size_t i = 0; i < MS_COUNCIL_WITNESSES_MAX; i++) {
        const struct ms_council_witness *at = &council->witnesses[i];

        if (is_spare(council, at)) {
            first = at->met_at < first ? at->met_at : first;
            last = at->met_at > last ? at->met_at : last;
        }
    }
    return first != MS_TIME_NEVER && (ms_council_is_due(council, now, last + MS_ENROL_SETTLE) ||
                                      ms_council_is_due(council, now, first + MS_ENROL_GATHER));
}

/* Who is enrolled stays; a spare one takes the place of one that is not there, or a free place. Odd numbers only are of use. */
static struct ms_witnesses automatic(struct ms_council *council)
{
    const struct ms_witnesses *old = &council->record.witnesses;
    struct ms_witnesses list = {.count = 0};
    const struct ms_council_witness *spare;

    for (uint32_t i = 0; i < old->count; i++) {
        const bool is_here = ms_council_witness(council, &old->ids[i]) != NULL;

        spare = is_here ? NULL : next_spare(council, &list);
        list.ids[list.count++] = spare != NULL ? spare->id : old->ids[i];
    }
    while (list.count < MS_WITNESSES_MAX && (spare = next_spare(council, &list)) != NULL) {
        list.ids[list.count++] = spare->id;
    }
    if (list.count % 2 == 0 && list.count > old->count) {
        list.count--;
        memset(&list.ids[list.count], 0, sizeof list.ids[0]);
    }
    return list;
}

static void begin(struct ms_council *council, const struct ms_witnesses *list)
{
    struct ms_council_record *record = &council->record;

    record->witnesses_next = *list;
    record->is_changing = true;
    record->witness_version++;
    ms_assert(ms_witnesses_are_changing(record->witness_version));
    council->beat_at = INT64_MIN; /* the peer shall know */
    ms_council_write(council);
}

/* The peer, a member, has said in this very tenure that it knows both lists. */
static bool is_confirmed(const struct ms_council *council)
{
    const struct ms_council_record *record = &council->record;
    const struct ms_pair_frame *peer = &council->peer.frame;

    return !peer->is_fresh && peer->state == MS_COUNCIL_SYNC &&
           peer->promised == council->tenure.epoch &&
           peer->witness_version == record->witness_version &&
           ms_witnesses_equal(&peer->witnesses, &record->witnesses) &&
           ms_witnesses_equal(&peer->witnesses_next, &record->witnesses_next);
}

static void complete(struct ms_council *council)
{
    struct ms_council_record *record = &council->record;

    record->witnesses = record->witnesses_next;
    record->witnesses_next = (struct ms_witnesses){.count = 0};
    record->is_changing = false;
    record->witness_version++;
    ms_assert(!ms_witnesses_are_changing(record->witness_version));
    council->beat_at = INT64_MIN;
    ms_council_write(council);
}

bool ms_council_enrol(struct ms_council *council, ms_time now)
{
    const struct ms_council_record *record = &council->record;
    struct ms_witnesses list;

    ms_assert(council->state == MS_COUNCIL_PAIR);
    if (record->is_changing) {
        if (is_confirmed(council)) {
            complete(council);
            return true;
        }
        return false;
    }
    if (council->has_wish) {
        council->has_wish = false;
        list = council->wish;
        if (!are_ours(council, &list)) {
            ms_council_note(council, MS_TIME_NEVER, MS_NOTICE_WITNESS_WANTED);
            ms_council_alarm(council,
                             "a witness that shall be enrolled belongs to another cluster");
            return false;
        }
    } else if (council->config.is_auto_enrol &&
               ms_council_is_due(council, now, council->enrol_at) && have_gathered(council, now)) {
        list = automatic(council);
    } else {
        return false;
    }
    if (ms_witnesses_equal(&list, &record->witnesses)) {
        return false;
    }
    council->enrol_at = now + MS_ENROL_PAUSE;
    (void)ms_council_is_due(council, now, council->enrol_at);
    begin(council, &list);
    return true;
}

void ms_council_want_witnesses(struct ms_council *council, ms_time now,
                               const struct ms_witnesses *list)
{
    ms_assert(list->count <= MS_WITNESSES_MAX);
    council->wish = *list;
    council->has_wish = true;
    council->noticed_at[MS_NOTICE_WITNESS_WANTED] = INT64_MIN;
    ms_council_evaluate(council, now);
}
