/* The rule of acceptance, word for word: docs/decisions/0010-pair-model.md. */
#include "core/decision.h"

#include <check.h>
#include <stdlib.h>

#include "core/limits.h"

static const struct ms_uuid a1 = {{1}}, b1 = {{2}}, a2 = {{3}};

static struct ms_decision decision_of(ms_epoch epoch, enum ms_decision_kind kind, uint8_t proposer,
                                      const struct ms_uuid *a, const struct ms_uuid *b)
{
    struct ms_decision decision = {
        .epoch = epoch, .kind = kind, .proposer = proposer, .active = proposer};

    if (a != NULL) {
        decision.set[0] = *a;
    }
    if (b != NULL) {
        decision.set[1] = *b;
    }
    return decision;
}

static struct ms_voter voter_of(ms_epoch promised, const struct ms_uuid *a, const struct ms_uuid *b)
{
    return (struct ms_voter){.promised = promised,
                             .accepted = decision_of(promised, MS_DECISION_JOIN, 0, a, b)};
}

START_TEST(only_higher_epochs)
{
    const struct ms_voter voter = voter_of(3, &a1, &b1);

    for (ms_epoch epoch = 1; epoch < 6; epoch++) {
        const struct ms_decision solo = decision_of(epoch, MS_DECISION_SOLO, 1, NULL, &b1);

        ck_assert_int_eq(ms_decision_is_acceptable(&solo, &voter, false, 0), epoch > 3);
    }
}
END_TEST

START_TEST(only_who_was_in_the_set)
{
    const struct ms_voter alone = voter_of(1, &a1, NULL), both = voter_of(1, &a1, &b1);
    const struct ms_decision b_solo = decision_of(2, MS_DECISION_SOLO, 1, NULL, &b1);
    const struct ms_decision a_join = decision_of(2, MS_DECISION_JOIN, 0, &a1, &b1);
    const struct ms_decision other_a = decision_of(2, MS_DECISION_JOIN, 0, &a2, &b1);

    ck_assert(!ms_decision_is_acceptable(&b_solo, &alone, true, 0));
    ck_assert(ms_decision_is_acceptable(&b_solo, &both, true, 9));
    ck_assert(ms_decision_is_acceptable(&a_join, &alone, false, 0));
    ck_assert(!ms_decision_is_acceptable(&other_a, &alone, false, 0)); /* wiped since */
}
END_TEST

START_TEST(consent_is_for_masters_that_served_less)
{
    const struct ms_voter voter = voter_of(5, NULL, &b1);
    struct ms_decision consent = decision_of(6, MS_DECISION_CONSENT, 0, &a1, NULL);

    consent.served = 4;
    ck_assert(ms_decision_is_acceptable(&consent, &voter, true, 3));
    ck_assert(!ms_decision_is_acceptable(&consent, &voter, true, 4));
    ck_assert(!ms_decision_is_acceptable(&consent, &voter, false, 0));
}
END_TEST

START_TEST(a_bootstrap_is_for_who_knows_nothing)
{
    const struct ms_voter none = {.promised = 0}, one = voter_of(1, &a1, NULL);
    const struct ms_decision first = decision_of(1, MS_DECISION_BOOTSTRAP, 0, &a1, NULL);
    const struct ms_decision later = decision_of(1700000000, MS_DECISION_BOOTSTRAP, 0, &a1, NULL);
    const struct ms_decision second = decision_of(2, MS_DECISION_BOOTSTRAP, 0, &a1, NULL);

    ck_assert(ms_decision_is_acceptable(&first, &none, false, 0));
    ck_assert(
        ms_decision_is_acceptable(&later, &none, false, 0)); /* of what a single master kept */
    ck_assert(!ms_decision_is_acceptable(&second, &one, false, 0));
}
END_TEST

