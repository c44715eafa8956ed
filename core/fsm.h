/* State machines as rows of words, so that the manual's tables and diagrams are printed from the
 * very tables that decide. */
#ifndef CORE_FSM_H
#define CORE_FSM_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

struct ms_fsm_row {
    const char *from;
    const char *event;
    const char *to;
    const char *why;
};

struct ms_fsm {
    const char *title;
    const char *about;   /* a sentence or two under the title */
    const char *initial; /* state in which the thing is born */
    const struct ms_fsm_row *rows;
    size_t count;
};

/* Appends a Markdown section: title, about, Mermaid state diagram, table of all rows. Rows that
 * stay in their state are in the table, not in the diagram. */
void ms_fsm_print(const struct ms_fsm *fsm, struct ms_text *text);

/* Checks that (from, event) pairs are unique, every word is there, and every state that appears can
 * be reached from the initial one. For tests. */
bool ms_fsm_lint(const struct ms_fsm *fsm, struct ms_complaint *complaint);

#endif
