/* The council's ways through its table, with everybody behaving. What may go wrong is tests/council's. */
#include "master/council.h"

#include "master_assembly_people.h"
#include "master_script.h"

START_TEST(a_cluster_is_made_when_nobody_knows_one)
{
    struct assembly *room = assemble_pair(WITNESSES);
    const struct ms_council_record *a = ms_council_record(room->masters[0].council);
    const struct ms_council_record *b = ms_council_record(room->masters[1].council);

    ck_assert_uint_eq(a->served, 2); /* BOOTSTRAP, ADMIT */
    ck_assert_int_eq(a->voter.accepted.kind, MS_DECISION_ADMIT);
    ck_assert(ms_decision_equal(&a->voter.accepted, &b->voter.accepted));
    ck_assert(!a->is_fresh && !b->is_fresh);
    ck_assert(ms_uuid_equal(&a->voter.cluster, &b->voter.cluster));
    ck_assert(room->masters[0].serves && !room->masters[0].pauses);
    dismiss(room);
}
END_TEST

START_TEST(a_silent_witness_refuses_the_bootstrap)
{
    struct assembly *room = assemble(WITNESSES);

    room->masters[0].config.is_bootstrap = true;
    room->is_witness_up[2] = false;
    start(room, 0);
    start(room, 1);
    pass(room, 20 * MS_SEC);
    ck_assert_state(room, 0, PENDING);
    room->is_witness_up[2] = true;
    meet(room, 0, 4);
    meet(room, 1, 4);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    dismiss(room);
}
END_TEST

