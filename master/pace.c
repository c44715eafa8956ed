#include "master/pace.h"

#include "core/limits.h"

void ms_pace_init(struct ms_pace *pace)
{
    *pace = (struct ms_pace){
        .well_since = MS_TIME_NEVER, .back_at = INT64_MIN, .looked_at = MS_TIME_NEVER};
}

void ms_pace_rest(struct ms_pace *pace)
{
    pace->awaited = 0;
    pace->well_since = MS_TIME_NEVER;
}

/* The active was stopped, or busy for long: what came meanwhile could not be heard. */
static void skip(struct ms_pace *pace, ms_time now)
{
    const ms_time gap = pace->looked_at == MS_TIME_NEVER ? 0 : now - pace->looked_at;

    if (gap > MS_STANDBY_LOOK && pace->awaited > 0) {
        pace->since += gap - MS_STANDBY_LOOK;
    }
    pace->looked_at = now;
}

/* How long the present one is late. */
static ms_time overdue(const struct ms_pace *pace, ms_time now)
{
    const ms_time wait = pace->awaited > 0 ? now - pace->since : 0;

    return wait > MS_STANDBY_LAG ? wait : 0;
}

/* One that has come is counted, and the next is awaited. */
static void take(struct ms_pace *pace, ms_time now, ms_seq durable, ms_seq there)
{
    const ms_time late = overdue(pace, now);

    if (pace->awaited > 0 && there >= pace->awaited) {
        pace->awaited = 0;
        pace->late = late > 0 ? pace->late + late : 0;
        pace->well_since = late > 0 ? MS_TIME_NEVER : pace->well_since;
    }
    if (pace->awaited == 0 && there < durable) {
        pace->awaited = durable;
        pace->since = now;
    }
}

static void find_slow(struct ms_pace *pace, ms_time now)
{
    const bool is_again = pace->back_at != INT64_MIN && now - pace->back_at < MS_STANDBY_FORGET;

    if (pace->late + overdue(pace, now) < MS_STANDBY_LAG + MS_STANDBY_SLOW) {
        return;
    }
    pace->well_for = is_again ? 2 * pace->well_for : MS_STANDBY_WELL;
    pace->well_for = pace->well_for < MS_STANDBY_WELL_MAX ? pace->well_for : MS_STANDBY_WELL_MAX;
    pace->is_slow = true;
    pace->well_since = MS_TIME_NEVER;
    pace->slow_total++;
}

/* Nothing is left to write, or the last record was written in time. As long as acknowledgements wait for it, it is enough that
 * it is not late any more. */
static void find_well(struct ms_pace *pace, ms_time now, bool is_binding)
{
    const ms_time well_for = is_binding ? MS_STANDBY_LAG : pace->well_for;

    if (overdue(pace, now) > 0) {
        pace->well_since = MS_TIME_NEVER;
    } else if (pace->well_since == MS_TIME_NEVER && (pace->awaited == 0 || pace->late == 0)) {
        pace->well_since = now;
    }
    if (pace->well_since != MS_TIME_NEVER && now - pace->well_since >= well_for) {
        pace->is_slow = false;
        pace->late = 0;
        pace->back_at = now;
    }
}

void ms_pace_look(struct ms_pace *pace, ms_time now, ms_seq durable, ms_seq there, bool is_binding)
{
    skip(pace, now);
    if (!is_binding && !pace->is_slow) {
        pace->awaited = 0; /* nobody waits */
        pace->late = 0;
        return;
    }
    take(pace, now, durable, there);
    if (pace->is_slow) {
        find_well(pace, now, is_binding);
    } else {
        find_slow(pace, now);
    }
}
