/* Questions to a master, and what their answers say: what tests of reports share. */
#ifndef TESTS_UNIT_MASTER_REPORTS_H
#define TESTS_UNIT_MASTER_REPORTS_H

#include "master_frames.h"

static inline struct sent *ask(struct script *s, const struct ms_query *query)
{
    receive(s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = query});
    settle_down(s);
    return want(s, MS_KIND_REPORT);
}

static inline size_t column(const struct sent *report, const char *name)
{
    for (size_t i = 0; i < report->columns; i++) {
        if (strcmp(report->cells[i].name, name) == 0) {
            return i;
        }
    }
    ck_abort_msg("no column %s", name);
    return 0;
}

static inline uint64_t number(const struct sent *report, const char *name)
{
    return report->cells[column(report, name)].number;
}

static inline const char *text(const struct sent *report, const char *name)
{
    return report->cells[column(report, name)].text;
}

static inline void begin(struct script *s)
{
    setup(s);
    slave(s, 1, 1);
    client(s, 2, 2);
}

#endif
