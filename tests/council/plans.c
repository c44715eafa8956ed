/* Seeds that act out a counter-example, most of them of the model (tests/model/pair.pml): so many things come together in one that chance
 * brings them in no run of bearable length. The councils are the real ones, and when things happen is drawn. Where the rule
 * holds that the counter-example takes away, nothing comes of it. */
#include "tests/council/plans.h"

#include "core/invariant.h"

#define PATIENCE (4 * MS_SEC) /* what has not come by then does not, and the plan is over */
#define AWAY_MAX (300 * MS_MSEC)

void hall_plan_enter(struct hall *hall, uint32_t stage, ms_time low, ms_time high)
{
    struct hall_plan *plan = &hall->plan;

    plan->stage = stage;
    plan->due = hall->now + hall_between(hall, low, high);
    plan->until = plan->due + PATIENCE;
    hall_say(hall, "plan: stage %u", stage);
    hall_push(hall, &(struct hall_event){.at = plan->due, .type = HALL_PLAN});
}

static bool is_at(const struct hall *hall, enum hall_plan_kind kind, uint32_t stage)
{
    return hall->plan.kind == kind && hall->plan.stage == stage && !hall->is_calm;
}

void hall_plan_count(const struct hall *hall)
{
    hall_stats[HALL_STAT_PLAN_MUTE + (int)hall->plan.kind - (int)HALL_PLAN_MUTE]++;
}

void hall_plan_prepare(struct hall *hall)
{
    struct hall_plan *plan = &hall->plan;
    const bool is_of_lists = plan->kind == HALL_PLAN_LISTS || plan->kind == HALL_PLAN_FORGET_LIST;
    const bool needs_any = plan->kind == HALL_PLAN_FORGET || plan->kind == HALL_PLAN_UNASKED ||
                           plan->kind == HALL_PLAN_OUTLIVE || plan->kind == HALL_PLAN_MOMENT;
    const uint32_t least = is_of_lists ? 2 : needs_any ? 1 : 0;

    if (plan->kind == HALL_PLAN_MUTE && plan->variant % 2 == 0) {
        hall->witnesses_count = 0;
    }
    hall->witnesses_count = hall->witnesses_count > least ? hall->witnesses_count : least;
    plan->enrolled =
        is_of_lists ? 1 + plan->variant % (hall->witnesses_count - 1) : hall->witnesses_count;
    hall->faults.copies_in_set |= plan->kind == HALL_PLAN_FORGET;
    if (plan->kind == HALL_PLAN_OUTLIVE || plan->kind == HALL_PLAN_MOMENT) {
        hall->faults.slow_every = 0; /* a slow disk ends what is waited for */
    }
}

/* --- who is there --- */

bool hall_plan_is_in(const struct hall *hall, uint8_t place, enum ms_council_state state)
{
    const struct hall_master *self = &hall->masters[place];

    return self->council != NULL && ms_council_state(self->council) == state;
}

bool hall_plan_is_alone(const struct hall *hall, uint8_t place)
{
    return hall->masters[place].reign == HALL_REIGNS &&
           hall_plan_is_in(hall, place, MS_COUNCIL_SOLO);
}

static bool is_pair(const struct hall *hall, uint8_t active)
{
    return hall->masters[active].reign == HALL_REIGNS &&
           hall_plan_is_in(hall, active, MS_COUNCIL_PAIR) &&
           hall_plan_is_in(hall, 1 - active, MS_COUNCIL_SYNC);
}

/* --- what is done to them --- */

void hall_plan_part(struct hall *hall, uint8_t a, uint8_t b)
{
    hall_say(hall, "plan: %u and %u are parted", a, b);
    hall_cut(hall, a, b);
    hall_cut(hall, b, a);
}

enum witnesses { WITNESSES_OLD, WITNESSES_NEW, WITNESSES_ALL };

static void part_witnesses(struct hall *hall, uint8_t place, enum witnesses which)
{
    const uint32_t from = which == WITNESSES_NEW ? hall->plan.enrolled : 0;
    const uint32_t to = which == WITNESSES_OLD ? hall->plan.enrolled : hall->witnesses_count;

    for (uint32_t i = from; i < to; i++) {
        hall_plan_part(hall, place, (uint8_t)(MS_MASTERS + i));
    }
}

/* The halves are apart; each has its list, the active the new one. */
static void split(struct hall *hall)
{
    hall_plan_part(hall, 0, 1);
    part_witnesses(hall, hall->plan.active, WITNESSES_OLD);
    part_witnesses(hall, hall->plan.other, WITNESSES_NEW);
}

static void want_list(struct hall *hall, uint8_t place, enum witnesses which)
{
    struct ms_witnesses list = {.count = 0};

    for (uint32_t i = hall->plan.enrolled; which == WITNESSES_NEW && i < hall->witnesses_count;
         i++) {
        list.ids[list.count++] = hall_witness_id((uint8_t)(MS_MASTERS + i));
    }
    ms_council_want_witnesses(hall->masters[place].council, hall->now, &list);
    hall_master_act(hall, place);
}

