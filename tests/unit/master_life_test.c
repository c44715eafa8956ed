/* The table of a command's life: sound, and everything a command may meet has a way out. */
#include "master_script.h"

START_TEST(the_table_is_sound)
{
    struct ms_fsm_row rows[MS_LIFE_ROWS];
    struct ms_complaint complaint;

    ms_life_rows(rows);
    struct ms_fsm fsm = ms_life_fsm(rows);
    ck_assert_msg(ms_fsm_lint(&fsm, &complaint), "%s", complaint.text);
}
END_TEST

START_TEST(every_state_but_closed_can_be_left_for_closed)
{
    bool reaches[MS_LIFE_STATES] = {[MS_LIFE_CLOSED] = true};

    for (int round = 0; round < MS_LIFE_STATES; round++) {
        for (enum ms_life_state from = 0; from < MS_LIFE_STATES; from++) {
            for (enum ms_life_event event = 0; event < MS_LIFE_EVENTS; event++) {
                const struct ms_life_row *row = ms_life_next(from, event);

                reaches[from] |= row != NULL && reaches[row->to];
            }
        }
    }
    for (enum ms_life_state from = 0; from < MS_LIFE_STATES; from++) {
        ck_assert_msg(reaches[from], "%s is a trap", ms_life_state_name(from));
    }
}
END_TEST

START_TEST(rows_say_what_the_documents_say)
{
    ck_assert_int_eq(ms_life_next(MS_LIFE_READY, MS_LIFE_HAND_OUT)->to, MS_LIFE_LEASED);
    ck_assert_int_eq(ms_life_next(MS_LIFE_LEASED, MS_LIFE_RETRY)->to, MS_LIFE_DELAYED);
    ck_assert_int_eq(ms_life_next(MS_LIFE_LEASED, MS_LIFE_RETURN)->to, MS_LIFE_READY);
    ck_assert_int_eq(ms_life_next(MS_LIFE_LEASED, MS_LIFE_EXHAUST)->to, MS_LIFE_BURIED);
    ck_assert_int_eq(ms_life_next(MS_LIFE_DONE, MS_LIFE_CONFIRM)->to, MS_LIFE_CLOSED);
}
END_TEST

START_TEST(what_has_no_meaning_has_no_row)
{
    ck_assert_ptr_null(ms_life_next(MS_LIFE_CLOSED, MS_LIFE_HAND_OUT));
    ck_assert_ptr_null(ms_life_next(MS_LIFE_DONE, MS_LIFE_RETRY));
    ck_assert_ptr_null(ms_life_next(MS_LIFE_READY, MS_LIFE_SUCCEED));
    ck_assert_ptr_null(ms_life_next(MS_LIFE_DELAYED, MS_LIFE_HAND_OUT));
}
END_TEST

TESTS(the_table_is_sound, every_state_but_closed_can_be_left_for_closed,
      rows_say_what_the_documents_say, what_has_no_meaning_has_no_row)
