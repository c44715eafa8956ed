/* Prints docs/states.md: every table of states, as the code has it. */
#include <stdio.h>

#include "core/node.h"
#include "core/session.h"
#include "master/council_table.h"
#include "master/life.h"

#define TEXT_SIZE (64u << 10)

int main(void)
{
    static char page[TEXT_SIZE];
    struct ms_fsm_row session_rows[MS_SESSION_ROWS];
    struct ms_fsm_row life_rows[MS_LIFE_ROWS];
    struct ms_fsm_row node_rows[MS_NODE_ROWS];
    struct ms_fsm_row council_rows[MS_COUNCIL_ROWS];
    struct ms_fsm fsm;
    struct ms_text text;

    ms_text_init(&text, page, sizeof page);
    ms_text_add(&text, "# States\n\n"
                       "Printed from the tables in the code by `ms-states`; a stale page fails the "
                       "tests. Do not edit.\n\n");
    ms_session_rows(session_rows);
    fsm = ms_session_fsm(session_rows);
    ms_fsm_print(&fsm, &text);
    ms_life_rows(life_rows);
    fsm = ms_life_fsm(life_rows);
    ms_fsm_print(&fsm, &text);
    ms_council_rows(council_rows);
    fsm = ms_council_fsm(council_rows);
    ms_fsm_print(&fsm, &text);
    ms_node_rows(node_rows);
    fsm = ms_node_fsm(node_rows);
    ms_fsm_print(&fsm, &text);
    if (ms_text_is_cut(&text)) {
        fputs("ms-states: the page is too long\n", stderr);
        return 1;
    }
    return fputs(page, stdout) < 0 || fflush(stdout) != 0;
}
