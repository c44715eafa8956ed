/* The table of a master of a pair: sound, and without traps. */
#include "master/council_table.h"

#include "master_script.h"

START_TEST(the_table_is_sound)
{
    struct ms_fsm_row rows[MS_COUNCIL_ROWS];
    struct ms_complaint complaint;

    ms_council_rows(rows);
    struct ms_fsm fsm = ms_council_fsm(rows);
    ck_assert_msg(ms_fsm_lint(&fsm, &complaint), "%s", complaint.text);
}
END_TEST

START_TEST(from_everywhere_it_may_become_active_and_fail)
{
    bool leads[MS_COUNCIL_STATES] = {[MS_COUNCIL_PAIR] = true};

    for (int round = 0; round < MS_COUNCIL_STATES; round++) {
        for (enum ms_council_state from = 0; from < MS_COUNCIL_STATES; from++) {
            for (enum ms_council_event event = 0; event < MS_COUNCIL_EVENTS; event++) {
                const struct ms_council_row *row = ms_council_row(from, event);

                leads[from] |= row != NULL && leads[row->to];
            }
        }
    }
    for (enum ms_council_state from = 0; from < MS_COUNCIL_HALTED; from++) {
        ck_assert_msg(leads[from], "%s is a trap", ms_council_state_name(from));
        ck_assert_int_eq(ms_council_row(from, MS_COUNCIL_BREAK)->to, MS_COUNCIL_HALTED);
    }
    for (enum ms_council_event event = 0; event < MS_COUNCIL_EVENTS; event++) {
        ck_assert_ptr_null(ms_council_row(MS_COUNCIL_HALTED, event));
    }
}
END_TEST

START_TEST(nobody_becomes_active_but_by_a_decision)
{
    for (enum ms_council_state from = 0; from < MS_COUNCIL_STATES; from++) {
        for (enum ms_council_event event = 0; event < MS_COUNCIL_EVENTS; event++) {
            const struct ms_council_row *row = ms_council_row(from, event);

            if (row != NULL && (row->to == MS_COUNCIL_PAIR || row->to == MS_COUNCIL_SOLO)) {
                ck_assert(event == MS_COUNCIL_WIN_SOLO || event == MS_COUNCIL_WIN_PAIR ||
                          event == MS_COUNCIL_RETURN || event == MS_COUNCIL_KEEP);
            }
        }
    }
}
END_TEST

TESTS(the_table_is_sound, from_everywhere_it_may_become_active_and_fail,
      nobody_becomes_active_but_by_a_decision)
