/* Merging what a deposed active has into the running master: of each command the higher state of both stands, in the chain
 * NONE < QUEUED < IN_FLIGHT < DEAD < DONE < CANCELLED < CLOSED. What comes of it is written as ordinary records, so
 * it is as durable as everything, and doing it again changes nothing. See docs/decisions/0013-reconciliation.md. */
#ifndef MASTER_RECONCILE_H
#define MASTER_RECONCILE_H

#include "core/engine.h"
#include "master/foreign.h"

struct ms_array;
struct ms_master;
struct ms_work;

enum ms_reconcile_phase {
    MS_RECONCILE_OFF,
    MS_RECONCILE_GATHERING, /* records come; nothing is merged before all are here */
    MS_RECONCILE_GENERAL,   /* types and sessions */
    MS_RECONCILE_COMMANDS,
    MS_RECONCILE_OPEN,   /* what is open here and over there */
    MS_RECONCILE_ARRAYS, /* the same of members of arrays that wait */
    MS_RECONCILE_NUMBERS,
    MS_RECONCILE_DURABLE, /* all is merged, and not yet durable */
    MS_RECONCILE_DONE,
    MS_RECONCILE_FAILED, /* memory is out: it may be tried again */
};

struct ms_reconcile_totals {
    uint64_t cells[MS_MERGE_STATES][MS_MERGE_STATES]; /* commands by their states there and here */
    uint64_t adopted, settled, lifted, closed;        /* commands that it changed here */
    uint64_t outcome_conflict; /* both had an outcome, and not the same: this one's stands */
    uint64_t cancel_raced;     /* done here, and its cancel was confirmed there */
    uint64_t refused;          /* commands whose records make no sense here */
    uint64_t merges;           /* that were completed */
};

/* Of struct ms_master. */
struct ms_reconcile {
    struct ms_foreigners foreigners;
    enum ms_reconcile_phase phase;
    uint32_t cursor;
    const struct ms_foreign_entry *at; /* GENERAL, NUMBERS: next; NULL = that was all */
    ms_seq until;                      /* DURABLE: 0 = not known yet */
    bool
        is_new; /* something of it was not known here, or known otherwise; or its records make no sense */
    uint64_t before[2];  /* when it began: commands that merges touched, and that were refused */
    size_t portion;      /* bytes of it that were written since it last waited for the store, */
    ms_seq portion_last; /* and the last record of them */
    struct ms_reconcile_totals totals;
};

/* Forgets what came so far. False when memory is out. */
bool ms_reconcile_begin(struct ms_master *master);
/* Whole entries of the other store. On an error nothing more is taken before the next begin. */
enum ms_error ms_reconcile_take(struct ms_master *master, struct ms_bytes entries);
/* That was all: it is merged by the steps that follow. */
void ms_reconcile_end(struct ms_master *master);
void ms_reconcile_forget(struct ms_master *master);
/* DONE. Whether this master, and all that is durable on S, was none the wiser for it: no command, outcome or number was new. */
bool ms_reconcile_was_known(const struct ms_master *master);
/* DONE, but some of its commands made no sense here, and are nowhere else. */
bool ms_reconcile_has_refused(const struct ms_master *master);

/* A part of the merge, as far as the step has room. */
void ms_reconcile_run(struct ms_master *master, ms_time now);
/* There is more to do at once. */
bool ms_reconcile_is_behind(const struct ms_master *master);

/* What is settled on both, alike, wrote or said something else there: only the file over there has that. */
bool ms_merge_is_other_output(const struct ms_work *work, const struct ms_foreign *foreign,
                              const struct ms_record *outcome);

/* For merge.c: one command; false when it has to wait for its followers. NO_MEMORY fails the whole. */
bool ms_merge_command(struct ms_master *master, ms_time now, const struct ms_foreign *foreign);
/* Wishes that were confirmed there, for a command that waits here, are not merged: they are new, unless they were known before. */
void ms_merge_note_wishes(struct ms_master *master, const struct ms_foreign *foreign);
/* Known here only: nothing is to be done, and it is counted. */
void ms_merge_own(struct ms_master *master, const struct ms_work *work);
/* Open here, and over there. */
void ms_merge_closed(struct ms_master *master, ms_time now, struct ms_work *work);
/* The same of members of an array that wait. */
void ms_merge_closed_array(struct ms_master *master, ms_time now, struct ms_array *array);
void ms_merge_array(struct ms_master *master, ms_time now, struct ms_array *array,
                    const struct ms_foreign *foreign);
/* An outcome comes from there: its output, in the place of what was written here; and, where it takes the place of one that is
 * lower, before that the submission to which the output belongs. foreign is NULL when only the wish to cancel comes from
 * there, to which no output belongs. */
/* A record of the other store is one of this one. */
enum ms_error ms_merge_put(struct ms_master *master, ms_time now, const struct ms_record *record);
/* A LEASE or HAND of it is taken over, unless its slave is known not to have the command. */
enum ms_error ms_merge_lease(struct ms_master *master, ms_time now, struct ms_work *work,
                             const struct ms_record *record);
/* Both know it and it is open: it was begun there maybe, and may be begun once only. */
void ms_merge_hold(struct ms_master *master, ms_time now, struct ms_work *work,
                   const struct ms_foreign *foreign);
void ms_merge_output(struct ms_master *master, struct ms_work *work,
                     const struct ms_foreign *foreign, struct ms_record *outcome);
void ms_merge_submission(struct ms_master *master, struct ms_work *work,
                         const struct ms_foreign *foreign, const struct ms_record *outcome);
struct ms_record ms_merge_cancelled(const struct ms_master *master, const struct ms_work *work,
                                    char told[MS_DETAIL_MAX]);
void ms_merge_type(struct ms_master *master, ms_time now, const struct ms_record *record);
void ms_merge_session(struct ms_master *master, ms_time now, const struct ms_record *record);

/* Adds those of another tenure. */
void ms_reconcile_add(struct ms_reconcile_totals *totals, const struct ms_reconcile_totals *more);

const char *ms_merge_state_name(enum ms_merge_state state); /* "IN_FLIGHT"; never NULL */

#endif
