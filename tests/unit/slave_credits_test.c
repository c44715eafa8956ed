#include "slave/credits.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/rng.h"

START_TEST(everything_is_due_at_first)
{
    struct ms_credits credits;

    ms_credits_init(&credits, MS_CREDIT_PUSH, 4, 2);
    ck_assert_uint_eq(ms_credits_due(&credits, 0, 100), 6);
    ck_assert_uint_eq(ms_credits_due(&credits, 5, 100), 1);
    ck_assert_uint_eq(ms_credits_due(&credits, 6, 100), 0);
    ck_assert_uint_eq(ms_credits_due(&credits, 9, 100), 0); /* dropped ones still hold slots */
    ck_assert_uint_eq(ms_credits_due(&credits, 0, 3), 3);
    ck_assert_uint_eq(ms_credits_due(&credits, 0, 0), 0);
}
END_TEST

START_TEST(what_was_granted_is_not_due_again)
{
    struct ms_credits credits;

    ms_credits_init(&credits, MS_CREDIT_PULL, 4, 0);
    ms_credits_grant(&credits, 3);
    ck_assert_uint_eq(ms_credits_due(&credits, 0, 100), 1);
    ck_assert_uint_eq(ms_credits_due(&credits, 0, 3), 0);
    ck_assert(ms_credits_spend(&credits));
    ck_assert_uint_eq(ms_credits_due(&credits, 1, 99), 1);
    ms_credits_void(&credits);
    ck_assert_uint_eq(ms_credits_due(&credits, 1, 99), 3);
}
END_TEST

START_TEST(other_slots)
{
    struct ms_credits credits;

    ms_credits_init(&credits, MS_CREDIT_PUSH, 4, 2);
    ms_credits_grant(&credits, 5);
    ms_credits_resize(&credits, 8, 2, 1);
    ck_assert_uint_eq(credits.granted, 5);
    ck_assert_uint_eq(ms_credits_due(&credits, 1, 100), 4);
    ms_credits_resize(&credits, 1, 2, 1); /* one is in hand, two more may come */
    ck_assert_uint_eq(credits.granted, 2);
    ck_assert_uint_eq(ms_credits_due(&credits, 1, 100), 0);
    ck_assert_uint_eq(credits.voided, 3);
    ms_credits_restore(&credits, 1, 100); /* there is no room yet */
    ck_assert_uint_eq(credits.granted, 2);
    ms_credits_resize(&credits, 2, 2, 1);
    ms_credits_restore(&credits, 1, 100);
    ck_assert_uint_eq(credits.granted, 3);
    ck_assert_uint_eq(credits.voided, 2);
    for (int i = 0; i < 3; i++) {
        ck_assert(ms_credits_spend(&credits));
    }
    ck_assert(!ms_credits_spend(&credits)); /* for one that is void */
    ck_assert_uint_eq(credits.voided, 1);
    ms_credits_resize(&credits, 1, 0, 3);
    ck_assert_uint_eq(credits.granted, 0);
    ck_assert_uint_eq(ms_credits_due(&credits, 3, 100), 0);
}
END_TEST

START_TEST(spending_more_than_granted_is_refused)
{
    struct ms_credits credits;

    ms_credits_init(&credits, MS_CREDIT_PUSH, 1, 0);
    ck_assert(!ms_credits_spend(&credits));
    ms_credits_grant(&credits, 1);
    ck_assert(ms_credits_spend(&credits));
    ck_assert(!ms_credits_spend(&credits));
}
END_TEST

START_TEST(granting_beyond_the_target_is_a_programmer_error)
{
    struct ms_credits credits;

    ms_credits_init(&credits, MS_CREDIT_PUSH, 2, 1);
    ms_credits_grant(&credits, 4);
}
END_TEST

/* Whatever happens in whatever order, held stays within what was granted. */
START_TEST(held_never_exceeds_what_was_granted)
{
    struct ms_rng rng;
    struct ms_credits credits;

    ms_rng_init(&rng, (uint64_t)_i);
    const uint32_t slots = 1 + (uint32_t)ms_rng_below(&rng, 8);
    const uint32_t prefetch = (uint32_t)ms_rng_below(&rng, 8);
    uint32_t held = 0;
    uint32_t kept = 0;
    const uint32_t capacity = slots + prefetch + (uint32_t)ms_rng_below(&rng, 8);
    uint32_t granted = 0;

    ms_credits_init(&credits, ms_rng_chance(&rng, 1, 2) ? MS_CREDIT_PUSH : MS_CREDIT_PULL, slots,
                    prefetch);
    for (int step = 0; step < 2000; step++) {
        const uint32_t due = ms_credits_due(&credits, held, capacity - held - kept);

        switch (ms_rng_below(&rng, 5)) {
        case 0:
            ms_credits_grant(&credits, due);
            granted += due;
            break;
        case 1:
            if (ms_credits_spend(&credits)) {
                granted--;
                held++;
            } else {
                ck_assert_uint_eq(granted, 0);
            }
            break;
        case 2:
            if (held > 0) {
                held--;
                kept++;
            }
            break;
        case 3:
            kept -= kept > 0;
            break;
        default:
            if (ms_rng_chance(&rng, 1, 20)) {
                ms_credits_void(&credits);
                granted = 0;
            }
            break;
        }
        ck_assert_uint_eq(credits.granted, granted);
        ck_assert_uint_le(granted + held, slots + prefetch);
        ck_assert_uint_le(granted + held + kept, capacity);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slave_credits");
    TCase *tests = tcase_create("credits");

    tcase_add_test(tests, everything_is_due_at_first);
    tcase_add_test(tests, what_was_granted_is_not_due_again);
    tcase_add_test(tests, spending_more_than_granted_is_refused);
    tcase_add_test(tests, other_slots);
    tcase_add_test_raise_signal(tests, granting_beyond_the_target_is_a_programmer_error, SIGABRT);
    tcase_add_loop_test(tests, held_never_exceeds_what_was_granted, 0, 20);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
