/* An active without room on its disk lets the other half take over, if that has some. */
#include "master/council.h"

#include "master_assembly_people.h"
#include "master_script.h"

#define RESERVE (64u << 20)

static void leave(struct assembly *room, uint8_t place, uint64_t bytes)
{
    ms_council_room(room->masters[place].council, room->now, bytes, RESERVE);
    settle(room);
}

static void pass_slowly(struct assembly *room, ms_time time)
{
    for (ms_time end = room->now + time; room->now < end;) {
        pass(room, 100 * MS_MSEC);
        copy_log(room, 0);
        copy_log(room, 1);
    }
}

START_TEST(who_is_short_hands_over)
{
    struct assembly *room = assemble_pair(WITNESSES);

    leave(room, 0, RESERVE - 1);
    pass_slowly(room, MS_RELIEF_PATIENCE / 2);
    ck_assert_state(room, 0, PAIR);
    pass_slowly(room, MS_RELIEF_PATIENCE);
    ck_assert_state(room, 1, PAIR);
    ck_assert_state(room, 0, SYNC);
    ck_assert_int_eq(ms_council_record(room->masters[1].council)->voter.accepted.kind,
                     MS_DECISION_HANDOVER);
    ck_assert_int_eq(ms_council_peer_room(room->masters[1].council), MS_ROOM_SHORT);
    ck_assert_int_eq(ms_council_own_room(room->masters[0].council), MS_ROOM_SHORT);
    dismiss(room);
}
END_TEST

START_TEST(room_that_comes_back_in_time_changes_nothing)
{
    struct assembly *room = assemble_pair(WITNESSES);

    leave(room, 0, 0);
    pass_slowly(room, MS_RELIEF_PATIENCE / 2);
    leave(room, 0, RESERVE);
    pass_slowly(room, 5 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert_uint_eq(room->masters[0].epoch, 2);
    dismiss(room);
}
END_TEST

START_TEST(not_to_one_that_is_short_too)
{
    struct assembly *room = assemble_pair(WITNESSES);

    leave(room, 1, 1);
    pass_slowly(room, 1 * MS_SEC); /* a beat tells it */
    leave(room, 0, 0);
    pass_slowly(room, 5 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert(!ms_council_is_stuck(room->masters[0].council, room->now));
    leave(room, 1, RESERVE);
    pass_slowly(room, 1 * MS_SEC);
    ck_assert_state(room, 1, PAIR);
    dismiss(room);
}
END_TEST

START_TEST(not_while_it_is_held)
{
    struct assembly *room = assemble_pair(WITNESSES);
    struct ms_complaint complaint;

    ck_assert_int_eq(
        ms_council_order(room->masters[0].council, room->now, MS_ORDER_HOLD, &complaint), MS_E_OK);
    leave(room, 0, 0);
    pass_slowly(room, 5 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert(!ms_council_is_stuck(room->masters[0].council, room->now));
    dismiss(room);
}
END_TEST

/* The log does not come to an end, for it is not on the own disk: that one is as good as one that failed. */
START_TEST(who_is_stuck_is_to_fail)
{
    struct assembly *room = assemble_pair(WITNESSES);
    const struct ms_council *council = room->masters[0].council;

    room->masters[0].never_drains = true;
    leave(room, 0, 0);
    pass_slowly(room, MS_RELIEF_PATIENCE + 500 * MS_MSEC);
    ck_assert_state(room, 0, DRAIN);
    ck_assert(!ms_council_is_stuck(council, room->now));
    pass_slowly(room, MS_FULL_PATIENCE);
    ck_assert_state(room, 0, PAIR);
    ck_assert(ms_council_is_stuck(council, room->now));
    for (uint8_t node = 2; node < 2 + WITNESSES; node++) {
        room->is_witness_up[node - 2] = false;
        part(room, 0, node, false);
    }
    ck_assert(!ms_council_is_stuck(council, room->now)); /* nobody would vote for the other one */
    room->masters[0].never_drains = false;
    pass_slowly(room, MS_RELIEF_PAUSE);
    ck_assert_state(room, 1, PAIR); /* it is tried again */
    dismiss(room);
}
END_TEST

TESTS(who_is_short_hands_over, room_that_comes_back_in_time_changes_nothing,
      not_to_one_that_is_short_too, not_while_it_is_held, who_is_stuck_is_to_fail)
