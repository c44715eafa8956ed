/* What a slave's session may do: announce, ask for commands, hand in results, call its roll. */
#ifndef MASTER_SLAVES_H
#define MASTER_SLAVES_H

#include "core/command.h"
#include "core/list.h"
#include "core/tempo.h"
#include "core/session.h"
#include "master/seats.h"
#include "master/tags.h"

struct ms_lanes;
struct ms_master;
struct ms_part;
struct ms_profile;
struct ms_work;

/* Pooled; session->user of a slave. It is given commands while it is_ready: connected, its roll called,
 * types announced, not draining, with credit. */
struct ms_slave {
    struct ms_session *session;
    struct ms_profile *profile; /* what it announced last, or NULL */
    struct ms_list held;        /* works, by link, in order of their tokens */
    struct ms_list kept;        /* those of held that the roll being called has named */
    struct ms_list sweep;       /* on master->slave_sweeps while held is being put right */
    uint64_t number;            /* of the session, for people */
    uint64_t granted_total, dispatched_total;
    uint64_t done_total, failed_total;
    uint64_t features;      /* of its present connection */
    struct ms_work *upload; /* LEASED by it, and its COMMAND waits for its parts; NULL = none */
    const struct ms_part *upload_next; /* to be sent; NULL = all are, or none may yet */
    uint32_t upload_index;             /* of that */
    struct ms_list uploading;          /* on master->uploads while parts may go out */
    ms_seq record;                     /* SESSION; 0 = none is kept */
    struct ms_list orphans;            /* attempts of commands not heard of yet */
    struct ms_list targets;            /* struct ms_target: of broadcasts, as long as they last */
    struct ms_list aimed; /* works, READY, that only it may run: it is given these before others */
    struct ms_list due;   /* on lanes->due_slaves while it may be given some of them */
    struct ms_seats seats;
    uint32_t slots;     /* commands it runs at a time, as it said last */
    uint32_t slots_max; /* what they may be changed to; 0 = not at all */
    /* What it says of itself: for choosing by. Of one that is awaited nothing is known: no group, no labels. */
    const char *group; /* "" = none; never NULL */
    struct ms_labels labels;
    uint32_t weight;            /* 1 .. MS_WEIGHT_MAX */
    const struct ms_tags *tags; /* of group, labels and build: the same for all who say the same */
    struct ms_load load;        /* as it was told last, */
    ms_time load_at;            /* when; 0 = it has not told any */
    struct ms_tempo tempo;      /* of attempts it has finished */
    bool is_stranger;           /* its group is not known: see master/gates.h */
    bool is_awaited;        /* from before the master's start, and has not told yet what it holds */
    bool is_welcome;        /* WELCOME is out on this connection: before it nothing else may be */
    bool is_rolled;         /* what it holds is agreed on this connection */
    bool is_called;         /* its roll is complete; what it did not name is being put right */
    bool is_announced;      /* on this connection */
    bool is_draining;       /* it said GOAWAY */
    bool is_cordoned;       /* people said so: it gets nothing new, as master->cordons has it */
    uint64_t checked_total; /* dispatched_total as the last check of selfcheck.h saw it, */
    uint8_t idle_checks;    /* and how many in a row it was idle while work waited */
    uint32_t withheld; /* credit it has granted and is not given commands for, as it is cordoned */
    bool is_ending;    /* the session is over: everything held goes back */
    bool is_crash;     /* it ended in a way that counts against what it held */
};

/* The slaves of a master that begins; false when memory is out. And of one that is over. */
bool ms_slaves_init(struct ms_master *master);
void ms_slaves_finish(struct ms_master *master);

/* A HELLO was taken: what it says of the slave, with the set of tags, which is the slave's from now on. */
void ms_slaves_greet(struct ms_master *master, struct ms_slave *slave, const struct ms_hello *hello,
                     const struct ms_tags *tags);

/* What a BEAT of whomever says of his load; NULL = nothing. */
void ms_slaves_load(struct ms_master *master, ms_time now, struct ms_session *session,
                    const struct ms_load *load);

/* Gives a new session its slave's side, or prepares the slave of a resumed one for its roll. False when
 * memory is out. */
bool ms_slaves_open(struct ms_master *master, struct ms_session *session, uint32_t slots,
                    uint64_t number);
void ms_slaves_resume(struct ms_master *master, struct ms_slave *slave, uint32_t slots);

/* The connection is gone: credit is void, commands stay in hand. */
void ms_slaves_lost(struct ms_master *master, struct ms_slave *slave);

/* The session is dead: everything it holds goes back, in this step or the next ones. is_crash counts
 * the end against those commands, but for a slave that is awaited: it may never have got them. */
void ms_slaves_end(struct ms_master *master, struct ms_slave *slave, bool is_crash);

/* True while commands of the ended session are still to be put right. */
bool ms_slaves_are_sweeping(const struct ms_slave *slave);

/* Frees the slave's side of an ended, swept session. */
void ms_slaves_close(struct ms_master *master, struct ms_slave *slave);

/* count more commands may be sent; beyond MS_CREDIT_MAX it is ignored. */
void ms_slaves_grant(struct ms_master *master, struct ms_slave *slave, uint64_t count);

/* It gets nothing new from now on, or does again; what it has goes on. Whoever says so keeps master->cordons. */
void ms_slaves_cordon(struct ms_master *master, struct ms_slave *slave);
void ms_slaves_uncordon(struct ms_master *master, struct ms_slave *slave);

/* A frame of a slave. */
void ms_slaves_receive(struct ms_master *master, ms_time now, struct ms_slave *slave,
                       const struct ms_command *command);

/* Puts right a bounded part of what ended or re-rolled sessions held; true when more is left. */
bool ms_slaves_sweep(struct ms_master *master, ms_time now);

/* Tells the slave to stop the attempt, if it is connected and welcome; else its roll is answered so. */
void ms_slaves_revoke(struct ms_master *master, const struct ms_slave *slave,
                      struct ms_token token);

/* Commands sent may still be taken: the session's turn in its profile follows from its state. */
void ms_slaves_refresh(struct ms_lanes *lanes, struct ms_slave *slave);

static inline struct ms_slave *ms_slave_of(const struct ms_session *session)
{
    return session->user;
}

/* It takes payloads in parts. */
static inline bool ms_slave_takes_parts(const struct ms_slave *slave)
{
    return (slave->features & MS_FEATURE_PARTS) != 0;
}

#endif
