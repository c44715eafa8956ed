/* The two sides of a store: the loop's and its thread's. Private to store.c and store_thread.c. */
#ifndef CORE_IO_STORE_PRIVATE_H
#define CORE_IO_STORE_PRIVATE_H

#include <pthread.h>

#include "core/io/store_keeper.h"
#include "core/list.h"

#define MS_STORE_RETRY (1 * MS_SEC) /* between looks at a full disk */

/* What the thread is given to do, one at a time, in the order in which it was asked for. */
enum ms_store_job_kind {
    MS_STORE_COMMIT,
    MS_STORE_SCAN,
    MS_STORE_CLEAR,
    MS_STORE_REREAD, /* the loop's side does it, while the thread is idle */
};

struct ms_store_job {
    struct ms_list link; /* in the queue */
    enum ms_store_job_kind kind;
    struct ms_store_window *window; /* COMMIT; the thread's once it has begun */
    ms_seq above;                   /* SCAN, REREAD: so far */
    uint64_t records;               /* REREAD: so far */
    size_t bytes_max;               /* SCAN */
    enum ms_clear how;              /* CLEAR */
    uint64_t number;                /* CLEAR */
    enum ms_aside aside;            /* CLEAR */
    bool has_no_room;               /* CLEAR, done: for both, so nothing was */
    struct ms_store_reader reader;  /* REREAD */
};

/* What follows a commit of so many records waits for a pause of the loop; as long as that took, and at most this. */
#define MS_STORE_CROWD    64
#define MS_STORE_PATIENCE (1 * MS_MSEC)

/* What the thread tells; copied as a whole. */
struct ms_store_report {
    ms_seq seq;    /* every record up to it is durable */
    uint64_t jobs; /* that were done */
    bool is_failed, is_full;
    bool is_near; /* full, or so little room that a submission may be refused for it */
    uint64_t room;
    struct ms_store_stats stats;
};

struct ms_store {
    struct ms_uuid id; /* of the directory */

    /* The loop's. */
    struct ev_loop *loop; /* NULL: a tool's store */
    ev_prepare prepare;
    ev_async async;
    ev_timer timer;   /* runs while the disk is full */
    ev_idle pause;    /* runs while a window waits for the loop to have nothing else to do */
    ev_idle poll;     /* runs while the loop waits for a commit without sleeping */
    ms_time patience; /* how long a window may wait */
    ms_time due;      /* when it goes in any case; 0 = none waits */
    ms_time took;     /* the last commit */
    ms_time poll_max; /* of the options */
    ms_store_event_fn event;
    void *context;
    struct ms_store_window *window; /* gathers */
    struct ms_list queue;           /* of jobs that come before it */
    struct ms_store_job *current;   /* is with the thread; NULL = none */
    size_t handed;                  /* records put in what was handed over last */
    bool is_failed;                 /* has been told */
    ms_seq told_seq;                /* by PERSISTED */
    uint64_t told_jobs;
    uint64_t told_room;
    bool has_told_room;
    ms_time handed_at;            /* when current was handed over */
    ms_time close_timeout, limit; /* of waiting for the thread */

    /* Between both, under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t work;           /* for the thread: job, look or quit was set */
    pthread_cond_t done;           /* for the loop's side: the thread is idle or failed */
    struct ms_store_job *job;      /* handed over, not yet taken */
    struct ms_store_window *spare; /* empty, for the loop to gather in */
    bool is_patient; /* a full disk is waited for; not by tools, and not when closing */
    bool may_drop;   /* files that were set aside and are merged give way to what is written */
    bool look, quit, is_busy;
    bool is_closed,
        is_clean; /* after quit: the thread has closed the keeper, and nothing went wrong */
    struct ms_store_report report;
    char failure[MS_COMPLAINT_MAX];

    /* The thread's, and the loop's while the thread is idle. */
    struct ms_store_keeper keeper;
    struct ms_store_piece
        piece; /* of a SCAN: the loop's from the report of the job to the next job */
    struct ms_complaint trouble; /* what failed, when it was not the file */
    pthread_t thread;
    ms_time commit_time_last, commit_time_max;
    uint64_t dropped_total;
};

/* Hands over what comes next, if the thread has nothing to do. */
void ms_store_go_on(struct ms_store *store);

/* store_pace.c: when a commit begins, and how the loop waits for it. */
void ms_store_pace_start(struct ms_store *store);
void ms_store_pace_stop(struct ms_store *store);
void ms_store_pace_handed(struct ms_store *store, const struct ms_store_job *job);
void ms_store_pace_done(struct ms_store *store, ms_time took);

/* Waits for jobs, does them, until quit; then closes the keeper. */
void *ms_store_thread_run(void *context);

/* Puts what the keeper knows into the report. The lock is held. */
void ms_store_thread_report(struct ms_store *store);

#endif
