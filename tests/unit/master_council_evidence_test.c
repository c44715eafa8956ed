/* Takeover by evidence: the peer is gone, nobody votes, and somebody has come who has lost it too. */
#include "master/council.h"

#include "master_assembly_people.h"
#include "master_script.h"

/* A pair whose primary is active, once it has lasted for span. */
static struct assembly *assemble_by_evidence(uint32_t witnesses, ms_time span)
{
    struct assembly *room = assemble(witnesses);

    room->masters[0].config.is_bootstrap = true;
    room->masters[0].config.failover = room->masters[1].config.failover = MS_FAILOVER_EVIDENCE;
    start(room, 0);
    start(room, 1);
    pass(room, span);
    ck_assert_state(room, 0, PAIR);
    return room;
}

START_TEST(evidence_is_somebody_who_comes_when_the_peer_is_gone)
{
    struct assembly *room = assemble_by_evidence(0, 20 * MS_SEC);
    struct ms_council *council;

    ck_assert_state(room, 1, SYNC);
    council = room->masters[1].council;
    ms_council_asked(council, room->now); /* at the wrong door: the peer lives */
    stop(room, 0, false);
    pass(room, 3 * MS_SEC);
    ck_assert_state(room, 1, SYNC);
    ms_council_asked(council, room->now);
    act(room);
    ck_assert_state(room, 1, SOLO);
    ck_assert_int_eq(ms_council_record(council)->voter.accepted.kind, MS_DECISION_FORCED);
    start(room, 0);
    pass(room, 3 * MS_SEC);
    ck_assert_state(room, 1, PAIR);
    ck_assert_state(room, 0, SYNC);
    dismiss(room);
}
END_TEST

/* A half that has never heard how the other one is configured, be it of an older program. */
START_TEST(evidence_counts_only_between_halves_that_were_alike)
{
    struct assembly *room = assemble_by_evidence(0, 2 * MS_SEC);

    stop(room, 0, true);
    stop(room, 1, true);
    room->masters[1].disk.theirs = (struct ms_pair_settings){.failover = 0};
    start(room, 1);
    pass(room, 20 * MS_SEC);
    ms_council_asked(room->masters[1].council, room->now);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 1, PENDING);
    start(room, 0);
    pass(room, 5 * MS_SEC);
    stop(room, 0, true);
    restart(room, 1);
    pass(room, 10 * MS_SEC);
    ms_council_asked(room->masters[1].council, room->now);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, 1, SOLO);
    dismiss(room);
}
END_TEST

/* The other half asks for votes; this one, restarted where it reaches nobody, does not force. */
START_TEST(evidence_does_not_count_where_the_other_half_waits_for_votes)
{
    struct assembly *room = assemble_by_evidence(0, 2 * MS_SEC);

    room->masters[0].config.failover = MS_FAILOVER_QUORUM;
    restart(room, 0);
    pass(room, 5 * MS_SEC);
    ck_assert_ptr_nonnull(strstr(ms_council_mismatch(room->masters[1].council), "--failover"));
    room->is_cut = true;
    restart(room, 1);
    pass(room, 20 * MS_SEC);
    ms_council_asked(room->masters[1].council, room->now);
    pass(room, 20 * MS_SEC);
    ck_assert_state(room, 1, PENDING);
    dismiss(room);
}
END_TEST

START_TEST(evidence_counts_once_voters_were_asked_in_vain)
{
    struct assembly *room = assemble_by_evidence(WITNESSES, 2 * MS_SEC);
    struct ms_council *council;

    ck_assert_state(room, 1, SYNC);
    council = room->masters[1].council;
    for (uint8_t i = 0; i < WITNESSES; i++) {
        room->is_witness_up[i] = false;
        part(room, 1, (uint8_t)(2 + i), false);
    }
    stop(room, 0, true);
    ms_council_asked(council, room->now);
    act(room);
    ck_assert_state(room, 1, SYNC);
    pass(room, 5 * MS_SEC);
    ms_council_asked(council, room->now);
    act(room);
    ck_assert_state(room, 1, SOLO);
    ck_assert_int_eq(ms_council_record(council)->voter.accepted.kind, MS_DECISION_FORCED);
    dismiss(room);
}
END_TEST

START_TEST(who_was_active_goes_on_by_evidence)
{
    struct assembly *room = assemble_by_evidence(WITNESSES, 2 * MS_SEC);
    struct ms_complaint complaint;

    ck_assert_int_eq(
        ms_council_order(room->masters[0].council, room->now, MS_ORDER_SWITCHOVER, &complaint),
        MS_E_OK);
    copy_log(room, 1);
    settle(room);
    ck_assert_state(room, 1, PAIR);
    for (uint8_t i = 0; i < WITNESSES; i++) {
        room->is_witness_up[i] = false;
        part(room, 1, (uint8_t)(2 + i), false);
    }
    stop(room, 0, true);
    pass(room, 5 * MS_SEC);
    ck_assert_state(room, 1, SOLO);
    ck_assert_int_eq(ms_council_record(room->masters[1].council)->voter.accepted.kind,
                     MS_DECISION_FORCED);
    dismiss(room);
}
END_TEST

/* The witnesses are gone, and one of a pair in which both go on without votes as the active, and only so. */
static struct assembly *assemble_degrading(uint8_t lost)
{
    struct assembly *room = assemble_pair(WITNESSES);

    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        room->masters[1 - place].config.is_degrading = true;
        stop(room, 1 - place, true);
        start(room, 1 - place);
        pass(room, 5 * MS_SEC);
        copy_log(room, 1 - place);
        settle(room);
    }
    ck_assert_state(room, 1, PAIR);
    ck_assert_state(room, 0, SYNC);
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        for (uint8_t i = 0; i < WITNESSES; i++) {
            room->is_witness_up[i] = false;
            part(room, place, (uint8_t)(2 + i), false);
        }
    }
    stop(room, lost, true);
    ms_council_asked(room->masters[1 - lost].council, room->now);
    act(room);
    pass(room, 10 * MS_SEC);
    ms_council_asked(room->masters[1 - lost].council, room->now);
    act(room);
    pass(room, 10 * MS_SEC);
    return room;
}

START_TEST(the_active_goes_on_without_votes_where_that_is_wanted)
{
    struct assembly *room = assemble_degrading(0);

    ck_assert_state(room, 1, SOLO);
    ck_assert_int_eq(ms_council_record(room->masters[1].council)->voter.accepted.kind,
                     MS_DECISION_FORCED);
    dismiss(room);
}
END_TEST

START_TEST(the_standby_never_does)
{
    struct assembly *room = assemble_degrading(1);

    ck_assert_state(room, 0, SYNC);
    dismiss(room);
}
END_TEST

TESTS(evidence_counts_only_between_halves_that_were_alike,
      evidence_does_not_count_where_the_other_half_waits_for_votes,
      the_active_goes_on_without_votes_where_that_is_wanted, the_standby_never_does,
      evidence_is_somebody_who_comes_when_the_peer_is_gone,
      evidence_counts_once_voters_were_asked_in_vain, who_was_active_goes_on_by_evidence)
