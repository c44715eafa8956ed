/* The council's votes: whose they are, how long they are waited for, who does without; and hand-overs. */
#include "master/council.h"

#include "master_assembly_people.h"
#include "master_script.h"

/* An operator's force, which is obeyed; the epoch that it serves then. */
static ms_epoch force(struct assembly *room, uint8_t place)
{
    struct ms_complaint complaint;

    ck_assert_int_eq(
        ms_council_order(room->masters[place].council, room->now, MS_ORDER_FORCE, &complaint),
        MS_E_OK);
    settle(room);
    return room->masters[place].epoch;
}

START_TEST(a_vote_is_for_one_incarnation)
{
    struct assembly *room = assemble_pair(1);
    const struct ms_council_party witness = party_of(2);
    struct ms_pair_frame frame = {.role = MS_ROLE_WITNESS, .promised = 3};
    struct ms_command command = {.kind = MS_KIND_PREVOTE_ACK, .body.pair = &frame};

    part(room, 1, 2, false);
    stop(room, 0, true);
    ms_council_met(room->masters[1].council, room->now, &witness,
                   &(struct ms_pair_frame){.role = MS_ROLE_WITNESS, .id = witness.id});
    room->is_witness_up[0] = false; /* we speak for it */
    pass(room, 200 * MS_MSEC);
    ms_council_hear(room->masters[1].council, room->now, &witness, 2, &command);
    act(room);
    ck_assert_state(room, 1, CANDIDATE);
    frame.decision = ms_council_record(room->masters[1].council)->voter.accepted;
    frame.decision.set[1].bytes[2]++; /* of its earlier life */
    command.kind = MS_KIND_VOTE;
    ms_council_hear(room->masters[1].council, room->now, &witness, 3, &command);
    act(room);
    ck_assert_state(room, 1, CANDIDATE);
    frame.decision = ms_council_record(room->masters[1].council)->voter.accepted;
    ms_council_hear(room->masters[1].council, room->now, &witness, 3, &command);
    act(room);
    ck_assert_state(room, 1, SOLO);
    dismiss(room);
}
END_TEST

START_TEST(votes_that_come_late_begin_no_other_election)
{
    struct assembly *room = assemble_pair(WITNESSES);
    const struct ms_council_record *record = ms_council_record(room->masters[1].council);
    ms_epoch promised;

    ck_assert(!ms_council_is_expectant(room->masters[1].council, room->now));
    room->is_vote_slow = true;
    stop(room, 0, true);
    pass(room, 2 * MS_VOTE_TIMEOUT);
    ck_assert_state(room, 1, CANDIDATE);
    ck_assert(ms_council_is_expectant(room->masters[1].council, room->now));
    promised = record->voter.promised;
    room->is_vote_slow = false;
    pass(room, MS_VOTE_TIMEOUT / 2);
    ck_assert_state(room, 1, SOLO);
    ck_assert_uint_eq(record->served, promised);
    ck_assert_uint_eq(promised, 3);
    dismiss(room);
}
END_TEST

START_TEST(votes_that_never_come_are_not_waited_for)
{
    struct assembly *room = assemble_pair(WITNESSES);

    room->is_vote_slow = true;
    stop(room, 0, true);
    pass(room, MS_VOTE_PATIENCE * MS_VOTE_TIMEOUT + MS_VOTE_BACKOFF_MIN / 2);
    ck_assert_state(room, 1, PENDING);
    ck_assert(ms_council_is_expectant(room->masters[1].council, room->now));
    dismiss(room);
}
END_TEST

/* The one that is forced again, and the incumbent that has heard of the first time, go on from the same epoch. */
START_TEST(who_goes_on_without_votes_has_epochs_of_his_own)
{
    struct assembly *room = assemble_pair(0);
    const struct ms_council_party peer = party_of(1);
    struct ms_pair_frame hello;
    ms_epoch forced;

    stop(room, 0, true);
    forced = force(room, 1);
    ck_assert_uint_ge(forced % MS_EPOCH_SPAN, MS_EPOCH_SPAN / 2);
    hello = hello_of(room, 1);
    hello.state = MS_COUNCIL_PENDING;
    stop(room, 1, true);
    start(room, 0);
    ms_council_met(room->masters[0].council, room->now, &peer, &hello); /* and it is lost again */
    part(room, 0, 1, true);
    pass(room, MS_BOOT_WAIT + 2 * MS_SEC);
    ck_assert_state(room, 0, SOLO);
    ck_assert_uint_gt(room->masters[0].epoch, forced);
    ck_assert_uint_lt(room->masters[0].epoch % MS_EPOCH_SPAN, MS_EPOCH_SPAN / 2);
    dismiss(room);
}
END_TEST

