/* Old copies of a directory: who notices, and what becomes of the half. Whatever may go wrong is tests/council's. */
#include "master/council.h"

#include "master_assembly_people.h"
#include "master_script.h"

static const struct ms_council_record *record_of(const struct assembly *room, uint8_t place)
{
    return ms_council_record(room->masters[place].council);
}

/* The standby is set back to before its last start. */
static struct assembly *assemble_copy(uint32_t witnesses)
{
    struct assembly *room = assemble_pair(witnesses);
    struct ms_council_record copy;

    restart(room, 1);
    pass(room, 2 * MS_SEC);
    copy = room->masters[1].disk;
    restart(room, 1);
    pass(room, 2 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    stop(room, 1, true);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, SOLO);
    room->masters[1].disk = copy;
    return room;
}

START_TEST(starts_are_told_and_remembered)
{
    struct assembly *room = assemble_pair(WITNESSES);
    const struct ms_start *start = &record_of(room, 1)->start;

    ck_assert_uint_eq(start->number, 1);
    ck_assert_uint_eq(record_of(room, 0)->known[1].number, 1);
    ck_assert_uint_eq(record_of(room, 0)->known[1].life, start->lives[0]);
    ck_assert(ms_uuid_equal(&record_of(room, 0)->known[1].id, &record_of(room, 1)->incarnation));
    ck_assert_uint_eq(record_of(room, 0)->known[0].number, 0); /* it knows itself */
    restart(room, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_uint_eq(record_of(room, 0)->known[1].number, 2);
    ck_assert_state(room, 0, PAIR);
    dismiss(room);
}
END_TEST

START_TEST(an_old_copy_begins_anew_and_joins_again)
{
    struct assembly *room = assemble_copy(WITNESSES);
    const struct ms_uuid before = room->masters[1].disk.incarnation;

    start(room, 1);
    ck_assert(room->masters[1].is_renewed);
    ck_assert(record_of(room, 1)->is_fresh);
    ck_assert(record_of(room, 1)->is_outlived);
    ck_assert_uint_eq(record_of(room, 1)->voter.promised, 0);
    ck_assert_uint_gt(record_of(room, 1)->start.number, MS_START_LEAP);
    ck_assert(!ms_uuid_equal(&record_of(room, 1)->incarnation, &before));
    ck_assert_state(room, 1, PENDING);
    reconnect(room, 1);
    pass(room, 2 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert_state(room, 1, SYNC);
    ck_assert_int_eq(record_of(room, 0)->voter.accepted.kind, MS_DECISION_ADMIT);
    ck_assert(!record_of(room, 1)->is_fresh);
    ck_assert(record_of(room, 1)->is_outlived); /* until it is started again */
    ck_assert_uint_eq(record_of(room, 0)->known[1].number, record_of(room, 1)->start.number);
    restart(room, 1);
    pass(room, 2 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert(!record_of(room, 1)->is_outlived);
    dismiss(room);
}
END_TEST

/* The other half is away: nobody else has what the copy lacks, and it would be voted for by what it says. */
START_TEST(witnesses_notice_an_old_copy)
{
    struct assembly *room = assemble_pair(WITNESSES);
    const struct ms_council_record copy = room->masters[1].disk;

    restart(room, 1);
    pass(room, 2 * MS_SEC);
    stop(room, 1, false);
    stop(room, 0, false);
    room->masters[1].disk = copy;
    start(room, 1);
    ck_assert(room->masters[1].is_renewed);
    reconnect(room, 1);
    pass(room, 30 * MS_SEC);
    ck_assert(!room->masters[1].serves);
    ck_assert_uint_eq(record_of(room, 1)->voter.promised, 0);
    start(room, 0);
    pass(room, 5 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert_state(room, 1, SYNC);
    dismiss(room);
}
END_TEST

/* The same backup once more, before and after it has joined. */
START_TEST(the_same_copy_is_noticed_again)
{
    struct assembly *room = assemble_copy(WITNESSES);
    const struct ms_council_record copy = room->masters[1].disk;

    for (int i = 0; i < 4; i++) {
        start(room, 1);
        ck_assert(room->masters[1].is_renewed);
        reconnect(room, 1);
        pass(room, i % 2 * 2 * MS_SEC);
        stop(room, 1, true);
        room->masters[1].disk = copy;
    }
    dismiss(room);
}
END_TEST

START_TEST(an_old_copy_is_noticed_though_it_was_started_alone)
{
    struct assembly *room = assemble_copy(WITNESSES);

    for (int i = 0; i < 3; i++) {
        ms_council_record_start(&room->masters[1].disk, ++room->lives);
    }
    start(room, 1);
    ck_assert(room->masters[1].is_renewed);
    dismiss(room);
}
END_TEST

/* Its word counts for nothing, and to serve by it is over. */
START_TEST(an_incumbent_that_is_an_old_copy_stops)
{
    struct assembly *room = assemble_pair(0);
    const struct ms_council_record copy = room->masters[0].disk;
    ms_epoch epoch;

    restart(room, 0);
    pass(room, 2 * MS_SEC);
    restart(room, 1); /* which gives the role back */
    pass(room, 2 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    room->is_cut = true;
    stop(room, 0, false);
    pass(room, 1 * MS_SEC);
    room->masters[0].disk = copy;
    epoch = record_of(room, 1)->voter.promised;
    start(room, 0);
    pass(room, 10 * MS_SEC);
    ck_assert(room->masters[0].serves); /* it needs nobody, and nobody knows */
    room->is_cut = false;
    part(room, 1, 0, false);
    meet(room, 1, 0);
    ck_assert(room->masters[0].is_renewed);
    ck_assert(!room->masters[0].serves);
    ck_assert_uint_gt(record_of(room, 0)->unmerged, 0); /* it is handed over */
    ck_assert_uint_eq(record_of(room, 1)->voter.promised, epoch);
    reconnect(room, 0);
    pass(room, 10 * MS_SEC);
    ck_assert(!room->masters[0].serves);
    dismiss(room);
}
END_TEST

/* An empty directory takes the place of one that is remembered: nothing is wrong with it, and its numbers go on. */
START_TEST(a_new_directory_goes_on_with_the_numbers)
{
    struct assembly *room = assemble_copy(WITNESSES);

    room->masters[1].disk = (struct ms_council_record){
        .incarnation = uuid_of(0xe, 1), .place = 1, .lead = MS_MASTERS, .is_fresh = true};
    start(room, 1);
    pass(room, 2 * MS_SEC);
    ck_assert(!room->masters[1].is_renewed);
    ck_assert_state(room, 0, PAIR);
    ck_assert(!record_of(room, 1)->is_outlived);
    ck_assert_uint_gt(record_of(room, 1)->start.number, MS_START_LEAP);
    ck_assert_uint_eq(record_of(room, 0)->known[1].number, record_of(room, 1)->start.number);
    dismiss(room);
}
END_TEST

START_TEST(an_older_program_is_not_judged)
{
    struct assembly *room = assemble_pair(WITNESSES);
    struct ms_pair_frame hello;
    const struct ms_council_party party = party_of(1);

    stop(room, 1, true);
    pass(room, 1 * MS_SEC);
    start(room, 1);
    ms_council_hello(room->masters[1].council, &hello);
    hello.start.number = 0;
    ms_council_met(room->masters[0].council, room->now, &party, &hello);
    settle(room);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    dismiss(room);
}
END_TEST

/* Without a start since the copy nobody notices, least of all witnesses that were set back too. It lacks the vote by which it is in S, and so may ask for an epoch below that one: the
 * only way in which who asks for votes finds himself in the S of another one. */
START_TEST(an_old_copy_that_nobody_notices_withdraws_what_it_proposes)
{
    struct assembly *room = assemble_pair(WITNESSES);
    const struct ms_council_record copy = room->masters[1].disk;
    struct ms_complaint complaint;

    room->is_cut = true;
    part(room, 0, 1, false);
    pass(room, 500 * MS_MSEC);
    ck_assert_state(room, 0, SOLO);
    room->is_cut = false;
    meet(room, 0, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, PAIR); /* with its vote, in an epoch two above */
    room->is_cut = true;
    stop(room, 1, false);
    part(room, 0, 1, false);
    room->masters[1].disk = copy;
    for (uint8_t i = 0; i < WITNESSES; i++) { /* so were they, and none of them gets to vote */
        room->witnesses[i] = copy.voter;
        part(room, 0, (uint8_t)(MS_MASTERS + i), false);
    }
    room->is_vote_slow = true;
    start(room, 1);
    ck_assert_int_eq(
        ms_council_order(room->masters[1].council, room->now, MS_ORDER_PROMOTE, &complaint),
        MS_E_OK);
    settle(room);
    memset(room->is_witness_up, 0, sizeof room->is_witness_up);
    ck_assert_state(room, 1, CANDIDATE);
    ck_assert_uint_lt(record_of(room, 1)->voter.promised, record_of(room, 0)->served);
    room->is_cut = false;
    meet(room, 0, 1);
    ck_assert(!room->masters[1].is_renewed);
    ck_assert_uint_ne(ms_council_taken(room->masters[1].council, MS_COUNCIL_CANDIDATE) &
                          1u << MS_COUNCIL_IN_SYNC,
                      0);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    ck_assert_state(room, 1, SYNC);
    dismiss(room);
}
END_TEST

TESTS(starts_are_told_and_remembered, an_old_copy_begins_anew_and_joins_again,
      witnesses_notice_an_old_copy, the_same_copy_is_noticed_again,
      an_old_copy_is_noticed_though_it_was_started_alone, an_incumbent_that_is_an_old_copy_stops,
      a_new_directory_goes_on_with_the_numbers, an_older_program_is_not_judged,
      an_old_copy_that_nobody_notices_withdraws_what_it_proposes)
