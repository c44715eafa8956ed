/* Epochs that others show: none of them becomes ours, and an active that is alone asks before it stops. */
#include "master/council.h"

#include "master_assembly_people.h"
#include "master_script.h"

#define MADE_UP 7

static const struct ms_council_record *record_of(const struct assembly *room, uint8_t place)
{
    return ms_council_record(room->masters[place].council);
}

static bool has_notice(const struct assembly *room, uint8_t place, enum ms_council_notice notice)
{
    return ms_council_has_notice(room->masters[place].council, room->now, notice);
}

/* What somebody may make up, around what voters take. */
static ms_epoch made_up(const struct assembly *room, uint8_t place, int i)
{
    const ms_epoch promised = record_of(room, place)->voter.promised;
    const ms_epoch epochs[MADE_UP] = {promised + 1,
                                      promised + 1000,
                                      promised + MS_EPOCH_SEEN_MAX,
                                      promised + 2 * MS_EPOCH_FORCED_STEP - 1,
                                      promised + 2 * MS_EPOCH_FORCED_STEP,
                                      promised + 3 * MS_EPOCH_FORCED_STEP,
                                      UINT64_MAX};

    return epochs[i];
}

/* By force it can be there, and in no other way while this one is alone. */
static ms_epoch forced_by_other(const struct assembly *room, uint8_t place)
{
    return ms_epoch_leap(record_of(room, place)->voter.promised +
                             ms_epoch_forced_step((uint8_t)(1 - place), 5),
                         (uint8_t)(1 - place), 7);
}

static struct assembly *assemble_alone(uint32_t witnesses)
{
    struct assembly *room = assemble_pair(witnesses);

    stop(room, 1, true);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, SOLO);
    return room;
}

static void lose_witnesses(struct assembly *room)
{
    for (uint8_t i = 0; i < room->witnesses_count; i++) {
        room->is_witness_up[i] = false;
        part(room, 0, (uint8_t)(MS_MASTERS + i), false);
    }
}

static void meet_witnesses(struct assembly *room, uint8_t place)
{
    for (uint8_t i = 0; i < room->witnesses_count; i++) {
        room->is_witness_up[i] = true;
        meet(room, place, (uint8_t)(MS_MASTERS + i));
    }
}

START_TEST(what_a_client_shows_is_no_epoch_of_ours)
{
    struct assembly *room = assemble_pair(WITNESSES);

    for (int i = 0; i < MADE_UP; i++) {
        const uint8_t active = state_of(room, 0) == MS_COUNCIL_PAIR ? 0 : 1;
        const ms_epoch promised = record_of(room, active)->voter.promised;

        for (uint8_t place = 0; place < MS_MASTERS; place++) {
            outdo(room, place, made_up(room, place, i), i % 2 == 0);
        }
        pass(room, 5 * MS_SEC);
        ck_assert(room->masters[active].serves && !room->masters[active].pauses);
        ck_assert_uint_eq(record_of(room, active)->voter.promised, promised);
        stop(room, active, true);
        pass(room, 2 * MS_SEC);
        ck_assert_state(room, 1 - active, SOLO);
        ck_assert_uint_eq(room->masters[1 - active].epoch, promised + 1);
        start(room, active);
        pass(room, 5 * MS_SEC);
        ck_assert_state(room, 1 - active, PAIR);
    }
    dismiss(room);
}
END_TEST

START_TEST(nor_is_that_of_a_witness_nobody_has_enrolled)
{
    struct assembly *room = assemble_pair(1);
    const struct ms_council_party stranger = {.is_witness = true, .id = uuid_of(0xe, 1)};

    for (int i = 0; i < MADE_UP; i++) {
        const struct ms_pair_frame hello = {
            .role = MS_ROLE_WITNESS, .id = stranger.id, .promised = made_up(room, 1, i)};

        ms_council_met(room->masters[1].council, room->now, &stranger, &hello);
        ms_council_lost(room->masters[1].council, room->now, &stranger, false);
        ck_assert(has_notice(room, 1, MS_NOTICE_EPOCH_FAR) ==
                  (hello.promised > 2 + MS_EPOCH_SEEN_MAX));
        pass(room, MS_NOTICE_KEEP + 1 * MS_SEC);
        ck_assert(!has_notice(room, 1, MS_NOTICE_EPOCH_FAR));
    }
    stop(room, 0, true);
    pass(room, 2 * MS_SEC);
    ck_assert_state(room, 1, SOLO);
    ck_assert_uint_eq(room->masters[1].epoch, 3);
    dismiss(room);
}
END_TEST