START_TEST(nobody_votes_for_force_or_nonsense)
{
    const struct ms_voter voter = voter_of(1, &a1, &b1);
    struct ms_decision decision = decision_of(2, MS_DECISION_FORCED, 0, &a1, NULL);

    ck_assert(ms_decision_is_sound(&decision));
    ck_assert(!ms_decision_is_acceptable(&decision, &voter, true, 0));
    decision = decision_of(2, MS_DECISION_SOLO, 0, NULL, &b1); /* the active is not in S */
    ck_assert(!ms_decision_is_acceptable(&decision, &voter, true, 0));
    decision = decision_of(2, MS_DECISION_SOLO, 0, &a1, NULL);
    decision.proposer = 7;
    ck_assert(!ms_decision_is_acceptable(&decision, &voter, true, 0));
    decision = decision_of(2, MS_DECISION_KINDS, 0, &a1, NULL);
    ck_assert(!ms_decision_is_acceptable(&decision, &voter, true, 0));
}
END_TEST

START_TEST(epochs_do_not_jump)
{
    const struct ms_voter voter = voter_of(1, &a1, &b1);
    struct ms_decision decision =
        decision_of(1 + 2 * MS_EPOCH_FORCED_STEP, MS_DECISION_SOLO, 0, &a1, NULL);

    ck_assert(ms_decision_is_acceptable(&decision, &voter, true, 0));
    decision.epoch++;
    ck_assert(!ms_decision_is_acceptable(&decision, &voter, true, 0));
    decision = decision_of(1 + 3 * MS_EPOCH_FORCED_STEP, MS_DECISION_CONSENT, 0, &a1, NULL);
    decision.served = 1; /* both are there, and one of them has promised that much */
    ck_assert(ms_decision_is_acceptable(&decision, &voter, true, 0));
    decision.epoch = MS_EPOCH_MAX + 1;
    ck_assert(!ms_decision_is_acceptable(&decision, &voter, true, 0));
    ck_assert(ms_epoch_is_near(UINT64_MAX, 0));
    ck_assert(!ms_epoch_is_near(UINT64_MAX, 1));
    ck_assert(ms_epoch_is_near(1, UINT64_MAX));
}
END_TEST

/* One goes above what another one has shown, and those who vote may have promised a little less. */
START_TEST(who_goes_above_what_is_shown_stays_near)
{
    const ms_epoch promised = 5 * MS_EPOCH_SPAN, highest = promised + MS_EPOCH_SEEN_MAX;

    ck_assert(ms_epoch_leaves_room(promised, promised));
    ck_assert(ms_epoch_leaves_room(highest, promised));
    ck_assert(!ms_epoch_leaves_room(highest + 1, promised));
    ck_assert(!ms_epoch_leaves_room(UINT64_MAX, promised));
    ck_assert(!ms_epoch_leaves_room(1, 0));
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        ck_assert(ms_epoch_is_near(highest + 1, promised - 3 * MS_EPOCH_SPAN));
        ck_assert(ms_epoch_is_near(ms_epoch_leap(highest, place, UINT64_MAX), promised));
        /* What a half can have come to by force alone. */
        ck_assert(ms_epoch_leaves_room(
            ms_epoch_leap(promised + ms_epoch_forced_step(place, UINT64_MAX), place, UINT64_MAX),
            promised));
    }
}
END_TEST

START_TEST(who_leaves_a_pair_goes_on_above_all_that_it_has_heard)
{
    static const uint64_t draws[] = {0, UINT64_MAX, 0x0123456789abcdef};

    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        for (size_t i = 0; i < 3 * sizeof draws / sizeof draws[0]; i++) {
            struct ms_council_record record = {.place = place, .voter = voter_of(7, &a1, &b1)};
            const ms_epoch high = 3 * MS_EPOCH_FORCED_STEP + 12345;
            ms_epoch epoch;

            record.voter.promised = i % 3 == 0 ? high : 7;
            record.voter.accepted.epoch = i % 3 == 1 ? high : 7;
            record.served = i % 3 == 2 ? high : 7;
            epoch = ms_epoch_of_leaving(&record, draws[i / 3]);
            ck_assert_uint_gt(epoch, high + MS_EPOCH_FORCED_STEP); /* votes do not lead there, */
            ck_assert_uint_lt(epoch, high + 2 * MS_EPOCH_FORCED_STEP);
            ck_assert_uint_eq(epoch % MS_EPOCH_SPAN / (MS_EPOCH_SPAN / 2), place); /* nor force */
        }
    }
}
END_TEST

