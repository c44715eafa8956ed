/* The journal as the master writes it: records of this step, what waits for them to be durable, and the
 * numbers of clients that were closed.
 *
 * That a command is closed is written once for each commit, as bits of many commands, and only together
 * with that the records of those commands are erased. So a command that is closed has no cost of its own
 * in the store, and none is ever forgotten before its number is known to be closed. */
#ifndef MASTER_JOURNAL_H
#define MASTER_JOURNAL_H

#include "core/list.h"
#include "master/answers.h"
#include "master/silence.h"
#include "proto/record.h"

struct ms_event;
struct ms_master;
struct ms_work;

struct ms_journal {
    uint8_t *bytes; /* entries of this step */
    size_t size, capacity;
    ms_seq last;      /* number of the latest record */
    ms_seq emitted;   /* highest that was handed to the store */
    ms_seq persisted; /* highest that is durable */
    uint8_t copies;   /* on so many disks, as was said last */
    ms_seq doubled;   /* highest that was on two disks, or may have been: what was read back */
    bool is_on;       /* there is a store */
    bool is_replaying;
    bool is_failed;                    /* nothing may be acknowledged any more */
    enum ms_error error;               /* why */
    bool is_committed;                 /* PERSISTED came in this step */
    bool has_closed;                   /* something waits for the next flush */
    uint64_t room;                     /* bytes that the store may still take */
    struct ms_silence silence;         /* of the store; in a pair of the slower one */
    size_t window_bytes, flying_bytes; /* emitted since the last commit, and before */
    ms_seq *erasures;                  /* records of closed commands, for the next flush */
    size_t erasures_count, erasures_capacity;
    struct ms_list floors;       /* changed since the last flush */
    struct ms_answers waiting;   /* for their record */
    struct ms_answers unflushed; /* for the next flush */
    struct ms_answers lone;      /* acknowledgements of class strict, for a second disk */
    struct ms_answers leaving;   /* COMMANDs, until the other half knows of their lease */
    ms_seq
        known; /* highest record that is in its memory, or need not be; UINT64_MAX: there is none */
    size_t lone_max;      /* of them, before those of connections that are gone are dropped */
    struct ms_list gated; /* clients whose first outcome is not durable */
};

void ms_journal_init(struct ms_journal *journal, bool is_on);
void ms_journal_finish(struct ms_journal *journal);

/* Appends a record and returns its number. Without a store, or while records are replayed, 0. When memory
 * is out the journal has failed. */
ms_seq ms_journal_put(struct ms_journal *journal, const struct ms_record *record);

/* The same for a record of that command: only if its class is durable. */
ms_seq ms_journal_put_for(struct ms_journal *journal, const struct ms_work *work,
                          const struct ms_record *record);

/* The record is void, together with what is written in this step; 0 is ignored. */
void ms_journal_erase(struct ms_journal *journal, ms_seq seq);

/* The record is of a command that is over: with the next flush. 0 is ignored. */
void ms_journal_erase_closed(struct ms_journal *journal, ms_seq seq);

/* What the class of a submission needs has become durable. */
static inline bool ms_journal_covers(const struct ms_journal *journal, ms_seq seq)
{
    return seq <= journal->persisted;
}

/* A command whose submission that is may be handed out: of class strict only what is on two disks, or was when it was
 * acknowledged. */
static inline bool ms_journal_may_start(const struct ms_journal *journal, uint8_t durability,
                                        ms_seq seq)
{
    return durability != MS_DURABILITY_STRICT || seq <= journal->doubled;
}

/* Says answer once the record seq is durable, maybe at once; the acknowledgement of a submission of class strict once it
 * is durable on two disks. */
void ms_journal_answer(struct ms_master *master, ms_seq seq, const struct ms_answer *answer);

/* Says it once the record seq is in the memory of the other half, if that may take over: maybe at once. */
void ms_journal_answer_known(struct ms_master *master, ms_seq seq, const struct ms_answer *answer);

/* Says it once everything closed so far is durable. */
void ms_journal_answer_closed(struct ms_master *master, const struct ms_answer *answer);

/* PERSISTED. */
void ms_journal_persisted(struct ms_master *master, const struct ms_event *event);

/* Something may have become durable for which an answer waits. */
static inline bool ms_journal_has_answers(const struct ms_journal *journal)
{
    return journal->waiting.count > 0 || journal->lone.count > 0 || journal->leaving.count > 0;
}

/* Some wait for the other half to know of them; one of them may be said. */
static inline bool ms_journal_has_leaving(const struct ms_journal *journal)
{
    return journal->leaving.count > 0;
}
bool ms_journal_may_leave(const struct ms_journal *journal);

/* Says what has become durable, as far as the step has room; true when more is left. */
bool ms_journal_release(struct ms_master *master);

/* Closings leave with this step, whatever is under way: for whoever writes of some of them now. */
void ms_journal_flush(struct ms_master *master);

/* The end of a step: closings are flushed when no commit is under way, and the records go out. */
void ms_journal_end_step(struct ms_master *master);

/* True when a submission of that size would not leave the room that results and cancels need. */
bool ms_journal_is_full(const struct ms_master *master, size_t size);

/* True when the store is so far behind that clients should wait. */
bool ms_journal_is_behind(const struct ms_journal *journal);

#endif