/* What its store was written in before lies below; and it asks for the same again, whatever it is told meanwhile. */
START_TEST(what_was_a_single_master_begins_above_its_epochs)
{
    struct assembly *room = assemble(WITNESSES);

    room->masters[0].config.is_bootstrap = true;
    room->masters[0].config.epoch_first = 1700000001;
    room->is_witness_up[2] = false;
    start(room, 0);
    start(room, 1);
    pass(room, 20 * MS_SEC);
    stop(room, 0, false);
    room->masters[0].config.epoch_first = 1700000002;
    room->is_witness_up[2] = true;
    start(room, 0);
    meet(room, 0, 4);
    meet(room, 1, 4);
    pass(room, 2 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert_uint_ge(ms_council_record(room->masters[0].council)->served, 1700000001);
    dismiss(room);
}
END_TEST

START_TEST(when_both_bootstrap_the_primary_does)
{
    struct assembly *room = assemble(0);

    room->masters[0].config.is_bootstrap = room->masters[1].config.is_bootstrap = true;
    start(room, 1);
    pass(room, 1 * MS_SEC);
    start(room, 0);
    pass(room, 2 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert_state(room, 1, SYNC);
    dismiss(room);
}
END_TEST

START_TEST(the_standby_takes_over_by_witnesses)
{
    struct assembly *room = assemble_pair(WITNESSES);

    room->is_witness_up[0] = false;
    part(room, 1, 2, false);
    stop(room, 0, true);
    ck_assert_state(room, 1, SOLO); /* at once: it is dead for certain */
    ck_assert(room->masters[1].serves);
    start(room, 0);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 1, PAIR);
    ck_assert_state(room, 0, SYNC);
    dismiss(room);
}
END_TEST

START_TEST(silence_takes_a_second)
{
    struct assembly *room = assemble_pair(WITNESSES);

    stop(room, 0, false);
    pass(room, 700 * MS_MSEC);
    ck_assert_state(room, 1, SYNC);
    pass(room, 500 * MS_MSEC);
    ck_assert_state(room, 1, SOLO);
    dismiss(room);
}
END_TEST

/* A pause is made between takeovers because of silence; to have begun the pair is none. */
START_TEST(who_began_takes_over_at_once)
{
    struct assembly *room = assemble_pair(WITNESSES);
    struct ms_complaint complaint;

    ck_assert_int_eq(
        ms_council_order(room->masters[0].council, room->now, MS_ORDER_SWITCHOVER, &complaint),
        MS_E_OK);
    copy_log(room, 1);
    pass(room, 500 * MS_MSEC);
    ck_assert_state(room, 1, PAIR);
    stop(room, 1, false);
    pass(room, 1200 * MS_MSEC);
    ck_assert_state(room, 0, SOLO);
    dismiss(room);
}
END_TEST

START_TEST(half_of_the_witnesses_is_not_enough)
{
    struct assembly *room = assemble_pair(2);

    room->is_witness_up[0] = false;
    part(room, 1, 2, false);
    stop(room, 0, true);
    pass(room, 20 * MS_SEC);
    ck_assert(!room->masters[1].serves);
    dismiss(room);
}
END_TEST

START_TEST(without_witnesses_only_the_incumbent_goes_on)
{
    struct assembly *room = assemble_pair(0);

    stop(room, 1, true);
    pass(room, 100 * MS_MSEC);
    ck_assert_state(room, 0, SOLO);
    ck_assert_int_eq(ms_council_record(room->masters[0].council)->voter.accepted.kind,
                     MS_DECISION_INCUMBENT);
    start(room, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    stop(room, 0, true);
    pass(room, 60 * MS_SEC);
    ck_assert_state(room, 1, SYNC);
    ck_assert(!room->masters[1].serves);
    dismiss(room);
}
END_TEST

START_TEST(an_active_that_lost_its_peer_waits_for_votes)
{
    struct assembly *room = assemble_waiting();

    ck_assert(room->masters[0].pauses);
    /* The peer is back: it goes on in the same epoch, because it has proposed nothing. */
    start(room, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert_uint_eq(room->masters[0].epoch, 2);
    ck_assert(room->masters[0].serves && !room->masters[0].pauses);
    dismiss(room);
}
END_TEST

START_TEST(after_a_power_cut_the_one_that_served_last_goes_on)
{
    struct assembly *room = assemble_pair(0);

    stop(room, 0, false);
    stop(room, 1, false);
    start(room, 1);
    pass(room, 1 * MS_SEC);
    start(room, 0);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert_state(room, 1, SYNC);
    dismiss(room);
}
END_TEST

START_TEST(roles_change_by_order)
{
    struct assembly *room = assemble_pair(0);
    struct ms_complaint complaint;

    ck_assert_int_eq(
        ms_council_order(room->masters[1].council, room->now, MS_ORDER_SWITCHOVER, &complaint),
        MS_E_NOT_ACTIVE);
    ck_assert_int_eq(
        ms_council_order(room->masters[0].council, room->now, MS_ORDER_SWITCHOVER, &complaint),
        MS_E_OK);
    copy_log(room, 1);
    settle(room);
    ck_assert_state(room, 0, SYNC);
    ck_assert_state(room, 1, PAIR);
    ck_assert(room->masters[1].serves && !room->masters[1].pauses && !room->masters[0].serves);
    ck_assert_uint_eq(room->masters[1].serves_total, 1); /* without a pause */
    dismiss(room);
}
END_TEST

START_TEST(a_switchover_that_is_not_drained_is_given_up)
{
    struct assembly *room = assemble_pair(0);
    struct ms_complaint complaint;

    room->copies = false;
    ck_assert_int_eq(
        ms_council_order(room->masters[0].council, room->now, MS_ORDER_SWITCHOVER, &complaint),
        MS_E_OK);
    settle(room);
    ck_assert(room->masters[0].pauses);
    pass(room, 2 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert(room->masters[0].serves && !room->masters[0].pauses);
    ck_assert_uint_eq(room->masters[0].epoch, 2);
    dismiss(room);
}
END_TEST

START_TEST(a_wiped_member_is_admitted_anew)
{
    struct assembly *room = assemble_pair(1);

    stop(room, 1, true);
    wipe(room, 1, 2);
    start(room, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert_int_eq(ms_council_record(room->masters[0].council)->voter.accepted.kind,
                     MS_DECISION_ADMIT);
    ck_assert(!ms_council_record(room->masters[1].council)->is_fresh);
    dismiss(room);
}
END_TEST

START_TEST(a_fresh_master_never_leads)
{
    static const enum ms_order orders[] = {MS_ORDER_PROMOTE, MS_ORDER_FORCE};
    struct assembly *room = assemble_pair(1);
    struct ms_complaint complaint;

    stop(room, 1, true);
    wipe(room, 1, 2);
    room->copies = false;
    start(room, 1);
    pass(room, 1 * MS_SEC);
    stop(room, 0, true);
    pass(room, 60 * MS_SEC);
    ck_assert(!room->masters[1].serves);
    ck_assert(ms_council_record(room->masters[1].council)->is_fresh);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        ck_assert_int_eq(
            ms_council_order(room->masters[1].council, room->now, orders[i], &complaint),
            MS_E_PERMISSION);
        ck_assert_ptr_nonnull(strstr(complaint.text, "never in sync"));
    }
    dismiss(room);
}
END_TEST

START_TEST(a_peer_that_needs_a_copy_leaves_the_set_by_its_own_vote)
{
    struct assembly *room = assemble_pair(0);

    room->copies = false;
    ms_council_expel(room->masters[0].council, room->now);
    settle(room);
    ck_assert_state(room, 0, SOLO);
    ck_assert_state(room, 1, CATCHUP);
    room->copies = true;
    copy_log(room, 1);
    settle(room);
    ck_assert_state(room, 0, PAIR);
    ck_assert_state(room, 1, SYNC);
    dismiss(room);
}
END_TEST

START_TEST(an_operator_forces_what_nobody_decides)
{
    struct assembly *room = assemble_pair(0);
    struct ms_complaint complaint;

    stop(room, 0, true);
    ck_assert_int_eq(
        ms_council_order(room->masters[1].council, room->now, MS_ORDER_PROMOTE, &complaint),
        MS_E_PERMISSION);
    ck_assert_int_eq(
        ms_council_order(room->masters[1].council, room->now, MS_ORDER_FORCE, &complaint), MS_E_OK);
    settle(room);
    ck_assert_state(room, 1, SOLO);
    ck_assert_uint_gt(room->masters[1].epoch, MS_EPOCH_FORCED_STEP);
    start(room, 0);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, SYNC);
    ck_assert_state(room, 1, PAIR);
    dismiss(room);
}
END_TEST

START_TEST(a_held_standby_waits)
{
    struct assembly *room = assemble_pair(1);
    struct ms_complaint complaint;

    ck_assert_int_eq(
        ms_council_order(room->masters[1].council, room->now, MS_ORDER_HOLD, &complaint), MS_E_OK);
    settle(room);
    stop(room, 0, true);
    pass(room, 60 * MS_SEC);
    ck_assert_state(room, 1, SYNC);
    ck_assert_int_eq(
        ms_council_order(room->masters[1].council, room->now, MS_ORDER_RELEASE, &complaint),
        MS_E_OK);
    settle(room);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 1, SOLO);
    dismiss(room);
}
END_TEST

START_TEST(nothing_is_done_before_it_is_durable)
{
    struct assembly *room = assemble_pair(1);
    struct ms_council_act next;

    room->is_store_slow = true;
    stop(room, 0, true);
    pass(room, 5 * MS_SEC);
    ck_assert_state(room, 1, CANDIDATE);
    ck_assert(!ms_council_next(room->masters[1].council, &next));
    ck_assert_uint_eq(room->witnesses[0].promised, 2); /* it was not asked */
    ck_assert(!room->masters[1].serves);
    room->is_store_slow = false;
    ms_council_stored(room->masters[1].council, room->now);
    settle(room);
    ck_assert_state(room, 1, SOLO);
    dismiss(room);
}
END_TEST

START_TEST(a_store_that_fails_ends_everything)
{
    struct assembly *room = assemble_pair(1);

    ms_council_failed(room->masters[0].council, room->now);
    settle(room);
    ck_assert_state(room, 0, HALTED);
    ck_assert(!room->masters[0].serves);
    ck_assert_state(room, 1, SOLO); /* it was told */
    dismiss(room);
}
END_TEST

START_TEST(an_active_that_was_stopped_pauses_before_it_reads)
{
    struct assembly *room = assemble_pair(1);
    const struct ms_council_party peer = party_of(1);

    room->now += 5 * MS_SEC;
    ms_council_heard(room->masters[0].council, room->now, &peer);
    act(room);
    ck_assert(room->masters[0].pauses);
    dismiss(room);
}
END_TEST

/* The others wait from when they heard the active last, which it knows from answers only. */
START_TEST(an_active_that_is_not_heard_pauses_though_it_hears)
{
    struct assembly *room = assemble_pair(2);
    const struct ms_council_party peer = party_of(1);
    const ms_time until = room->now + 900 * MS_MSEC;

    room->is_witness_up[0] = room->is_witness_up[1] = false; /* nobody lets it go on alone */
    room->is_cut = true;
    while (room->now < until) {
        ms_council_heard(room->masters[0].council, room->now, &peer);
        pass(room, 100 * MS_MSEC);
    }
    ck_assert_state(room, 0, HOLD);
    ck_assert(room->masters[0].pauses);
    dismiss(room);
}
END_TEST

START_TEST(the_primary_gets_its_role_back)
{
    struct assembly *room = assemble(1);

    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        room->masters[place].config.is_auto_failback = true;
        room->masters[place].config.times.failback_delay = 5 * MS_SEC;
    }
    room->masters[0].config.is_bootstrap = true;
    start(room, 0);
    start(room, 1);
    pass(room, 2 * MS_SEC);
    restart(room, 0);
    pass(room, 3 * MS_SEC);
    ck_assert_state(room, 1, PAIR);
    for (int i = 0; i < 100; i++) {
        pass(room, 100 * MS_MSEC);
        copy_log(room, 0);
    }
    ck_assert_state(room, 0, PAIR);
    ck_assert_state(room, 1, SYNC);
    dismiss(room);
}
END_TEST

START_TEST(witnesses_are_enrolled_as_they_come)
{
    struct assembly *room = assemble(0);
    const struct ms_council_record *records[MS_MASTERS];

    room->masters[0].config.is_bootstrap = true;
    room->masters[0].config.is_auto_enrol = room->masters[1].config.is_auto_enrol = true;
    start(room, 0);
    start(room, 1);
    room->witnesses_count = 2; /* one is of no more use than none, two are no better than one */
    for (uint8_t node = 2; node < 4; node++) {
        room->is_witness_up[node - 2] = true;
        meet(room, 0, node);
        meet(room, 1, node);
    }
    pass(room, 30 * MS_SEC);
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        records[place] = ms_council_record(room->masters[place].council);
        ck_assert_uint_eq(records[place]->witnesses.count, 1);
        ck_assert(!records[place]->is_changing);
    }
    room->witnesses_count = 3;
    room->is_witness_up[2] = true;
    meet(room, 0, 4);
    meet(room, 1, 4);
    pass(room, 30 * MS_SEC);
    ck_assert_uint_eq(records[0]->witnesses.count, 3);
    ck_assert(ms_witnesses_equal(&records[0]->witnesses, &records[1]->witnesses));
    ck_assert_uint_eq(records[0]->witness_version, records[1]->witness_version);
    stop(room, 0, true);
    ck_assert_state(room, 1, SOLO);
    dismiss(room);
}
END_TEST