void hall_plan_start_later(struct hall *hall, uint8_t place)
{
    hall_push(hall, &(struct hall_event){.at = hall->now + hall_between(hall, 0, AWAY_MAX),
                                         .type = HALL_START,
                                         .node = place});
}

static void heal_all(struct hall *hall)
{
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        for (uint8_t node = (uint8_t)(place + 1); node < MS_MASTERS + hall->witnesses_count;
             node++) {
            hall_heal(hall, place, node);
        }
    }
}

static void finish(struct hall *hall)
{
    hall_say(hall, "plan: over");
    hall->plan.stage = STAGE_OVER;
    hall->plan.is_log_stuck = false;
    heal_all(hall);
    hall_plan_start_later(hall, 0);
    hall_plan_start_later(hall, 1);
    hall_push(hall, &(struct hall_event){.at = hall->now, .type = HALL_FAULT});
}

/* --- the plans --- */

/* The active is started again. The proposal of the other one arrives there and nowhere else, and then nothing: the one that was
 * active votes, and hears of no decision. */
static void step_mute(struct hall *hall)
{
    const struct hall_plan *plan = &hall->plan;

    if (plan->stage == STAGE_FIRST) {
        part_witnesses(hall, plan->other, WITNESSES_ALL);
        hall_master_crash(hall, plan->active);
        hall_plan_enter(hall, STAGE_SECOND, 0, 0);
        hall_plan_start_later(hall, plan->active);
    }
}

void hall_plan_sent(struct hall *hall, uint8_t place, const struct ms_council_act *act)
{
    ms_assert(act->kind == MS_KIND_PROPOSE);
    if (is_at(hall, HALL_PLAN_MUTE, STAGE_SECOND) && place == hall->plan.other) {
        for (uint8_t node = 0; node < MS_MASTERS + hall->witnesses_count; node++) {
            if (node != place) {
                hall_cut(hall, place, node);
            }
        }
        hall_plan_count(hall);
        hall_plan_enter(hall, STAGE_LAST, PLAN_LAST_MIN, PLAN_LAST_MAX);
    }
}

static void step_lists(struct hall *hall)
{
    if (hall->plan.stage == STAGE_FIRST) {
        hall_plan_enter(hall, STAGE_SECOND, 0, 0);
        want_list(hall, hall->plan.active, WITNESSES_NEW);
    }
}

static void step_forget(struct hall *hall)
{
    const struct hall_plan *plan = &hall->plan;

    switch (plan->stage) {
    case STAGE_FIRST:
        part_witnesses(hall, plan->active, WITNESSES_ALL);
        hall_plan_part(hall, 0, 1);
        hall_plan_enter(hall, STAGE_THIRD, 0, 0);
        break;
    case STAGE_THIRD:
        if (hall_plan_is_alone(hall, plan->other)) {
            hall_plan_enter(hall, STAGE_FOURTH, 0, PLAN_START_MAX);
        }
        break;
    case STAGE_FOURTH:
        hall_master_wipe(hall, plan->other);
        hall_plan_start_later(hall, plan->other);
        hall_heal(hall, 0, 1);
        hall_plan_count(hall);
        hall_plan_enter(hall, STAGE_LAST, PLAN_LAST_MIN, PLAN_LAST_MAX);
        break;
    default:
        break;
    }
}

/* The change is begun while the other one does not hear it any more. */
static void step_forget_list(struct hall *hall)
{
    if (hall->plan.stage == STAGE_FIRST) {
        hall_cut(hall, hall->plan.active, hall->plan.other);
        hall_plan_enter(hall, STAGE_SECOND, 0, 0);
        want_list(hall, hall->plan.active, WITNESSES_NEW);
    } else if (hall->plan.stage != STAGE_SECOND) {
        step_forget(hall);
    }
}

/* The active was away, and is to be taken into S again; the list shall be empty, and so the incumbent be enough. */
static void step_unasked(struct hall *hall)
{
    const struct hall_plan *plan = &hall->plan;

    if (plan->stage == STAGE_FIRST) {
        hall_master_crash(hall, plan->active);
        hall_plan_enter(hall, STAGE_SECOND, 0, 0);
    } else if (plan->stage == STAGE_SECOND && hall_plan_is_alone(hall, plan->other)) {
        hall_plan_enter(hall, STAGE_THIRD, 0, 0);
        want_list(hall, plan->other, WITNESSES_OLD);
        hall_plan_start_later(hall, plan->active);
    }
}

void hall_plan_sending(struct hall *hall, uint8_t place, const struct ms_council_act *act)
{
    if (is_at(hall, HALL_PLAN_UNASKED, STAGE_THIRD) && place == hall->plan.other &&
        act->frame.decision.kind == MS_DECISION_JOIN) {
        hall_cut(hall, place, hall->plan.active);
        hall_plan_count(hall);
        hall_plan_enter(hall, STAGE_FOURTH, 0, 0);
    }
}

/* The standby from its peer, which it notices, and from its witnesses, or the active from its own. */
static void cut_off(struct hall *hall, bool is_heard)
{
    hall_break(hall, 0, 1);
    hall_plan_part(hall, 0, 1);
    part_witnesses(hall, is_heard ? hall->plan.active : hall->plan.other, WITNESSES_ALL);
}

