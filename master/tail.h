/* Those who read the output of a command, while it runs or afterwards. They read what is kept for the command; only
 * what it loses before they have read it (it is closed, or begins another attempt) is kept for them, within bounds,
 * and they are told how much they missed beyond. */
#ifndef MASTER_TAIL_H
#define MASTER_TAIL_H

#include "core/list.h"
#include "core/pool.h"
#include "master/ending.h"
#include "master/inspect.h"

struct ms_master;
struct ms_output;
struct ms_queue;
struct ms_report_page;
struct ms_slave;
struct ms_work;

/* A command whose output somebody reads; work->is_followed. */
struct ms_tail {
    struct ms_list link;      /* on tails->all */
    struct ms_list followers; /* inquiries, by their link of that name */
    struct ms_list waiting;   /* those of them that have heard all there is */
    struct ms_work *work;     /* NULL = it was closed: */
    struct ms_ending ending;  /* like this */
    struct ms_output *past;   /* lost by the command and not yet read by all, oldest first */
    struct ms_output *past_last;
    uint32_t past_count;
};

struct ms_tails {
    struct ms_pool pool;
    struct ms_list all;
    struct ms_list paced; /* inquiries whose clients have to read first */
    struct ms_list *due;  /* inquiries in turn, of inspect.h */
    uint32_t followers_count;
    uint64_t bytes; /* of the slab, for what is past */
    bool is_lent;   /* effects of this step point into outputs: nothing of them is freed */
};

/* due is borrowed. False when memory is out. */
bool ms_tails_init(struct ms_tails *tails, struct ms_list *due);

/* Nobody follows any more; before the queue and the inquiries go. */
void ms_tails_finish(struct ms_tails *tails, struct ms_queue *queue);

/* The inquiry reads the command from now on. RETRY_LATER: too many do. */
enum ms_error ms_tails_join(struct ms_tails *tails, struct ms_inquiry *inquiry,
                            struct ms_work *work);

/* Harmless when it reads none. */
void ms_tails_leave(struct ms_tails *tails, struct ms_queue *queue, struct ms_inquiry *inquiry);

/* There is more to hear of the followed work. */
void ms_tails_wake(struct ms_tails *tails, const struct ms_work *work);

/* The followed work is about to lose its output, which is kept for those who have not read it yet. */
void ms_tails_keep(struct ms_queue *queue, struct ms_work *work);

/* The followed work is about to be closed. */
void ms_tails_close(struct ms_queue *queue, struct ms_work *work);

/* What was lent to effects is free again: call it at the beginning of a step. Frees what all have read of what
 * is past, and what is beyond the bounds. */
void ms_tails_tidy(struct ms_tails *tails, struct ms_queue *queue);

/* The next part of an answer to TAIL or RESULT, like ms_rows_fill. */
void ms_tails_fill(struct ms_master *master, struct ms_inquiry *inquiry,
                   struct ms_report_page *page);

/* The client has read what was sent to it. */
void ms_tails_heard(struct ms_tails *tails, ms_peer peer);

/* The slave is told whom of those that it holds somebody watches. */
void ms_tails_ask(struct ms_master *master, const struct ms_slave *slave);

/* Asserts everything that must hold. */
void ms_tails_check(const struct ms_tails *tails);

#endif
