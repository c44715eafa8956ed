/* Which votes make which decision. */
#include "master/election.h"

#include "master_script.h"

static const struct ms_uuid here = {{1}}, there = {{2}};

static struct ms_witnesses list_of(uint8_t first, uint32_t count)
{
    struct ms_witnesses list = {.count = count};

    for (uint32_t i = 0; i < count; i++) {
        list.ids[i] = (struct ms_uuid){{9, (uint8_t)(first + i)}};
    }
    return list;
}

static void begin(struct ms_election *election, enum ms_decision_kind kind,
                  struct ms_electorate electorate)
{
    const struct ms_decision decision = {
        .epoch = 4, .kind = kind, .set = {here, there}, .served = 3};

    ms_election_begin(election, MS_ELECTION_VOTE, &decision, electorate);
}

static void vote(struct ms_election *election, uint8_t witness, enum ms_ballot ballot)
{
    *ms_election_ballot(election, &(struct ms_uuid){{9, witness}}) = ballot;
}

static enum ms_verdict verdict_of(enum ms_decision_kind kind, uint32_t witnesses, uint32_t votes,
                                  enum ms_ballot peer)
{
    const struct ms_witnesses list = list_of(0, witnesses);
    const struct ms_electorate electorate = {&list, NULL};
    struct ms_election election;

    begin(&election, kind, electorate);
    election.peer = peer;
    for (uint8_t i = 0; i < witnesses; i++) {
        vote(&election, i, i < votes ? MS_BALLOT_YES : MS_BALLOT_NO);
    }
    return ms_election_verdict(&election, electorate);
}

START_TEST(alone_by_witnesses_or_the_peer)
{
    ck_assert_int_eq(verdict_of(MS_DECISION_SOLO, 3, 2, MS_BALLOT_NO), MS_VERDICT_WON);
    ck_assert_int_eq(verdict_of(MS_DECISION_SOLO, 3, 1, MS_BALLOT_NO), MS_VERDICT_LOST);
    ck_assert_int_eq(verdict_of(MS_DECISION_SOLO, 3, 1, MS_BALLOT_ASKED), MS_VERDICT_OPEN);
    ck_assert_int_eq(verdict_of(MS_DECISION_SOLO, 3, 0, MS_BALLOT_YES), MS_VERDICT_WON);
    ck_assert_int_eq(verdict_of(MS_DECISION_SOLO, 2, 1, MS_BALLOT_NO), MS_VERDICT_LOST);
    ck_assert_int_eq(verdict_of(MS_DECISION_SOLO, 0, 0, MS_BALLOT_NO), MS_VERDICT_LOST);
    ck_assert_int_eq(verdict_of(MS_DECISION_INCUMBENT, 0, 0, MS_BALLOT_NO), MS_VERDICT_WON);
    ck_assert_int_eq(verdict_of(MS_DECISION_INCUMBENT, 1, 0, MS_BALLOT_NO), MS_VERDICT_LOST);
}
END_TEST

START_TEST(a_newcomer_has_no_vote)
{
    ck_assert_int_eq(verdict_of(MS_DECISION_ADMIT, 1, 0, MS_BALLOT_YES), MS_VERDICT_LOST);
    ck_assert_int_eq(verdict_of(MS_DECISION_ADMIT, 1, 1, MS_BALLOT_NO), MS_VERDICT_WON);
    ck_assert_int_eq(verdict_of(MS_DECISION_ADMIT, 0, 0, MS_BALLOT_NO), MS_VERDICT_WON);
}
END_TEST

START_TEST(some_need_the_peer_whatever_witnesses_say)
{
    static const enum ms_decision_kind kinds[] = {MS_DECISION_JOIN, MS_DECISION_HANDOVER,
                                                  MS_DECISION_CONSENT};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        ck_assert_int_eq(verdict_of(kinds[i], 3, 3, MS_BALLOT_NO), MS_VERDICT_LOST);
        ck_assert_int_eq(verdict_of(kinds[i], 3, 0, MS_BALLOT_YES), MS_VERDICT_WON);
    }
}
END_TEST

START_TEST(a_bootstrap_needs_everybody)
{
    ck_assert_int_eq(verdict_of(MS_DECISION_BOOTSTRAP, 3, 3, MS_BALLOT_YES), MS_VERDICT_WON);
    ck_assert_int_eq(verdict_of(MS_DECISION_BOOTSTRAP, 3, 2, MS_BALLOT_YES), MS_VERDICT_LOST);
    ck_assert_int_eq(verdict_of(MS_DECISION_BOOTSTRAP, 3, 3, MS_BALLOT_NO), MS_VERDICT_LOST);
    ck_assert_int_eq(verdict_of(MS_DECISION_BOOTSTRAP, 0, 0, MS_BALLOT_YES), MS_VERDICT_WON);
}
END_TEST

START_TEST(a_list_that_changes_needs_both_majorities)
{
    const struct ms_witnesses old = list_of(0, 3), next = list_of(2, 3), none = {.count = 0};
    const struct ms_electorate both = {&old, &next}, to_none = {&old, &none};
    struct ms_election election;

    begin(&election, MS_DECISION_SOLO, both);
    ck_assert_uint_eq(election.witnesses_count, 5); /* one is on both */
    election.peer = MS_BALLOT_NO;
    vote(&election, 0, MS_BALLOT_YES);
    vote(&election, 1, MS_BALLOT_YES);
    vote(&election, 3, MS_BALLOT_NO);
    ck_assert_int_eq(ms_election_verdict(&election, both), MS_VERDICT_OPEN);
    vote(&election, 2, MS_BALLOT_YES);
    vote(&election, 4, MS_BALLOT_YES);
    ck_assert_int_eq(ms_election_verdict(&election, both), MS_VERDICT_WON);
    begin(&election, MS_DECISION_SOLO, to_none);
    vote(&election, 0, MS_BALLOT_YES);
    vote(&election, 1, MS_BALLOT_YES);
    election.peer = MS_BALLOT_NO;
    ck_assert_int_eq(ms_election_verdict(&election, to_none), MS_VERDICT_LOST);
    election.decision.kind = MS_DECISION_INCUMBENT;
    ck_assert_int_eq(ms_election_verdict(&election, to_none), MS_VERDICT_WON);
}
END_TEST

START_TEST(who_is_not_there_is_waited_for_with_a_proposal_only)
{
    const struct ms_witnesses list = list_of(0, 1);
    const struct ms_electorate electorate = {&list, NULL};
    struct ms_election election;

    begin(&election, MS_DECISION_SOLO, electorate);
    ck_assert_int_eq(ms_election_verdict(&election, electorate), MS_VERDICT_OPEN);
    election.phase = MS_ELECTION_PREVOTE;
    ck_assert_int_eq(ms_election_verdict(&election, electorate), MS_VERDICT_LOST);
    ck_assert_ptr_null(ms_election_ballot(&election, &here));
    ms_election_end(&election);
    ck_assert_int_eq(election.phase, MS_ELECTION_NONE);
}
END_TEST

TESTS(alone_by_witnesses_or_the_peer, a_newcomer_has_no_vote,
      some_need_the_peer_whatever_witnesses_say, a_bootstrap_needs_everybody,
      a_list_that_changes_needs_both_majorities,
      who_is_not_there_is_waited_for_with_a_proposal_only)
