/* The simulated store of one node: what core/io/store.h promises, and the ways in which disks break.
 *
 * Entries that are written gather; a commit takes all of them after a while, and then the process is told.
 * What is committed outlives the process. A crash loses what has gathered, and keeps all or nothing of a
 * commit under way. A failed commit is final for the process: it hears of it, and no later one is done. */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include "tests/sim/ledger.h"
#include "tests/sim/world.h"

#define SIM_STORE_RESERVE (4u << 20) /* bytes that only results and cancels may use */

struct sim_entry {
    ms_seq seq;
    uint8_t *bytes; /* as it was written */
    size_t size;
    size_t flip; /* 1 + the bit that has turned over since; 0 = none */
};

struct sim_batch {
    uint8_t *bytes;
    size_t size, capacity;
    ms_seq seq;
};

/* A small record, beside the store. */
struct sim_small {
    uint8_t *bytes;
    size_t size;
    size_t flip; /* 1 + the bit that has turned over since; 0 = none */
};

/* All that was on a disk at one moment. */
struct sim_copy {
    uint8_t *bytes; /* of the entries */
    size_t size;
    struct sim_small small; /* empty = there is no copy */
};

/* The own store of a half that takes a copy beside it: what a crash leaves. */
struct sim_kept {
    bool is_there;
    struct sim_entry *entries;
    uint32_t entries_count, entries_capacity;
    uint64_t live_bytes;
    ms_seq highest, hands_before;
    struct sim_ledger ledger;
};

enum sim_job_kind {
    SIM_JOB_STORE,  /* the small record */
    SIM_JOB_REPLAY, /* see core/engine.h */
    SIM_JOB_SCAN,
    SIM_JOB_CLEAR,
    SIM_JOBS
};

/* What a process wants of its store as a whole; one of each kind at a time. */
struct sim_job {
    bool is_wanted;
    bool is_planned; /* its item is in the heap */
    bool is_begun;
    uint64_t after; /* commits that come first */
    ms_seq seq;
    uint64_t count;
};

#define SIM_STORES_MAX 16 /* small records under way */

enum sim_disk_failure {
    SIM_DISK_SOUND,
    SIM_DISK_WRITE_FAILS, /* nothing of the commit is there */
    SIM_DISK_SYNC_FAILS,  /* all or nothing of it is there */
};

struct sim_disk {
    struct sim_entry *entries; /* live ones, by rising number */
    uint32_t entries_count, entries_capacity;
    struct sim_batch gathered, committing;
    bool is_committing;
    bool is_failed;                /* this process's right to commit is gone */
    uint64_t stamp;                /* of the commit under way */
    enum sim_disk_failure failure; /* of the next commit */
    ms_time failing_until;         /* and of all commits until then */
    ms_time slow_until, full_until;
    ms_time stuck_until; /* nothing comes to an end */
    bool is_stuck_full;  /* but what needs no room */
    ms_time committing_at;
    uint64_t full_bytes; /* live bytes from which the disk is full, until then */
    uint64_t live_bytes, commits;
    ms_seq highest; /* record ever committed */
    ms_seq durable; /* highest record of this process that is committed */
    struct sim_ledger ledger;
    uint64_t rounds_begun, rounds_done; /* commits of this process */
    struct sim_small small, stores[SIM_STORES_MAX];
    uint32_t stores_count;
    struct sim_job jobs[SIM_JOBS];
    uint64_t jobs_stamp; /* of the process that wants them */
    uint32_t lives;      /* times that it was lost and replaced, or set back */
    struct sim_kept kept;
    struct sim_copy copy;
    bool is_set_back; /* and whoever has it has not begun anew */
};

struct sim_disk *sim_disk_create(void);
void sim_disk_destroy(struct sim_disk *disk); /* accepts NULL */

/* A bit of the small record turns over, while nobody runs; whether it is read all the same, or its process must not start. */
void sim_small_flip(struct sim_world *world, struct sim_node *node);
bool sim_small_open(struct sim_world *world, struct sim_node *node);