/* It may know of a proposal that came to nothing. But never so far that the others would not go along. */
START_TEST(above_what_a_voter_shows_the_next_one_is_still_near)
{
    struct assembly *room = assemble_pair(WITNESSES);
    const struct ms_council_party witness = party_of(2);
    struct ms_pair_frame frame = {.role = MS_ROLE_WITNESS, .id = witness.id};
    const struct ms_command beat = {.kind = MS_KIND_PEER_BEAT, .body.pair = &frame};
    const ms_epoch epochs[] = {2 + 2 * MS_EPOCH_FORCED_STEP, 2 + MS_EPOCH_SEEN_MAX};

    for (size_t i = 0; i < sizeof epochs / sizeof epochs[0]; i++) {
        frame.promised = epochs[i];
        ms_council_hear(room->masters[1].council, room->now, &witness, epochs[i], &beat);
    }
    ck_assert(has_notice(room, 1, MS_NOTICE_EPOCH_FAR));
    stop(room, 0, true);
    pass(room, 2 * MS_SEC);
    ck_assert_state(room, 1, SOLO);
    ck_assert_uint_eq(room->masters[1].epoch, epochs[1] + 1);
    start(room, 0);
    pass(room, 5 * MS_SEC);
    ck_assert_state(room, 1, PAIR);
    dismiss(room);
}
END_TEST

START_TEST(what_is_shown_is_told_of_until_nobody_shows_it)
{
    struct assembly *room = assemble_pair(1);

    outdo(room, 1, 1000, false);
    ck_assert(!has_notice(room, 1, MS_NOTICE_EPOCH_SHOWN)); /* it may be heard of in a moment */
    pass(room, MS_NOTICE_SHOWN_WAIT);
    ck_assert(has_notice(room, 1, MS_NOTICE_EPOCH_SHOWN));
    pass(room, MS_NOTICE_SHOWN_KEEP);
    ck_assert(!has_notice(room, 1, MS_NOTICE_EPOCH_SHOWN));
    outdo(room, 0, 3, false);
    stop(room, 1, true);
    pass(room, MS_NOTICE_SHOWN_WAIT + 1 * MS_SEC);
    ck_assert_state(room, 0, SOLO); /* in that very epoch */
    ck_assert_uint_eq(room->masters[0].epoch, 3);
    ck_assert(!has_notice(room, 0, MS_NOTICE_EPOCH_SHOWN));
    dismiss(room);
}
END_TEST

START_TEST(one_that_is_alone_asks_its_voters_and_goes_on)
{
    struct assembly *room = assemble_alone(WITNESSES);
    const ms_epoch epoch = room->masters[0].epoch;
    const unsigned serves = room->masters[0].serves_total;

    for (int i = 0; i < 20; i++) {
        outdo(room, 0, forced_by_other(room, 0), true);
        pass(room, 700 * MS_MSEC);
        ck_assert_state(room, 0, SOLO);
    }
    ck_assert_uint_eq(room->masters[0].epoch, epoch);
    ck_assert_uint_eq(room->masters[0].serves_total, serves);
    dismiss(room);
}
END_TEST

START_TEST(one_that_is_alone_asks_its_peer_and_goes_on)
{
    struct assembly *room = assemble_alone(0);
    const ms_epoch epoch = room->masters[0].epoch;

    room->copies = false;
    start(room, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 0, SOLO);
    outdo(room, 0, forced_by_other(room, 0), true);
    pass(room, 5 * MS_SEC);
    ck_assert_state(room, 0, SOLO);
    ck_assert_uint_eq(room->masters[0].epoch, epoch);
    dismiss(room);
}
END_TEST

/* The other half is active by force where nobody sees it, and a slave has been there. */
START_TEST(one_that_nobody_answers_stops)
{
    struct assembly *room = assemble_alone(WITNESSES);

    lose_witnesses(room);
    outdo(room, 0, forced_by_other(room, 0), true);
    pass(room, MS_PEER_SILENT_DEFAULT + 100 * MS_MSEC);
    ck_assert(!room->masters[0].serves);
    pass(room, 30 * MS_SEC);
    ck_assert(!room->masters[0].serves);
    meet_witnesses(room, 0);
    pass(room, 2 * MS_SEC);
    ck_assert_state(room, 0, SOLO);
    dismiss(room);
}
END_TEST

START_TEST(whom_nobody_answers_does_not_believe_strangers_nor_what_cannot_be)
{
    struct assembly *room = assemble_alone(WITNESSES);

    lose_witnesses(room);
    outdo(room, 0, forced_by_other(room, 0), false);
    pass(room, 5 * MS_SEC);
    ck_assert_state(room, 0, SOLO);
    for (int i = 0; i < MADE_UP; i++) {
        outdo(room, 0, made_up(room, 0, i), i != 2); /* that one has the form of one */
        pass(room, 5 * MS_SEC);
        ck_assert_state(room, 0, SOLO);
    }
    ck_assert(room->masters[0].serves && !room->masters[0].pauses);
    dismiss(room);
}
END_TEST

