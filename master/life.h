/* The life of a command: every change of its state is a row of one table. */
#ifndef MASTER_LIFE_H
#define MASTER_LIFE_H

#include "core/fsm.h"
#include "core/invariant.h"

enum ms_life_state {
    MS_LIFE_NONE,      /* not known here */
    MS_LIFE_READY,     /* waits for a slave with credit */
    MS_LIFE_DELAYED,   /* waits for its time */
    MS_LIFE_LEASED,    /* in the hands of a slave's session */
    MS_LIFE_DONE,      /* succeeded; its submitter has not confirmed the outcome */
    MS_LIFE_BURIED,    /* failed for good; the same */
    MS_LIFE_CANCELLED, /* stopped by request; the same */
    MS_LIFE_CLOSED,    /* forgotten but for its number */
    MS_LIFE_STATES,
};

enum ms_life_event {
    MS_LIFE_SUBMIT,
    MS_LIFE_SUBMIT_LATER,
    MS_LIFE_DUE,
    MS_LIFE_HAND_OUT,
    MS_LIFE_RETURN,
    MS_LIFE_LOSE,
    MS_LIFE_RETRY,
    MS_LIFE_SUCCEED,
    MS_LIFE_FAIL,
    MS_LIFE_EXHAUST,
    MS_LIFE_OVERFLOW,
    MS_LIFE_CANCEL,
    MS_LIFE_CONFIRM,
    MS_LIFE_ABANDON,
    MS_LIFE_EVENTS,
};

struct ms_life_row {
    enum ms_life_state from;
    enum ms_life_event event;
    enum ms_life_state to;
    const char *why;
};

/* The table. A cell without words is no row. */
extern const struct ms_life_row ms_life_table[MS_LIFE_STATES][MS_LIFE_EVENTS];

/* NULL when the event has no meaning in that state. */
static inline const struct ms_life_row *ms_life_next(enum ms_life_state from,
                                                     enum ms_life_event event)
{
    const struct ms_life_row *row = &ms_life_table[from][event];

    ms_assert(from < MS_LIFE_STATES && event < MS_LIFE_EVENTS);
    return row->why != NULL ? row : NULL;
}

/* "ready", "hand_out". Never NULL. */
const char *ms_life_state_name(enum ms_life_state state);
const char *ms_life_event_name(enum ms_life_event event);

/* The table in words, for the manual: rows is filled, fsm borrows it. */
#define MS_LIFE_ROWS 20
void ms_life_rows(struct ms_fsm_row rows[static MS_LIFE_ROWS]);
struct ms_fsm ms_life_fsm(const struct ms_fsm_row rows[static MS_LIFE_ROWS]);

#endif
