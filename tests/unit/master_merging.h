/* Two masters of which one has something that the other may lack, and the merge of it. For tests of master/reconcile.h. */
#ifndef TESTS_UNIT_MASTER_MERGING_H
#define TESTS_UNIT_MASTER_MERGING_H

#include "master/reconcile.h"

#include "core/limits.h"
#include "master_arrays.h"
#include "master_returning.h"

#define THERE_NODE 9 /* of the slave there */
#define HERE_NODE  1

static struct script there, here;
static struct shelf there_shelf, here_shelf;

static inline void begin_one(struct script *s, struct shelf *shelf, uint8_t node, int restarts)
{
    setup_durable(s, shelf);
    s->nonces = node; /* tokens of sessions differ */
    for (int i = 0; i < restarts; i++) {
        restart(s);
    }
    slave_durably(s, 1, node);
    client(s, 2, 2);
}

static inline void begin(void)
{
    begin_one(&there, &there_shelf, THERE_NODE, 0);
    begin_one(&here, &here_shelf, HERE_NODE, 1);
}

static inline void end(void)
{
    teardown_durable(&there);
    teardown_durable(&here);
}

static inline const struct ms_reconcile_totals *totals(void)
{
    return &here.master->reconcile.totals;
}

/* What the one's disk has is offered to the other; what came of it is not durable yet. */
static inline void offer_disk(void)
{
    commit(&here);
    ck_assert(ms_reconcile_begin(here.master));
    for (size_t i = 0; i < SHELF_MAX; i++) {
        if (there_shelf.entries[i].data != NULL) {
            ck_assert_int_eq(ms_reconcile_take(here.master, there_shelf.entries[i]), MS_E_OK);
        }
    }
    ms_reconcile_end(here.master);
    settle_down(&here);
}

static inline void offer(void)
{
    commit(&there);
    offer_disk();
}

/* What was offered is merged. */
static inline void merge_offered(void)
{
    const size_t count = here.count;

    for (int i = 0; i < 8; i++) {
        while (here_shelf.committed < here_shelf.seq || here_shelf.written_size > 0) {
            commit_once(&here);
        }
        ms_engine_step(here.engine, here.now, &(struct ms_event){.type = MS_EVENT_TICK});
        poll_dry(&here);
    }
    ck_assert_uint_ge(here.count, count);
    ck_assert_int_eq(here.master->reconcile.phase, MS_RECONCILE_DONE);
}

static inline void merge(void)
{
    offer();
    merge_offered();
}

static inline bool was_revoked(void)
{
    return find(&here, MS_KIND_REVOKE) != NULL;
}

#endif