/* Nobody could refuse it: there was no cluster yet. */
START_TEST(a_foreign_witness_that_came_before_the_cluster_is_told_of)
{
    struct assembly *room = assemble(0);
    const struct ms_council *council;

    room->masters[0].config.is_bootstrap = true;
    room->masters[0].config.is_auto_enrol = room->masters[1].config.is_auto_enrol = true;
    room->witnesses_count = 1;
    room->witnesses[0].cluster = uuid_of(9, 9);
    room->is_witness_up[0] = true;
    start(room, 0);
    meet(room, 0, 2);
    council = room->masters[0].council;
    ck_assert(!ms_council_has_notice(council, room->now, MS_NOTICE_WITNESS_CLUSTER));
    start(room, 1);
    pass(room, 2 * MS_NOTICE_KEEP);
    ck_assert_state(room, 0, PAIR);
    ck_assert_uint_eq(ms_council_record(council)->witnesses.count, 0);
    ck_assert(ms_council_has_notice(council, room->now, MS_NOTICE_WITNESS_CLUSTER));
    dismiss(room);
}
END_TEST

START_TEST(witnesses_that_come_together_are_enrolled_together)
{
    struct assembly *room = assemble(0);
    const struct ms_council_record *record;

    room->masters[0].config.is_bootstrap = true;
    room->masters[0].config.is_auto_enrol = room->masters[1].config.is_auto_enrol = true;
    start(room, 0);
    start(room, 1);
    pass(room, 30 * MS_SEC);
    record = ms_council_record(room->masters[0].council);
    for (uint8_t node = 2; node < 5; node++) {
        room->witnesses_count = node - 1;
        room->is_witness_up[node - 2] = true;
        meet(room, 0, node);
        meet(room, 1, node);
        pass(room, MS_ENROL_SETTLE - 100 * MS_MSEC);
        ck_assert_uint_eq(record->witness_version, 0);
    }
    ck_assert(ms_council_has_witness(room->masters[0].council, &(struct ms_uuid){.bytes = {0}}) ==
              false);
    pass(room, 1 * MS_SEC);
    ck_assert_uint_eq(record->witnesses.count, 3);
    ck_assert_uint_eq(record->witness_version, 2);
    for (uint32_t i = 0; i < record->witnesses.count; i++) {
        ck_assert(ms_council_has_witness(room->masters[0].council, &record->witnesses.ids[i]));
    }
    dismiss(room);
}
END_TEST

