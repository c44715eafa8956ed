/* Named groups of commands: how many of each are open, done, buried and cancelled, and who wants to hear
 * of it. A group begins with its first member. It lasts as long as one of them is live, and
 * MS_GROUP_KEEP after the last one was closed.
 *
 * What is durable: members that are live are counted from their own records; those that are closed stand
 * in the group's record, which is written in the same commit that erases theirs. */
#ifndef MASTER_GROUPS_H
#define MASTER_GROUPS_H

#include "core/command.h"
#include "core/list.h"
#include "core/map.h"
#include "core/pool.h"
#include "core/slab.h"
#include "master/life.h"
#include "proto/record.h"

struct ms_inquiry;
struct ms_journal;
struct ms_master;
struct ms_report_page;
struct ms_work;

enum ms_group_count {
    MS_GROUP_OPEN,
    MS_GROUP_DONE,
    MS_GROUP_BURIED,
    MS_GROUP_CANCELLED,
    MS_GROUP_COUNTS,
};

/* A member that ended. */
struct ms_group_end {
    struct ms_id id;
    uint8_t status; /* enum ms_status */
};

/* Pooled. */
struct ms_group {
    char name[MS_NAME_MAX + 1];
    struct ms_terms terms;             /* what records of its members say: its name */
    struct ms_group *next;             /* another one whose name has the same key */
    uint64_t counts[MS_GROUP_COUNTS];  /* members in each, those that are closed too */
    uint64_t closed[MS_GROUP_COUNTS];  /* durable ones that are closed; none of them is open */
    uint64_t written[MS_GROUP_COUNTS]; /* of these, as the record says */
    uint64_t live;                     /* members that are not closed */
    struct ms_list changed;            /* on groups->changed while the record is out of date */
    struct ms_list idle;               /* on groups->idle while nothing of it is live */
    ms_time idle_since;
    ms_seq record;             /* GROUP; 0 = none is kept */
    struct ms_list followers;  /* inquiries that wait for a change */
    uint32_t followers_count;  /* those too that have something to tell */
    uint64_t ends_count;       /* members that ended */
    struct ms_group_end *ends; /* the last MS_GROUP_ENDS of them, while anybody follows; or NULL */
};

struct ms_groups {
    struct ms_pool pool;
    struct ms_map by_name;
    struct ms_list changed;
    struct ms_list idle; /* longest first */
    struct ms_slab *slab;
    struct ms_journal *journal;
    struct ms_list *due; /* where followers go that there is something to tell */
};

/* slab, journal and due are borrowed. False when memory is out. */
bool ms_groups_init(struct ms_groups *groups, struct ms_slab *slab, struct ms_journal *journal,
                    uint64_t seed);
void ms_groups_finish(struct ms_groups *groups);

struct ms_group *ms_groups_find(const struct ms_groups *groups, struct ms_bytes name);

/* The group of that name, made when new. NULL when memory is out, or MS_GROUPS_MAX are there. */
struct ms_group *ms_groups_open(struct ms_groups *groups, ms_time now, struct ms_bytes name);

/* count more members are open; or will not come after all. */
void ms_groups_add(struct ms_groups *groups, struct ms_group *group, uint64_t count);
void ms_groups_drop(struct ms_groups *groups, ms_time now, struct ms_group *group, uint64_t count);

/* A member went along a row of its life; work->state is the new one. */
void ms_groups_moved(struct ms_groups *groups, ms_time now, const struct ms_work *work,
                     struct ms_group *group, enum ms_life_state from);

/* Writes the records of groups that changed, in the commit that erases those of their closed members. */
void ms_groups_flush(struct ms_master *master);

/* Forgets those that were kept long enough; a bounded number. */
void ms_groups_expire(struct ms_master *master, ms_time now);
ms_time ms_groups_deadline(const struct ms_groups *groups);

/* GROUP read back. NO_MEMORY, or STORE_CORRUPT. */
enum ms_error ms_groups_replay(struct ms_master *master, ms_time now,
                               const struct ms_record *record, ms_seq seq);

/* The answer to QUERY group, in page->report: the counts as they are, a row for each member that ended
 * since the last one. A follower that has heard all is put where it waits for a change. */
void ms_groups_tell(struct ms_master *master, struct ms_inquiry *inquiry,
                    struct ms_report_page *page);

/* The inquiry comes to its end. Harmless when it follows no group. */
void ms_groups_leave(struct ms_master *master, const struct ms_inquiry *inquiry);

/* Asserts what is always true of the groups alone. */
void ms_groups_check(const struct ms_groups *groups);

static inline uint32_t ms_groups_count(const struct ms_groups *groups)
{
    return ms_pool_used(&groups->pool);
}

#endif
