/* A standby whose disk is slow leaves S by votes, and comes back when it is not slow any more. */
#include "master/council.h"

#include "master_assembly_people.h"
#include "master_script.h"

static void tell(struct assembly *room, bool is_slow)
{
    ms_council_slow(room->masters[0].council, room->now, is_slow);
    settle(room);
    pass(room, 100 * MS_MSEC);
}

static enum ms_error switch_over(struct assembly *room, struct ms_complaint *complaint)
{
    return ms_council_order(room->masters[0].council, room->now, MS_ORDER_SWITCHOVER, complaint);
}

START_TEST(the_active_goes_on_alone)
{
    struct assembly *room = assemble_pair(WITNESSES);

    tell(room, true);
    ck_assert_state(room, 0, SOLO);
    ck_assert_state(room, 1, CATCHUP); /* it is there, and follows */
    ck_assert(room->masters[0].serves && !room->masters[0].pauses);
    ck_assert_uint_eq(room->masters[0].epoch, 3);
    ck_assert_int_eq(ms_council_record(room->masters[0].council)->voter.accepted.kind,
                     MS_DECISION_SOLO);
    ck_assert(ms_council_taken(room->masters[0].council, MS_COUNCIL_PAIR) &
              (1u << MS_COUNCIL_SHED));
    pass(room, 60 * MS_SEC);
    ck_assert_state(room, 0, SOLO); /* though it has everything */
    tell(room, false);
    copy_log(room, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert_state(room, 1, SYNC);
    dismiss(room);
}
END_TEST

START_TEST(without_witnesses_the_incumbent_needs_nobody)
{
    struct assembly *room = assemble_pair(0);

    tell(room, true);
    ck_assert_state(room, 0, SOLO);
    ck_assert_int_eq(ms_council_record(room->masters[0].council)->voter.accepted.kind,
                     MS_DECISION_INCUMBENT);
    dismiss(room);
}
END_TEST

/* A vote of the slow disk may come too late, and whoever has proposed cannot go back. */
START_TEST(without_votes_it_stays_a_pair)
{
    struct assembly *room = assemble_pair(WITNESSES);

    room->is_witness_up[0] = room->is_witness_up[1] = false;
    part(room, 0, 2, false);
    part(room, 0, 3, false);
    tell(room, true);
    pass(room, 5 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert(room->masters[0].serves && !room->masters[0].pauses);
    ck_assert_uint_eq(ms_council_record(room->masters[0].council)->voter.promised, 2);
    tell(room, false);
    room->is_witness_up[0] = true;
    meet(room, 0, 2);
    pass(room, 5 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert_uint_eq(room->masters[0].epoch, 2); /* quick again, it stays */
    dismiss(room);
}
END_TEST

/* One that needs a copy gives its vote: it has nothing to lose. */
START_TEST(one_that_needs_a_copy_is_asked_though_it_is_slow)
{
    struct assembly *room = assemble_pair(1);

    room->is_witness_up[0] = false;
    part(room, 0, 2, false);
    room->copies = false;
    ms_council_slow(room->masters[0].council, room->now, true);
    ms_council_expel(room->masters[0].council, room->now);
    settle(room);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, SOLO);
    dismiss(room);
}
END_TEST

START_TEST(a_switchover_to_it_is_refused_with_the_reason)
{
    struct assembly *room = assemble_pair(WITNESSES);
    struct ms_complaint complaint;

    tell(room, true);
    ck_assert_int_eq(switch_over(room, &complaint), MS_E_RETRY_LATER);
    ck_assert_ptr_nonnull(strstr(complaint.text, "slow"));
    tell(room, false);
    copy_log(room, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_int_eq(switch_over(room, &complaint), MS_E_OK);
    dismiss(room);
}
END_TEST

START_TEST(one_that_becomes_slow_while_it_joins_does_not_join)
{
    struct assembly *room = assemble_pair(WITNESSES);
    ms_epoch epoch;

    stop(room, 1, true);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, SOLO);
    epoch = room->masters[0].epoch;
    ms_council_slow(room->masters[0].council, room->now, true);
    start(room, 1);
    pass(room, 10 * MS_SEC);
    ck_assert_state(room, 0, SOLO);
    ck_assert_uint_eq(room->masters[0].epoch, epoch);
    dismiss(room);
}
END_TEST

START_TEST(who_becomes_active_has_no_prejudice)
{
    struct assembly *room = assemble_pair(WITNESSES);

    tell(room, true);
    stop(room, 1, true);
    restart(room, 0);
    start(room, 1);
    settle(room);
    pass(room, 20 * MS_SEC);
    ck_assert(room->masters[0].serves || room->masters[1].serves);
    ck_assert_int_eq(ms_council_state(room->masters[0].serves ? room->masters[0].council
                                                              : room->masters[1].council),
                     MS_COUNCIL_PAIR);
    dismiss(room);
}
END_TEST

TESTS(the_active_goes_on_alone, without_witnesses_the_incumbent_needs_nobody,
      without_votes_it_stays_a_pair, one_that_needs_a_copy_is_asked_though_it_is_slow,
      a_switchover_to_it_is_refused_with_the_reason,
      one_that_becomes_slow_while_it_joins_does_not_join, who_becomes_active_has_no_prejudice)