/* It was forced while it was cut off, has lost its disk since, and nobody else has heard of that. */
START_TEST(who_has_forgotten_where_he_leapt_to_leaps_elsewhere)
{
    struct assembly *room = assemble_pair(0);
    ms_epoch forced;

    stop(room, 0, true);
    forced = force(room, 1);
    stop(room, 1, true);
    wipe(room, 1, 2);
    room->masters[1].config.seed++; /* as with every start */
    start(room, 0);
    start(room, 1);
    pass(room, MS_BOOT_WAIT + 2 * MS_SEC);
    ck_assert_state(room, 1, SYNC);
    ck_assert_uint_lt(ms_council_record(room->masters[1].council)->voter.promised, MS_EPOCH_SPAN);
    stop(room, 0, true);
    force(room, 1);
    ck_assert_state(room, 1, SOLO);
    ck_assert_uint_ne(room->masters[1].epoch, forced);
    ck_assert_uint_ge(room->masters[1].epoch % MS_EPOCH_SPAN, MS_EPOCH_SPAN / 2);
    dismiss(room);
}
END_TEST

/* The other one follows, who has never heard of the first leap: its disk is another one. */
START_TEST(a_leap_above_a_leap_is_near_enough_to_be_followed)
{
    struct assembly *room = assemble_pair(0);
    ms_epoch forced;

    stop(room, 0, true);
    forced = force(room, 1);
    stop(room, 1, true);
    start(room, 0);
    outdo(room, 0, forced, true);
    force(room, 0);
    ck_assert_uint_gt(room->masters[0].epoch, forced);
    ck_assert_uint_lt(room->masters[0].epoch, 2 * MS_EPOCH_FORCED_STEP);
    ck_assert_uint_lt(room->masters[0].epoch % MS_EPOCH_SPAN, MS_EPOCH_SPAN / 2);
    dismiss(room);
}
END_TEST

/* Somebody else may have served meanwhile, whose tokens are above those of the reign that was paused. */
START_TEST(who_is_forced_while_he_waits_begins_a_new_reign)
{
    struct assembly *room = assemble_waiting();
    unsigned stops;

    stops = room->masters[0].stops_total;
    force(room, 0);
    ck_assert_state(room, 0, SOLO);
    ck_assert(room->masters[0].serves && !room->masters[0].pauses);
    ck_assert_uint_eq(room->masters[0].stops_total, stops + 1);
    start(room, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert_uint_eq(room->masters[0].stops_total, stops + 1); /* but a JOIN goes on in place */
    dismiss(room);
}
END_TEST

/* The other one is active by force, and only a witness has met it. */
static void tell_of(struct assembly *room, ms_epoch epoch, ms_epoch served)
{
    const struct ms_council_party party = party_of(2);
    const struct ms_pair_frame frame = {
        .role = MS_ROLE_WITNESS,
        .id = party.id,
        .promised = epoch,
        .served = served,
        .decision = {.epoch = epoch,
                     .kind = MS_DECISION_SOLO,
                     .proposer = 1,
                     .active = 1,
                     .set = {[1] = room->masters[1].disk.incarnation}},
        .hears_active = MS_TIME_NEVER,
    };
    const struct ms_command stale = {
        .kind = MS_KIND_STALE, .error = MS_E_STALE_EPOCH, .body.pair = &frame};

    ms_council_hear(room->masters[0].council, room->now, &party, epoch, &stale);
    act(room);
}

START_TEST(a_witness_that_has_met_a_higher_active_ends_the_tenure)
{
    struct assembly *room = assemble_pair(WITNESSES);

    stop(room, 1, true);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, SOLO);
    tell_of(room, 50, 3); /* it has voted for that: who knows whether it is decided */
    ck_assert_state(room, 0, SOLO);
    ck_assert(room->masters[0].serves && !room->masters[0].pauses);
    tell_of(room, 2, 2); /* the past */
    ck_assert_state(room, 0, SOLO);
    tell_of(room, 50, 50);
    ck_assert_state(room, 0, PENDING);
    ck_assert(!room->masters[0].serves);
    dismiss(room);
}
END_TEST

START_TEST(who_is_no_witness_of_ours_is_not_believed)
{
    struct assembly *room = assemble_pair(0);

    room->witnesses_count = 1;
    room->is_witness_up[0] = true;
    meet(room, 0, 2);
    tell_of(room, 50, 50);
    ck_assert_state(room, 0, PAIR);
    dismiss(room);
}
END_TEST