/* Nobody else votes: the incumbent that has stopped waits for the other half, or for an operator. */
START_TEST(an_incumbent_in_doubt_waits_for_a_word)
{
    struct assembly *room = assemble_alone(0);
    const ms_epoch shown = forced_by_other(room, 0);
    struct ms_complaint complaint;

    outdo(room, 0, shown, true);
    pass(room, 60 * MS_SEC);
    ck_assert_state(room, 0, PENDING);
    ck_assert_int_eq(
        ms_council_order(room->masters[0].council, room->now, MS_ORDER_FORCE, &complaint), MS_E_OK);
    settle(room);
    ck_assert_state(room, 0, SOLO);
    ck_assert_uint_gt(room->masters[0].epoch, shown); /* so those who have been there come here */
    start(room, 1);
    pass(room, 5 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    outdo(room, 0, forced_by_other(room, 0), true);
    pass(room, 5 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    dismiss(room);
}
END_TEST

START_TEST(an_incumbent_in_doubt_goes_on_when_the_other_half_is_back)
{
    struct assembly *room = assemble_alone(0);

    outdo(room, 0, forced_by_other(room, 0), true);
    pass(room, 10 * MS_SEC);
    ck_assert_state(room, 0, PENDING);
    start(room, 1);
    pass(room, 5 * MS_SEC);
    ck_assert_state(room, 0, PAIR);
    dismiss(room);
}
END_TEST

/* As an older program could leave it: one half has promised more than anybody would vote for. */
START_TEST(halves_of_which_one_has_promised_too_much_find_together)
{
    for (uint32_t i = 0; i < 8; i++) {
        if (i == 2) {
            continue; /* an incumbent goes on alone: the other one is to be emptied */
        }
        struct assembly *room = assemble_pair(i % 4 < 2 ? WITNESSES : 0);
        const uint8_t place = (uint8_t)(i % 2), first = (uint8_t)(i < 4 ? place : 1 - place);
        struct ms_voter *voter = &room->masters[place].disk.voter;

        stop(room, 0, false);
        stop(room, 1, false);
        voter->promised += 2 * MS_EPOCH_FORCED_STEP + 1;
        voter->accepted = (struct ms_decision){
            .epoch = voter->promised, .kind = MS_DECISION_SOLO, .proposer = place, .active = place};
        voter->accepted.set[place] = room->masters[place].disk.incarnation;
        start(room, first);
        pass(room, 1 * MS_SEC);
        start(room, 1 - first);
        pass(room, 20 * MS_SEC);
        ck_assert_msg(state_of(room, 0) == MS_COUNCIL_PAIR || state_of(room, 1) == MS_COUNCIL_PAIR,
                      "%u: %s %s", i, ms_council_state_name(state_of(room, 0)),
                      ms_council_state_name(state_of(room, 1)));
        stop(room, 0, true);
        pass(room, 2 * MS_SEC);
        ck_assert(i % 4 >= 2 || state_of(room, 1) == MS_COUNCIL_SOLO);
        dismiss(room);
    }
}
END_TEST

START_TEST(who_is_promoted_promises_nothing_before_others_would_vote)
{
    struct assembly *room = assemble_pair(WITNESSES);
    struct ms_complaint complaint;
    ms_epoch promised;

    room->masters[1].config.failover = MS_FAILOVER_MANUAL;
    restart(room, 1);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 1, SYNC);
    for (uint8_t i = 0; i < WITNESSES; i++) {
        room->is_witness_up[i] = false;
        part(room, 1, (uint8_t)(MS_MASTERS + i), false);
    }
    stop(room, 0, true);
    pass(room, 10 * MS_SEC);
    promised = record_of(room, 1)->voter.promised;
    for (int i = 0; i < 2; i++) {
        pass(room, 10 * MS_SEC);
        ck_assert_uint_eq(record_of(room, 1)->voter.promised, promised);
        ck_assert_int_eq(
            ms_council_order(room->masters[1].council, room->now, MS_ORDER_PROMOTE, &complaint),
            MS_E_OK);
        pass(room, 500 * MS_MSEC);
        ck_assert_uint_eq(record_of(room, 1)->voter.promised, promised);
    }
    meet_witnesses(room, 1); /* it asks for a while */
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 1, SOLO);
    dismiss(room);
}
END_TEST

TESTS(what_a_client_shows_is_no_epoch_of_ours, nor_is_that_of_a_witness_nobody_has_enrolled,
      above_what_a_voter_shows_the_next_one_is_still_near,
      what_is_shown_is_told_of_until_nobody_shows_it, one_that_is_alone_asks_its_voters_and_goes_on,
      one_that_is_alone_asks_its_peer_and_goes_on, one_that_nobody_answers_stops,
      whom_nobody_answers_does_not_believe_strangers_nor_what_cannot_be,
      an_incumbent_in_doubt_waits_for_a_word,
      an_incumbent_in_doubt_goes_on_when_the_other_half_is_back,
      halves_of_which_one_has_promised_too_much_find_together,
      who_is_promoted_promises_nothing_before_others_would_vote)