START_TEST(equal_means_every_field)
{
    const struct ms_decision one = decision_of(2, MS_DECISION_JOIN, 0, &a1, &b1);
    struct ms_decision other = one;

    ck_assert(ms_decision_equal(&one, &other));
    other.set[0] = a2;
    ck_assert(!ms_decision_equal(&one, &other));
    other = one;
    other.kind = MS_DECISION_ADMIT;
    ck_assert(!ms_decision_equal(&one, &other));
    other = one;
    other.epoch++;
    ck_assert(!ms_decision_equal(&one, &other));
    ck_assert(ms_decision_is_pair(&one));
    ck_assert(ms_decision_has(&one, 1, &b1));
    ck_assert(!ms_decision_has(&one, 1, &a1));
}
END_TEST

START_TEST(a_majority_is_more_than_half_of_each_list)
{
    struct ms_witnesses list = {.count = 4}, next = {.count = 1}, none = {.count = 0};

    ck_assert(!ms_witnesses_are_quorum(&list, 3, NULL, 0));
    ck_assert(ms_witnesses_are_quorum(&list, 7, NULL, 0));
    ck_assert(!ms_witnesses_are_quorum(&list, 7, &next, 0));
    ck_assert(ms_witnesses_are_quorum(&list, 7, &next, 1));
    ck_assert(!ms_witnesses_are_quorum(&none, 31, NULL, 0));
    list.count = 2;
    ck_assert(!ms_witnesses_are_quorum(&list, ~3u | 1u, NULL, 0)); /* votes of nobody */
    list.ids[0] = a1;
    next = list;
    ck_assert(ms_witnesses_equal(&list, &next));
    next.ids[1] = b1;
    ck_assert(!ms_witnesses_equal(&list, &next));
}
END_TEST

START_TEST(names_are_words)
{
    ck_assert_str_eq(ms_decision_name(MS_DECISION_SOLO), "SOLO");
    ck_assert_str_eq(ms_decision_name(MS_DECISION_FORCED), "FORCED");
    ck_assert_str_eq(ms_decision_name((enum ms_decision_kind)99), "UNKNOWN");
    for (enum ms_decision_kind kind = 0; kind < MS_DECISION_KINDS; kind++) {
        ck_assert_str_ne(ms_decision_name(kind), "UNKNOWN");
    }
}
END_TEST

START_TEST(a_start_is_counted_and_ends_what_is_told)
{
    struct ms_council_record record = {.is_fresh = true, .is_outlived = true};

    ms_council_record_start(&record, 8);
    ck_assert_uint_eq(record.start.number, 1);
    ck_assert_uint_eq(record.start.lives[0], 8);
    ck_assert(record.is_outlived); /* not before it is a member again */
    record.is_fresh = false;
    ms_council_record_start(&record, 9);
    ck_assert_uint_eq(record.start.number, 2);
    ck_assert(!record.is_outlived);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_decision");
    TCase *tests = tcase_create("decision");

    tcase_add_test(tests, only_higher_epochs);
    tcase_add_test(tests, only_who_was_in_the_set);
    tcase_add_test(tests, consent_is_for_masters_that_served_less);
    tcase_add_test(tests, a_bootstrap_is_for_who_knows_nothing);
    tcase_add_test(tests, nobody_votes_for_force_or_nonsense);
    tcase_add_test(tests, epochs_do_not_jump);
    tcase_add_test(tests, who_goes_above_what_is_shown_stays_near);
    tcase_add_test(tests, who_leaves_a_pair_goes_on_above_all_that_it_has_heard);
    tcase_add_test(tests, equal_means_every_field);
    tcase_add_test(tests, a_majority_is_more_than_half_of_each_list);
    tcase_add_test(tests, names_are_words);
    tcase_add_test(tests, a_start_is_counted_and_ends_what_is_told);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