/* A witness that hears the active votes for nobody else; one that does not answer has not refused. */
START_TEST(who_is_refused_knows_it)
{
    struct assembly *room = assemble_pair(WITNESSES);
    const struct ms_council *standby = room->masters[1].council;

    part(room, 0, 1, false);
    pass(room, 5 * MS_SEC);
    ck_assert_state(room, 0, SOLO);
    ck_assert(!room->masters[1].serves && ms_council_may_lead(standby));
    ck_assert(ms_council_is_refused(standby));
    dismiss(room);
    room = assemble_pair(2);
    standby = room->masters[1].council;
    room->is_witness_up[0] = false;
    part(room, 1, 2, false);
    stop(room, 0, true);
    pass(room, 5 * MS_SEC);
    ck_assert(!room->masters[1].serves && !ms_council_is_refused(standby));
    dismiss(room);
}
END_TEST

START_TEST(nobody_is_forced_while_the_other_serves)
{
    struct assembly *room = assemble_pair(WITNESSES);
    struct ms_council *standby = room->masters[1].council;
    struct ms_complaint complaint;

    ck_assert_int_eq(ms_council_order(standby, room->now, MS_ORDER_FORCE, &complaint),
                     MS_E_PERMISSION);
    ck_assert_ptr_nonnull(strstr(complaint.text, "muster switchover"));
    ck_assert_state(room, 1, SYNC);
    part(room, 0, 1, false);
    ck_assert_int_eq(ms_council_order(standby, room->now, MS_ORDER_FORCE, &complaint), MS_E_OK);
    settle(room);
    ck_assert_state(room, 1, SOLO);
    dismiss(room);
}
END_TEST

/* Also when it ends before it has anything of the new epoch. */
START_TEST(who_has_handed_over_has_nothing_alone)
{
    struct assembly *room = assemble_pair(0);
    struct ms_complaint complaint;

    ck_assert_uint_eq(room->masters[0].disk.unmerged, 2);
    ck_assert_int_eq(
        ms_council_order(room->masters[0].council, room->now, MS_ORDER_SWITCHOVER, &complaint),
        MS_E_OK);
    copy_log(room, 1);
    room->copies = false;
    settle(room);
    ck_assert_state(room, 0, SYNC);
    ck_assert_uint_eq(room->masters[0].disk.voter.accepted.epoch, 3);
    ck_assert_uint_eq(room->masters[0].disk.unmerged, 0);
    ck_assert_uint_eq(room->masters[1].disk.unmerged, 3);
    dismiss(room);
}
END_TEST

/* What a single master's directory has alone, which comes in the place of a half that has handed over. */
START_TEST(who_comes_in_its_place_has_not_handed_over)
{
    struct assembly *room = assemble_pair(1);
    struct ms_complaint complaint;

    room->is_witness_up[0] = false;
    part(room, 0, 2, false);
    part(room, 1, 2, false);
    ck_assert_int_eq(
        ms_council_order(room->masters[0].council, room->now, MS_ORDER_SWITCHOVER, &complaint),
        MS_E_OK);
    copy_log(room, 1);
    settle(room);
    ck_assert_state(room, 1, PAIR);
    room->copies = false;
    stop(room, 0, true);
    wipe(room, 0, 2);
    room->masters[0].disk.is_complete = true;
    room->masters[0].disk.unmerged = 1;
    start(room, 0);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 1, HOLD);
    ck_assert_int_eq(room->masters[0].disk.voter.accepted.kind, MS_DECISION_HANDOVER);
    ck_assert_uint_eq(room->masters[0].disk.unmerged, 1);
    dismiss(room);
}
END_TEST

TESTS(a_vote_is_for_one_incarnation, votes_that_come_late_begin_no_other_election,
      votes_that_never_come_are_not_waited_for, who_is_refused_knows_it,
      nobody_is_forced_while_the_other_serves, who_has_handed_over_has_nothing_alone,
      who_comes_in_its_place_has_not_handed_over, who_is_forced_while_he_waits_begins_a_new_reign,
      who_goes_on_without_votes_has_epochs_of_his_own,
      a_witness_that_has_met_a_higher_active_ends_the_tenure,
      who_is_no_witness_of_ours_is_not_believed,
      who_has_forgotten_where_he_leapt_to_leaps_elsewhere,
      a_leap_above_a_leap_is_near_enough_to_be_followed)
