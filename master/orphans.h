/* Attempts that slaves have had in hand since before the master started, of commands that it has not heard
 * of: their submission was not durable when the last master ended, so it will be made again. Then the
 * command is taken to be in that slave's hands, and does not run twice. */
#ifndef MASTER_ORPHANS_H
#define MASTER_ORPHANS_H

#include "core/body.h"
#include "core/list.h"
#include "core/map.h"
#include "core/pool.h"

struct ms_array;
struct ms_master;
struct ms_slave;
struct ms_work;

struct ms_orphan {
    struct ms_list link; /* on slave->orphans */
    struct ms_slave *slave;
    struct ms_token token;
    struct ms_holding holding;
    bool was_heard;  /* output or a result came, which the slave still has */
    bool has_result; /* a result did */
};

struct ms_orphans {
    struct ms_pool pool;
    struct ms_map by_id;
    ms_time until; /* they are waited for so long; MS_TIME_NEVER = there are none */
};

/* False when memory is out. */
bool ms_orphans_init(struct ms_orphans *orphans, uint64_t seed);
void ms_orphans_finish(struct ms_orphans *orphans);

/* The slave may keep that attempt, because its command may still come; false when it cannot. */
bool ms_orphans_keep(struct ms_master *master, struct ms_slave *slave, const struct ms_token *token,
                     const struct ms_holding *holding);

/* A result or output of an unknown attempt: true when it is an orphan's, and shall not be acknowledged yet. */
bool ms_orphans_hold(struct ms_slave *slave, const struct ms_token *token, bool is_result);

/* A command was accepted, or an array: what a slave has in hand is LEASED. */
void ms_orphans_claim(struct ms_master *master, ms_time now, struct ms_work *work);
void ms_orphans_claim_array(struct ms_master *master, ms_time now, struct ms_array *array);

/* The slave has nothing in hand any more. */
void ms_orphans_lose(struct ms_master *master, struct ms_slave *slave);

/* Nobody came for them: the slaves shall forget them. At most as many as the step has room for. */
void ms_orphans_expire(struct ms_master *master, ms_time now);

static inline ms_time ms_orphans_deadline(const struct ms_orphans *orphans)
{
    return ms_pool_used(&orphans->pool) > 0 ? orphans->until : MS_TIME_NEVER;
}

#endif