START_TEST(a_list_waits_for_the_peer)
{
    struct assembly *room = assemble_pair(1);
    const struct ms_witnesses none = {.count = 0};
    const struct ms_council_record *record = ms_council_record(room->masters[0].council);

    stop(room, 1, true);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, SOLO);
    ms_council_want_witnesses(room->masters[0].council, room->now, &none);
    pass(room, 1 * MS_SEC);
    ck_assert_uint_eq(record->witnesses.count, 1);
    ck_assert(!record->is_changing);
    start(room, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_uint_eq(record->witnesses.count, 0);
    ck_assert_uint_eq(record->witness_version, 2);
    ck_assert_uint_eq(ms_council_record(room->masters[1].council)->witness_version, 2);
    dismiss(room);
}
END_TEST

TESTS(a_cluster_is_made_when_nobody_knows_one, a_silent_witness_refuses_the_bootstrap,
      what_was_a_single_master_begins_above_its_epochs, when_both_bootstrap_the_primary_does,
      the_standby_takes_over_by_witnesses, silence_takes_a_second, who_began_takes_over_at_once,
      half_of_the_witnesses_is_not_enough, without_witnesses_only_the_incumbent_goes_on,
      an_active_that_lost_its_peer_waits_for_votes,
      after_a_power_cut_the_one_that_served_last_goes_on, roles_change_by_order,
      a_switchover_that_is_not_drained_is_given_up, a_wiped_member_is_admitted_anew,
      a_fresh_master_never_leads, a_peer_that_needs_a_copy_leaves_the_set_by_its_own_vote,
      an_operator_forces_what_nobody_decides, a_held_standby_waits,
      nothing_is_done_before_it_is_durable, a_store_that_fails_ends_everything,
      an_active_that_was_stopped_pauses_before_it_reads,
      an_active_that_is_not_heard_pauses_though_it_hears, the_primary_gets_its_role_back,
      witnesses_are_enrolled_as_they_come,
      a_foreign_witness_that_came_before_the_cluster_is_told_of,
      witnesses_that_come_together_are_enrolled_together, a_list_waits_for_the_peer)
