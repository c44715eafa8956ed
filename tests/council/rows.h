/* Which rows of the council's table were taken in many lives: those that never are prove nothing. */
#ifndef TESTS_COUNCIL_ROWS_H
#define TESTS_COUNCIL_ROWS_H

#include <stdio.h>

#include "master/council_table.h"

struct council_rows {
    uint64_t lives[MS_COUNCIL_STATES][MS_COUNCIL_EVENTS]; /* in which it was taken */
};

/* A council is about to end. */
static inline void council_rows_add(struct council_rows *rows, const struct ms_council *council)
{
    for (size_t from = 0; from < MS_COUNCIL_STATES; from++) {
        const uint32_t taken = ms_council_taken(council, (enum ms_council_state)from);

        for (size_t event = 0; event < MS_COUNCIL_EVENTS; event++) {
            rows->lives[from][event] += taken >> event & 1;
        }
    }
}

static inline void council_rows_print(const struct council_rows *rows, FILE *out)
{
    for (size_t from = 0; from < MS_COUNCIL_STATES; from++) {
        for (size_t event = 0; event < MS_COUNCIL_EVENTS; event++) {
            if (ms_council_table[from][event].why != NULL) {
                fprintf(out, "%12llu %s %s\n", (unsigned long long)rows->lives[from][event],
                        ms_council_state_name((enum ms_council_state)from),
                        ms_council_event_name((enum ms_council_event)event));
            }
        }
    }
}

/* False, with the missing ones named, unless each row was taken for which there is no excuse. */
static inline bool council_rows_are_all(const struct council_rows *rows,
                                        bool (*is_excused)(const struct ms_council_row *row),
                                        FILE *out)
{
    bool are_all = true;

    for (size_t from = 0; from < MS_COUNCIL_STATES; from++) {
        for (size_t event = 0; event < MS_COUNCIL_EVENTS; event++) {
            const struct ms_council_row *row = &ms_council_table[from][event];

            if (row->why != NULL && rows->lives[from][event] == 0 && !is_excused(row)) {
                fprintf(out, "never taken: %s %s\n", ms_council_state_name(row->from),
                        ms_council_event_name(row->event));
                are_all = false;
            }
        }
    }
    return are_all;
}

#endif
