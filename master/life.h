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

/* Numbers stand in the journal: they are never reused, new ones are added at the end. */
enum ms_life_event {
    MS_LIFE_SUBMIT = 0,
    MS_LIFE_SUBMIT_LATER = 1,
    MS_LIFE_DUE = 2,
    MS_LIFE_HAND_OUT = 3,
    MS_LIFE_RETURN = 4,
    MS_LIFE_LOSE = 5,
    MS_LIFE_RETRY = 6,
    MS_LIFE_SUCCEED = 7,
    MS_LIFE_FAIL = 8,
    MS_LIFE_EXHAUST = 9,
    MS_LIFE_OVERFLOW = 10,
    MS_LIFE_CANCEL = 11,
    MS_LIFE_CONFIRM = 12,
    MS_LIFE_ABANDON = 13,
    MS_LIFE_ADOPT = 14,
    MS_LIFE_FORFEIT = 15,
    MS_LIFE_EXPIRE = 16,
    MS_LIFE_KICK = 17,
    MS_LIFE_RELEASE = 18,
    MS_LIFE_POSTPONE = 19,
    MS_LIFE_RETIRE = 20,
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

/* It ends BURIED, whatever it was in. */
bool ms_life_buries(enum ms_life_event event);

/* "ready", "hand_out". Never NULL. */
const char *ms_life_state_name(enum ms_life_state state);
const char *ms_life_event_name(enum ms_life_event event);

/* The table in words, for the manual: rows is filled, fsm borrows it. */
#define MS_LIFE_ROWS 38
void ms_life_rows(struct ms_fsm_row rows[static MS_LIFE_ROWS]);
struct ms_fsm ms_life_fsm(const struct ms_fsm_row rows[static MS_LIFE_ROWS]);

#endif
