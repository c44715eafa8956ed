/* Members of broadcasts: with whom they wait, and what becomes of them. */
#include "master/targets.h"

#include "master_broadcasts.h"

START_TEST(each_slave_is_given_its_own)
{
    struct script s;

    begin_fleet(&s);
    broadcast(&s, 1, MS_ON_ALL, ROOM, "");
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND)); /* nobody has credit */
    pull(&s, SECOND, 2);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 1); /* once, whatever its credit */
    want_on(&s, SECOND, 2);
    pull(&s, FIRST, 1);
    const uint64_t token = want_on(&s, FIRST, 1);

    result(&s, FIRST, token, MS_STATUS_OK, "done");
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "done");
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->detail, "s1");
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    teardown(&s);
}
END_TEST

START_TEST(it_goes_before_what_others_may_run)
{
    struct script s;

    begin_fleet(&s);
    submit(&s, CLIENT, 100, "any");
    submit(&s, CLIENT, 101, "any");
    broadcast(&s, 1, MS_ON_ALL, ROOM, "");
    pull(&s, SECOND, 2);
    want_on(&s, SECOND, 2);
    ck_assert_uint_eq(find_nth(&s, MS_KIND_COMMAND, 1)->effect.command.id.seq, 100);
    teardown(&s);
}
END_TEST

START_TEST(what_comes_back_waits_for_the_same_slave)
{
    struct script s;

    begin_fleet(&s);
    pull(&s, FIRST, 1);
    broadcast(&s, 1, MS_ON_ALL, ROOM, "");
    const uint64_t token = want_on(&s, FIRST, 1);

    receive(&s, FIRST, &(struct ms_command){.kind = MS_KIND_RETURN, .token = {EPOCH, token}});
    pull(&s, SECOND, 5);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 1);
    want_on(&s, SECOND, 2);
    pull(&s, FIRST, 1);
    want_on(&s, FIRST, 1);
    teardown(&s);
}
END_TEST

START_TEST(another_attempt_is_made_on_the_same_slave)
{
    struct script s;
    struct ms_command command = broadcast_of(1, MS_ON_ALL, ROOM, "");

    begin_fleet(&s);
    pull(&s, FIRST, 2);
    pull(&s, SECOND, 2);
    command.attempts_max = 2;
    receive(&s, CLIENT, &command);
    const uint64_t token = want_on(&s, FIRST, 1);

    result(&s, FIRST, token, MS_STATUS_RETRY, "");
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    run_until(&s, s.now + MS_RETRY_DELAY_MAX);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.attempt, 2);
    want_on(&s, FIRST, 1);
    teardown(&s);
}
END_TEST

START_TEST(a_slave_that_is_gone_has_lost_it)
{
    struct script s;

    begin_fleet(&s);
    pull(&s, FIRST, 1);
    broadcast(&s, 1, MS_ON_ALL, ROOM, "");
    receive(&s, FIRST, &(struct ms_command){.kind = MS_KIND_BYE}); /* had it */
    settle_down(&s);
    ck_assert_uint_eq(work_of(&s, CLIENT, 1)->status, MS_STATUS_LOST);
    ck_assert_uint_eq(work_of(&s, CLIENT, 1)->attempt, 1);
    ck_assert_str_eq(detail_of(&s, 1), "s1: the slave is lost, and had it in hand");
    receive(&s, SECOND, &(struct ms_command){.kind = MS_KIND_GOAWAY});
    ck_assert_uint_eq(work_of(&s, CLIENT, 2)->state, MS_LIFE_READY); /* it may come back */
    receive(&s, SECOND, &(struct ms_command){.kind = MS_KIND_BYE});  /* had not */
    settle_down(&s);
    ck_assert_uint_eq(work_of(&s, CLIENT, 2)->status, MS_STATUS_LOST);
    ck_assert_uint_eq(work_of(&s, CLIENT, 2)->attempt, 0);
    ck_assert_str_eq(detail_of(&s, 2), "s3: the slave left, and had not started it");
    confirm(&s, CLIENT, 1, 2);
    ck_assert_ptr_null(array_of(&s, 1));
    teardown(&s);
}
END_TEST

START_TEST(what_waits_for_another_attempt_is_lost_with_the_slave)
{
    struct script s;
    struct ms_command command = broadcast_of(1, 1, 1, "name=s1");

    begin_fleet(&s);
    pull(&s, FIRST, 1);
    command.attempts_max = 2;
    receive(&s, CLIENT, &command);
    result(&s, FIRST, want_on(&s, FIRST, 1), MS_STATUS_RETRY, "");
    receive(&s, FIRST, &(struct ms_command){.kind = MS_KIND_BYE});
    settle_down(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_LOST);
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->detail,
                     "s1: the slave is lost, before the next attempt");
    confirm(&s, CLIENT, 1, 1);
    ck_assert_ptr_null(array_of(&s, 1));
    ck_assert_uint_eq(ms_slab_used(&s.master->queue.slab), 0);
    teardown(&s);
}
END_TEST

