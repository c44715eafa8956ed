/* What plans have in common. */
#ifndef TESTS_COUNCIL_PLANS_H
#define TESTS_COUNCIL_PLANS_H

#include "tests/council/parts.h"

#define PLAN_START_MAX (600 * MS_MSEC)
#define PLAN_NOTICED   (3 * MS_MSEC) /* until both ends know that their connection is over */
#define PLAN_LAST_MIN  (2 * MS_SEC)  /* in which one that went on alone would be seen */
#define PLAN_LAST_MAX  (6 * MS_SEC)

enum {
    STAGE_PAIR, /* until there is one */
    STAGE_FIRST,
    STAGE_SECOND,
    STAGE_THIRD,
    STAGE_FOURTH,
    STAGE_FIFTH,
    STAGE_SIXTH,
    STAGE_SEVENTH,
    STAGE_LAST, /* then whatever was cut is whole again */
    STAGE_OVER
};

/* Nothing of that stage comes before a time that is drawn. */
void hall_plan_enter(struct hall *hall, uint32_t stage, ms_time low, ms_time high);
void hall_plan_count(const struct hall *hall); /* its moment has come */

bool hall_plan_is_in(const struct hall *hall, uint8_t place, enum ms_council_state state);
/* It serves, S is itself. */
bool hall_plan_is_alone(const struct hall *hall, uint8_t place);

void hall_plan_part(struct hall *hall, uint8_t a, uint8_t b); /* neither notices */
void hall_plan_start_later(struct hall *hall, uint8_t place);

/* plans_rows.c */
void hall_plan_step_outlive(struct hall *hall);
void hall_plan_step_moment(struct hall *hall);

#endif