/* A process wants to start from it. False, with its next start planned, when an entry is damaged. */
bool sim_disk_open(struct sim_world *world, struct sim_node *node);

/* True when every entry is as it was written. */
bool sim_disk_is_sound(const struct sim_disk *disk);

/* The entry as the disk gives it back, damage included; free it. */
uint8_t *sim_disk_read(const struct sim_entry *entry);

void sim_disk_write(struct sim_world *world, struct sim_node *node, ms_seq seq,
                    struct ms_bytes entries);

/* The process is about to sleep: what has gathered is committed. */
void sim_disk_flush(struct sim_world *world, struct sim_node *node);

/* The commit of that stamp is through. */
void sim_disk_done(struct sim_world *world, struct sim_node *node, uint64_t stamp);

/* The process is gone. */
void sim_disk_crash(struct sim_world *world, struct sim_node *node);

/* Bytes that it would tell the process may still be written. */
uint64_t sim_disk_room(const struct sim_world *world, const struct sim_disk *disk);

/* A fault of the disk's strikes; harmless to a node without one. */
void sim_disk_strike(struct sim_world *world, struct sim_node *node, enum sim_fault fault,
                     ms_time duration);

/* A commit has been under way for longer than that, because the disk does nothing. */
bool sim_disk_is_hung(const struct sim_world *world, const struct sim_node *node, ms_time span);

/* What should be through by now is not: when it is looked at again; 0 = it is. */
ms_time sim_disk_stuck(const struct sim_world *world, const struct sim_disk *disk,
                       const struct sim_item *item);

/* Jobs (disk_jobs.c): an effect that wants one, the item that says it is done, and what a commit lets begin. */
void sim_disk_job(struct sim_world *world, struct sim_node *node, const struct ms_effect *effect);
void sim_disk_job_done(struct sim_world *world, struct sim_node *node, enum sim_job_kind kind,
                       uint64_t stamp);
void sim_disk_jobs_begin(struct sim_world *world, struct sim_node *node);
void sim_disk_jobs_crash(struct sim_world *world, struct sim_node *node);
bool sim_disk_is_held(const struct sim_disk *disk); /* nothing is committed before it is empty */

/* The disk of a node that is down is replaced by an empty one. */
void sim_disk_wipe(struct sim_world *world, struct sim_node *node);

/* disk_beside.c: an empty store is used beside the present one, false: there is no room for both; then it takes its place, or is given up.
 * own: what there is after a crash. */
bool sim_disk_begin_beside(const struct sim_world *world, struct sim_node *node);
void sim_disk_adopt(struct sim_disk *disk);
void sim_disk_revert(struct sim_node *node);
const struct sim_ledger *sim_disk_own(const struct sim_disk *disk);

/* Keeps what is on it now, instead of an earlier copy. */
void sim_disk_copy(struct sim_disk *disk);
/* The disk of a node that is down is as it was when the copy was made, which is used up. */
void sim_disk_set_back(struct sim_world *world, struct sim_node *node);

/* A process whose disk has failed, and that goes on all the same, is replaced. */
void sim_disk_replace(struct sim_world *world, struct sim_node *node);

/* For disk_copy.c: what was committed once is there again. */
void sim_disk_put(struct sim_world *world, struct sim_disk *disk, struct ms_bytes entries);

/* For disk_jobs.c: how long it takes, no entry is there any more, and nothing is written from now on. */
ms_time sim_disk_latency(struct sim_world *world, const struct sim_disk *disk);
void sim_disk_empty(struct sim_disk *disk);
void sim_disk_fail(struct sim_world *world, struct sim_node *node);

/* Space may have returned. */
void sim_disk_roomy(struct sim_world *world, struct sim_node *node);

/* It is whole and quick again, but what is lost stays lost. */
void sim_disk_heal(struct sim_world *world, struct sim_node *node);

#endif
