/* The states of a master of a pair: every change is a row of one table. */
#ifndef MASTER_COUNCIL_TABLE_H
#define MASTER_COUNCIL_TABLE_H

#include "core/fsm.h"
#include "core/invariant.h"
#include "master/council.h"

enum ms_council_event {
    MS_COUNCIL_BEHIND,   /* follows an active; is not in its S, or lacks a part of its log */
    MS_COUNCIL_IN_SYNC,  /* follows an active, is in its S and has its log */
    MS_COUNCIL_UNLED,    /* nobody is followed any more */
    MS_COUNCIL_STAND,    /* proposes a decision, durably */
    MS_COUNCIL_FAIL,     /* its proposal was not decided, and it was not active before */
    MS_COUNCIL_FAIL_ON,  /* its proposal was not decided, and it was active before */
    MS_COUNCIL_WIN_SOLO, /* decided: it is active alone */
    MS_COUNCIL_WIN_PAIR, /* decided: it is active, S = both */
    MS_COUNCIL_DEPART,   /* the peer in S is silent, gone, or has promised more */
    MS_COUNCIL_RETURN,   /* the peer in S follows again, in the same epoch */
    MS_COUNCIL_HAND,     /* the roles are to change */
    MS_COUNCIL_KEEP,     /* they are not */
    MS_COUNCIL_DEPOSE,   /* has voted for another, or another is active */
    MS_COUNCIL_SHED,     /* proposes to be active alone: the disk of the peer in S is slow */
    MS_COUNCIL_OUTLIVE,  /* the own directory is an old copy: begins anew, as a fresh one */
    MS_COUNCIL_BREAK,    /* the own store failed */
    MS_COUNCIL_EVENTS
};

struct ms_council_row {
    enum ms_council_state from;
    enum ms_council_event event;
    enum ms_council_state to;
    const char *why;
};

/* A cell without words is no row. */
extern const struct ms_council_row ms_council_table[MS_COUNCIL_STATES][MS_COUNCIL_EVENTS];

/* NULL when the event has no meaning in that state. */
static inline const struct ms_council_row *ms_council_row(enum ms_council_state from,
                                                          enum ms_council_event event)
{
    const struct ms_council_row *row = &ms_council_table[from][event];

    ms_assert(from < MS_COUNCIL_STATES && event < MS_COUNCIL_EVENTS);
    return row->why != NULL ? row : NULL;
}

const char *ms_council_event_name(enum ms_council_event event); /* "in_sync"; never NULL */

/* The table in words, for the manual: rows is filled, fsm borrows it. */
#define MS_COUNCIL_ROWS 53
void ms_council_rows(struct ms_fsm_row rows[static MS_COUNCIL_ROWS]);
struct ms_fsm ms_council_fsm(const struct ms_fsm_row rows[static MS_COUNCIL_ROWS]);

#endif
