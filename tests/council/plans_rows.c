/* Plans that bring about rows of the council's table which are too short a moment for accidents, or need a copy of a directory that
 * is put back where at first nobody remembers better. */
#include "core/invariant.h"
#include "tests/council/plans.h"

#define STUCK_MIN (400 * MS_MSEC) /* in which something comes that the standby does not have */
#define STUCK_MAX (800 * MS_MSEC)

/* An old copy that is told of it in that state. It has gone through another one before, in which the other half was parted from it, so
 * that it stays what it is. */
static const struct late {
    enum ms_council_state state, before;
    bool is_of_active; /* it is of the directory of the active; else of that of the standby */
} lates[] = {
    {MS_COUNCIL_CATCHUP, MS_COUNCIL_CATCHUP, false},    {MS_COUNCIL_SYNC, MS_COUNCIL_SYNC, false},
    {MS_COUNCIL_CANDIDATE, MS_COUNCIL_CANDIDATE, true}, {MS_COUNCIL_SOLO, MS_COUNCIL_SOLO, true},
    {MS_COUNCIL_PAIR, MS_COUNCIL_PAIR, true},           {MS_COUNCIL_HOLD, MS_COUNCIL_PAIR, true},
    {MS_COUNCIL_DRAIN, MS_COUNCIL_PAIR, true},
};

enum moment {
    MOMENT_KEEP,   /* the standby does not get everything in time that is to be handed over to it */
    MOMENT_DEPOSE, /* it is forced meanwhile */
    MOMENT_ALONE,  /* the active is */
    MOMENT_BEHIND, /* the standby is, when it is not in S again */
    MOMENTS
};

#define LATES (sizeof lates / sizeof lates[0])

void hall_plan_for_rows(struct hall *hall, uint64_t number)
{
    const uint64_t at = number % (LATES + MOMENTS);

    hall->plan.kind = at < LATES ? HALL_PLAN_OUTLIVE : HALL_PLAN_MOMENT;
    hall->plan.variant = (uint32_t)(at < LATES ? at : at - LATES);
}

/* --- an old copy --- */

static const struct late *late_of(const struct hall *hall)
{
    return &lates[hall->plan.variant];
}

static uint8_t copied(const struct hall *hall)
{
    return late_of(hall)->is_of_active ? hall->plan.active : hall->plan.other;
}

static void part_witnesses(struct hall *hall, uint8_t place)
{
    for (uint32_t i = 0; i < hall->witnesses_count; i++) {
        hall_plan_part(hall, place, (uint8_t)(MS_MASTERS + i));
    }
}

static void heal_witnesses(struct hall *hall, uint8_t place)
{
    for (uint32_t i = 0; i < hall->witnesses_count; i++) {
        hall_heal(hall, place, (uint8_t)(MS_MASTERS + i));
    }
}

/* Its next start is heard by the witnesses, and by nobody else. Where it shall lead, the other half is started again and finds no
 * witness, so that it leaves that to who was active. */
static void copy(struct hall *hall)
{
    const uint8_t place = copied(hall), other = (uint8_t)(1 - place);
    struct hall_master *self = &hall->masters[place];

    if (self->is_writing || self->disk.start.lives[0] == 0) {
        return;
    }
    self->copy = (struct hall_copy){.record = self->disk, .log = self->log};
    hall_plan_part(hall, 0, 1);
    if (late_of(hall)->is_of_active) {
        part_witnesses(hall, other);
        hall_master_crash(hall, other);
    }
    hall_master_crash(hall, place);
    hall_master_start(hall, place);
    hall_plan_enter(hall, STAGE_SECOND, 0, 0);
}

static bool are_witnesses_aware(const struct hall *hall, uint8_t place)
{
    for (uint32_t i = 0; i < hall->witnesses_count; i++) {
        if (hall->witnesses[i].known_on_disk[place].number !=
            hall->masters[place].disk.start.number) {
            return false;
        }
    }
    return true;
}

/* But for the start. So what it says and does as an old copy is no breach of its word. */
static bool is_alike(const struct hall_master *self)
{
    const struct ms_council_record *then = &self->copy.record, *now = &self->disk;

    return !self->is_writing && self->log == self->copy.log &&
           then->voter.promised == now->voter.promised &&
           ms_decision_equal(&then->voter.accepted, &now->voter.accepted) &&
           then->served == now->served && then->lead == now->lead &&
           then->witness_version == now->witness_version && then->is_complete == now->is_complete;
}

static void put_back(struct hall *hall)
{
    const uint8_t place = copied(hall);
    struct hall_master *self = &hall->masters[place];

    if (!are_witnesses_aware(hall, place) || !is_alike(self)) {
        return;
    }
    hall_master_put_back(hall, place);
    self->is_old_alike = true;
    part_witnesses(hall, place);
    hall_heal(hall, 0, 1);
    hall_plan_start_later(hall, place);
    hall_plan_start_later(hall, (uint8_t)(1 - place));
    hall_plan_enter(hall, STAGE_THIRD, 0, 0);
}