/* The standby is forced, loses its disk, and is forced again; nobody hears of it. Or the witnesses do, and vote for nobody else
 * from then on: in the end an operator forces the active. */
static void step_leap(struct hall *hall)
{
    const struct hall_plan *plan = &hall->plan;
    const bool is_heard = plan->variant % 2 == 1 && hall->witnesses_count > 0;

    if (plan->stage == STAGE_FIRST) {
        hall_plan_enter(hall, STAGE_SECOND, PLAN_NOTICED, PLAN_NOTICED);
        cut_off(hall, is_heard);
    } else if (plan->stage == STAGE_SECOND) {
        hall_plan_enter(hall, STAGE_THIRD, 0, 0);
        hall_order(hall, plan->other, MS_ORDER_FORCE);
    } else if (plan->stage == STAGE_THIRD && hall_plan_is_alone(hall, plan->other)) {
        hall_plan_enter(hall, STAGE_FOURTH, 0, PLAN_START_MAX);
    } else if (plan->stage == STAGE_FOURTH) {
        hall_master_wipe(hall, plan->other);
        hall_plan_start_later(hall, plan->other);
        heal_all(hall);
        hall_plan_enter(hall, STAGE_FIFTH, is_heard ? hall->until : 0, is_heard ? hall->until : 0);
    } else if (plan->stage == STAGE_FIFTH && is_pair(hall, plan->active)) {
        hall_plan_enter(hall, STAGE_SIXTH, 0, PLAN_START_MAX);
    } else if (plan->stage == STAGE_SIXTH) {
        hall_plan_enter(hall, STAGE_SEVENTH, PLAN_NOTICED, PLAN_NOTICED);
        cut_off(hall, false);
    } else if (plan->stage == STAGE_SEVENTH) {
        hall_plan_count(hall);
        hall_plan_enter(hall, STAGE_LAST, PLAN_LAST_MIN, PLAN_LAST_MAX);
        hall_order(hall, plan->other, MS_ORDER_FORCE);
    }
}

void hall_plan_listed(struct hall *hall, uint8_t place)
{
    const struct hall_plan *plan = &hall->plan;
    const bool is_changing = hall->masters[place].disk.is_changing;

    if (is_at(hall, HALL_PLAN_LISTS, STAGE_SECOND) && place == plan->active && !is_changing) {
        split(hall);
        hall_plan_count(hall);
        hall_plan_enter(hall, STAGE_LAST, PLAN_LAST_MIN, PLAN_LAST_MAX);
    } else if (is_at(hall, HALL_PLAN_FORGET_LIST, STAGE_SECOND) && place == plan->active) {
        split(hall);
        hall_plan_enter(hall, STAGE_THIRD, 0, 0);
    } else if (is_at(hall, HALL_PLAN_UNASKED, STAGE_FOURTH) && place == plan->other) {
        part_witnesses(hall, place, WITNESSES_ALL);
        hall_heal(hall, 0, 1);
        hall_plan_enter(hall, STAGE_FIFTH, 0, 0);
    } else if (is_at(hall, HALL_PLAN_UNASKED, STAGE_FIFTH) && place == plan->other) {
        hall_plan_part(hall, 0, 1);
        hall_plan_enter(hall, STAGE_LAST, PLAN_LAST_MIN, PLAN_LAST_MAX);
    }
}

static void (*const steps[HALL_PLANS])(struct hall *) = {
    [HALL_PLAN_MUTE] = step_mute,
    [HALL_PLAN_LISTS] = step_lists,
    [HALL_PLAN_FORGET] = step_forget,
    [HALL_PLAN_FORGET_LIST] = step_forget_list,
    [HALL_PLAN_UNASKED] = step_unasked,
    [HALL_PLAN_LEAP] = step_leap,
    [HALL_PLAN_OUTLIVE] = hall_plan_step_outlive,
    [HALL_PLAN_MOMENT] = hall_plan_step_moment,
};

static void find_pair(struct hall *hall)
{
    for (uint8_t active = 0; active < MS_MASTERS; active++) {
        if (is_pair(hall, active)) {
            hall->plan.active = active;
            hall->plan.other = (uint8_t)(1 - active);
            hall_plan_enter(hall, STAGE_FIRST, 0, PLAN_START_MAX);
            return;
        }
    }
}

void hall_plan_step(struct hall *hall)
{
    const struct hall_plan *plan = &hall->plan;

    if (plan->kind == HALL_PLAN_NONE || plan->stage == STAGE_OVER || hall->is_calm) {
        return;
    }
    if (plan->stage == STAGE_PAIR) {
        find_pair(hall);
        return;
    }
    if (hall->now < plan->due) {
        return;
    }
    if (plan->stage == STAGE_LAST || hall->now >= plan->until) {
        finish(hall);
    } else if (plan->stage == STAGE_FIRST && !is_pair(hall, plan->active)) {
        hall->plan.stage = STAGE_PAIR;
    } else {
        steps[plan->kind](hall);
    }
}
