/* Whether the other half's disk keeps up: what is late, what is slow, and when it counts again. */
#include "master/pace.h"

#include "core/limits.h"
#include "master_script.h"

#define BEAT (100 * MS_MSEC)

struct course {
    struct ms_pace pace;
    ms_time now;
    ms_seq durable, there;
    bool is_binding;
};

static struct course begin(void)
{
    struct course course = {.now = 5 * MS_SEC, .is_binding = true};

    ms_pace_init(&course.pace);
    return course;
}

static void look(struct course *course)
{
    ms_pace_look(&course->pace, course->now, course->durable, course->there, course->is_binding);
}

static void pass(struct course *course, ms_time span)
{
    for (ms_time until = course->now + span; course->now < until;) {
        course->now += BEAT;
        look(course);
    }
}

/* One record, that takes so long there. */
static void write_one(struct course *course, ms_time span)
{
    course->durable++;
    look(course);
    pass(course, span);
    course->there = course->durable;
    look(course);
}

static void hang(struct course *course)
{
    course->durable++;
    look(course);
    pass(course, MS_STANDBY_LAG + MS_STANDBY_SLOW);
    ck_assert(course->pace.is_slow);
    course->is_binding = false; /* it is outside S */
}

START_TEST(a_disk_that_hangs_is_slow)
{
    struct course course = begin();

    course.durable = 7;
    look(&course);
    pass(&course, MS_STANDBY_LAG + MS_STANDBY_SLOW - BEAT);
    ck_assert(!course.pace.is_slow);
    pass(&course, BEAT);
    ck_assert(course.pace.is_slow);
    ck_assert_uint_eq(course.pace.slow_total, 1);
}
END_TEST

START_TEST(one_that_writes_each_record_late_is_slow_though_it_writes_all)
{
    struct course course = begin();

    for (int i = 0; i < 6; i++) {
        write_one(&course, 900 * MS_MSEC);
        ck_assert(!course.pace.is_slow);
        pass(&course, 20 * MS_SEC); /* nothing is to be written, which is nobody's fault */
    }
    write_one(&course, 900 * MS_MSEC);
    ck_assert(course.pace.is_slow);
}
END_TEST

START_TEST(a_record_in_time_is_a_break)
{
    struct course course = begin();

    for (int i = 0; i < 20; i++) {
        write_one(&course, 3 * MS_SEC);
        ck_assert(!course.pace.is_slow);
        write_one(&course, MS_STANDBY_LAG);
    }
    ck_assert_uint_eq(course.pace.slow_total, 0);
}
END_TEST

START_TEST(time_in_which_nobody_looked_does_not_count)
{
    struct course course = begin();

    course.durable = 7;
    look(&course);
    pass(&course, 1 * MS_SEC);
    course.now += 60 * MS_SEC; /* stopped */
    look(&course);
    ck_assert(!course.pace.is_slow);
    pass(&course, MS_STANDBY_SLOW);
    ck_assert(course.pace.is_slow); /* it did hang */
}
END_TEST

START_TEST(without_a_connection_nothing_is_awaited)
{
    struct course course = begin();

    course.durable = 7;
    look(&course);
    pass(&course, 3 * MS_SEC);
    for (int i = 0; i < 100; i++) {
        course.now += BEAT;
        ms_pace_rest(&course.pace);
    }
    look(&course);
    pass(&course, MS_STANDBY_SLOW);
    ck_assert(!course.pace.is_slow);
}
END_TEST

START_TEST(for_whom_nobody_waits_may_be_late)
{
    struct course course = begin();

    course.is_binding = false;
    course.durable = 7;
    look(&course);
    pass(&course, 60 * MS_SEC);
    course.is_binding = true; /* and begins to count when it is to join */
    look(&course);
    ck_assert(!course.pace.is_slow);
    pass(&course, MS_STANDBY_LAG + MS_STANDBY_SLOW);
    ck_assert(course.pace.is_slow);
}
END_TEST

START_TEST(it_has_to_keep_up_for_a_while)
{
    struct course course = begin();

    hang(&course);
    pass(&course, 60 * MS_SEC);
    ck_assert(course.pace.is_slow);
    course.there = course.durable;
    look(&course);
    pass(&course, MS_STANDBY_WELL - 10 * BEAT);
    write_one(&course, MS_STANDBY_LAG + BEAT); /* once more late: from the beginning */
    pass(&course, MS_STANDBY_WELL - BEAT);
    ck_assert(course.pace.is_slow);
    pass(&course, 2 * BEAT);
    ck_assert(!course.pace.is_slow);
}
END_TEST

START_TEST(records_in_time_are_as_good_as_nothing_to_write)
{
    struct course course = begin();

    hang(&course);
    course.there = course.durable;
    for (int i = 0; i < 4 * MS_STANDBY_WELL / MS_SEC; i++) {
        write_one(&course, 200 * MS_MSEC);
    }
    pass(&course, 3 * MS_SEC);
    ck_assert(!course.pace.is_slow);
}
END_TEST

START_TEST(again_it_takes_longer_up_to_a_limit)
{
    struct course course = begin();
    ms_time wait = MS_STANDBY_WELL;

    for (int i = 0; i < 10; i++) {
        const ms_time from = course.now;

        hang(&course);
        ck_assert_int_eq(course.pace.well_for, wait);
        wait = 2 * wait < MS_STANDBY_WELL_MAX ? 2 * wait : MS_STANDBY_WELL_MAX;
        course.there = course.durable;
        pass(&course, course.pace.well_for + BEAT);
        ck_assert(!course.pace.is_slow);
        ck_assert_int_gt(course.now, from);
        course.is_binding = true;
    }
    pass(&course, MS_STANDBY_FORGET);
    hang(&course);
    ck_assert_int_eq(course.pace.well_for, MS_STANDBY_WELL);
}
END_TEST

/* Nobody voted for its leaving, and there is no reason any more. */
START_TEST(in_s_it_is_enough_that_it_keeps_up_now)
{
    struct course course = begin();

    hang(&course);
    course.is_binding = true;
    course.there = course.durable;
    look(&course);
    pass(&course, MS_STANDBY_LAG);
    ck_assert(!course.pace.is_slow);
}
END_TEST

TESTS(a_disk_that_hangs_is_slow, one_that_writes_each_record_late_is_slow_though_it_writes_all,
      a_record_in_time_is_a_break, time_in_which_nobody_looked_does_not_count,
      without_a_connection_nothing_is_awaited, for_whom_nobody_waits_may_be_late,
      it_has_to_keep_up_for_a_while, records_in_time_are_as_good_as_nothing_to_write,
      again_it_takes_longer_up_to_a_limit, in_s_it_is_enough_that_it_keeps_up_now)