static void hold_there(struct hall *hall)
{
    const uint8_t place = copied(hall);
    const bool is_handing = late_of(hall)->state == MS_COUNCIL_DRAIN;

    if (!hall_plan_is_in(hall, place, late_of(hall)->before)) {
        return;
    }
    if (is_handing) { /* is refused until the other one says that it is in sync */
        hall_order(hall, place, MS_ORDER_SWITCHOVER);
    }
    if (!is_handing || hall_plan_is_in(hall, place, MS_COUNCIL_DRAIN)) {
        hall_plan_part(hall, 0, 1);
        hall_plan_enter(hall, STAGE_FOURTH, 0, 0);
    }
}

void hall_plan_step_outlive(struct hall *hall)
{
    const uint8_t place = copied(hall);

    switch (hall->plan.stage) {
    case STAGE_FIRST:
        copy(hall);
        break;
    case STAGE_SECOND:
        put_back(hall);
        break;
    case STAGE_THIRD:
        hold_there(hall);
        break;
    case STAGE_FOURTH:
        if (hall_plan_is_in(hall, place, late_of(hall)->state)) {
            heal_witnesses(hall, place);
            hall_plan_enter(hall, STAGE_FIFTH, 0, 0);
        }
        break;
    case STAGE_FIFTH:
        if (hall->masters[place].disk.is_outlived) {
            hall_plan_count(hall);
            hall_plan_enter(hall, STAGE_LAST, PLAN_LAST_MIN, PLAN_LAST_MAX);
        }
        break;
    default:
        break;
    }
}

/* --- a moment --- */

/* The standby, which is away for a while, is back; it is forced before it is taken into S. */
static void step_behind(struct hall *hall)
{
    const uint8_t other = hall->plan.other;
    const struct hall_master *self = &hall->masters[other];

    switch (hall->plan.stage) {
    case STAGE_FIRST:
        hall_master_crash(hall, other);
        hall_plan_enter(hall, STAGE_SECOND, 0, 0);
        break;
    case STAGE_SECOND:
        if (hall_plan_is_alone(hall, hall->plan.active)) {
            hall_plan_start_later(hall, other);
            hall_plan_enter(hall, STAGE_THIRD, 0, 0);
        }
        break;
    case STAGE_THIRD:
        if (hall_plan_is_in(hall, other, MS_COUNCIL_CATCHUP) && !self->is_writing &&
            self->disk.is_complete) {
            hall_plan_part(hall, 0, 1);
            hall_break(hall, 0, 1);
            hall_plan_enter(hall, STAGE_FOURTH, PLAN_NOTICED, PLAN_NOTICED);
        }
        break;
    case STAGE_FOURTH:
        hall_plan_count(hall);
        hall_plan_enter(hall, STAGE_LAST, PLAN_LAST_MIN, PLAN_LAST_MAX);
        hall_order(hall, other, MS_ORDER_FORCE);
        break;
    default:
        break;
    }
}

static void interfere(struct hall *hall)
{
    if (hall->plan.variant == MOMENT_ALONE) {
        hall_order(hall, hall->plan.active, MS_ORDER_FORCE);
    } else if (hall->plan.variant == MOMENT_DEPOSE) {
        hall_order(hall, hall->plan.other, MS_ORDER_FORCE);
    }
}

/* The active shall hand over, and the standby's disk is stuck. */
void hall_plan_step_moment(struct hall *hall)
{
    const uint8_t active = hall->plan.active;

    if (hall->plan.variant == MOMENT_BEHIND) {
        step_behind(hall);
    } else if (hall->plan.stage == STAGE_FIRST) {
        hall->plan.is_log_stuck = true;
        hall_plan_enter(hall, STAGE_SECOND, STUCK_MIN, STUCK_MAX);
    } else if (hall->plan.stage == STAGE_SECOND) {
        hall_order(hall, active, MS_ORDER_SWITCHOVER);
        /* The other one has heard of it before it is forced: it would refuse otherwise. */
        hall_plan_enter(hall, STAGE_THIRD, hall->faults.delay_max, 2 * hall->faults.delay_max);
    } else if (hall->plan.stage == STAGE_THIRD) {
        if (hall_plan_is_in(hall, active, MS_COUNCIL_DRAIN)) {
            interfere(hall);
        } else {
            hall_plan_count(hall);
            hall->plan.is_log_stuck = false;
            hall_plan_enter(hall, STAGE_LAST, PLAN_LAST_MIN, PLAN_LAST_MAX);
        }
    }
}