START_TEST(a_connection_that_breaks_costs_nothing)
{
    struct script s;

    begin_fleet(&s);
    broadcast(&s, 1, MS_ON_ALL, ROOM, "");
    close_peer(&s, FIRST);
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    want_why(&s, 1, "it is for slave s1 only, which is not connected");
    want_why(&s, 2, "it is for slave s3 only, which has no free slot");
    teardown(&s);
}
END_TEST

START_TEST(no_more_run_than_may)
{
    struct script s;
    struct ms_terms terms;
    struct ms_command command = broadcast_of(1, MS_ON_ALL, ROOM, "");

    begin_fleet(&s);
    pull(&s, FIRST, 1);
    pull(&s, SECOND, 1);
    terms = *command.terms;
    terms.array_concurrency = 1;
    command.terms = &terms;
    receive(&s, CLIENT, &command);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 1);
    result(&s, FIRST, want_on(&s, FIRST, 1), MS_STATUS_OK, "");
    want_on(&s, SECOND, 2);
    teardown(&s);
}
END_TEST

START_TEST(members_are_cancelled_wherever_they_are)
{
    struct script s;

    begin_fleet(&s);
    pull(&s, FIRST, 1);
    broadcast(&s, 1, MS_ON_ALL, ROOM, "");
    receive(&s, CLIENT, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 2});
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CANCELLED);
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->detail, "s3: cancelled before it was started");
    receive(&s, CLIENT, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    ck_assert_ptr_nonnull(find(&s, MS_KIND_REVOKE));
    teardown(&s);
}
END_TEST

START_TEST(a_list_is_checked)
{
    const uint8_t list[] =
        "0123456789abcdef0123456789abcdef\003web0123456789abcdef0123456789abcdef";
    const size_t size = sizeof list; /* the second one has no name */

    ck_assert(ms_targets_are_sound((struct ms_bytes){list, size}, 2));
    ck_assert(!ms_targets_are_sound((struct ms_bytes){list, size}, 1));
    ck_assert(!ms_targets_are_sound((struct ms_bytes){list, size}, 3));
    ck_assert(!ms_targets_are_sound((struct ms_bytes){list, size - 1}, 2));
    ck_assert(!ms_targets_are_sound((struct ms_bytes){list, 34}, 1));
}
END_TEST

/* --- what survives --- */

START_TEST(it_is_begun_once_who_has_it_is_durable)
{
    struct shelf shelf = {0};
    struct script s;

    begin_durable_fleet(&s, &shelf);
    pull(&s, FIRST, 1);
    broadcast(&s, 1, MS_ON_ALL, ROOM, "");
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_ACK));
    commit(&s);
    want_on(&s, FIRST, 1);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_LEASE], 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(it_is_for_the_same_slaves_after_a_restart)
{
    struct shelf shelf = {0};
    struct ms_welcome first, second;
    struct script s;

    begin_durable_fleet_of(&s, &shelf, &first, &second);
    pull(&s, FIRST, 1);
    broadcast(&s, 1, MS_ON_ALL, ROOM, "");
    commit(&s);
    const uint64_t token = want_on(&s, FIRST, 1);
    const struct held held = held_of(2, 1, (struct ms_token){s.epoch, token}, 1);

    restart(&s);
    client(&s, CLIENT, 2);
    come_back_with(&s, FIRST, 1, &first, &held);
    come_back_idle(&s, SECOND, 3, &second);
    settle_down(&s);
    commit(&s);
    slave_durably(&s, 7, 7); /* came later: it is not for this one */
    pull(&s, 7, 1);
    commit(&s);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    pull(&s, SECOND, 1);
    commit(&s);
    want_on(&s, SECOND, 2);
    result_of(&s, FIRST, held.token, MS_STATUS_OK, "once");
    commit(&s);
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "once");
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->detail, "s1");
    teardown_durable(&s);
}
END_TEST

START_TEST(slaves_that_do_not_come_back_have_lost_it)
{
    struct shelf shelf = {0};
    struct ms_welcome first, second;
    struct script s;

    begin_durable_fleet_of(&s, &shelf, &first, &second);
    pull(&s, FIRST, 1);
    broadcast(&s, 1, MS_ON_ALL, ROOM, "");
    commit(&s);
    want_on(&s, FIRST, 1);
    restart(&s);
    client(&s, CLIENT, 2);
    broadcast(&s, 1, MS_ON_ALL, ROOM, ""); /* again: it is known */
    run_until(&s, s.now + 60 * MS_SEC);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_BURIED], 2);
    ck_assert_str_eq(detail_of(&s, 1), "s1: the slave is lost, and had it in hand");
    ck_assert_str_eq(detail_of(&s, 2), "s3: the slave is lost, and had not started it");
    teardown_durable(&s);
}
END_TEST

TESTS(each_slave_is_given_its_own, it_goes_before_what_others_may_run,
      what_comes_back_waits_for_the_same_slave, another_attempt_is_made_on_the_same_slave,
      a_slave_that_is_gone_has_lost_it, what_waits_for_another_attempt_is_lost_with_the_slave,
      a_connection_that_breaks_costs_nothing, no_more_run_than_may,
      members_are_cancelled_wherever_they_are, a_list_is_checked,
      it_is_begun_once_who_has_it_is_durable, it_is_for_the_same_slaves_after_a_restart,
      slaves_that_do_not_come_back_have_lost_it)
