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
static inline void offer_now(void)
{
    ck_assert(ms_reconcile_begin(here.master));
    for (size_t i = 0; i < SHELF_MAX; i++) {
        if (there_shelf.entries[i].data != NULL) {
            ck_assert_int_eq(ms_reconcile_take(here.master, there_shelf.entries[i]), MS_E_OK);
        }
    }
    ms_reconcile_end(here.master);
    settle_down(&here);
}

static inline void offer_disk(void)
{
    commit(&here);
    offer_now();
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

static inline void submit_as(struct script *s, uint64_t seq, const char *payload, uint8_t flags)
{
    struct ms_command command = submission(seq, payload);

    command.flags = flags;
    receive(s, 2, &command);
}

static inline void submit_key(struct script *s, uint64_t seq, enum ms_unique mode)
{
    const struct ms_terms terms = {
        .unique_mode = mode, .unique = ms_bytes_of("k"), .key = ms_bytes_of("user 7")};
    struct ms_command command = submission(seq, "x");

    command.terms = &terms;
    receive(s, 2, &command);
    commit(s);
}

/* Command 1 comes into that state. */
static inline void bring(struct script *s, enum ms_merge_state state, const char *payload,
                         uint8_t flags)
{
    const bool is_run = state == MS_MERGE_IN_FLIGHT || state == MS_MERGE_DEAD ||
                        state == MS_MERGE_DONE || state == MS_MERGE_CLOSED;

    if (state == MS_MERGE_NONE) {
        return;
    }
    if (is_run) {
        pull(s, 1, 1);
    }
    submit_as(s, 1, "x", flags);
    commit(s);
    if (state == MS_MERGE_CANCELLED) {
        receive(s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    } else if (is_run && state != MS_MERGE_IN_FLIGHT) {
        result(s, 1, s->last_token, state == MS_MERGE_DEAD ? MS_STATUS_FAIL : MS_STATUS_OK,
               payload);
    }
    commit(s);
    if (state == MS_MERGE_CLOSED) {
        receive(s, 2, &(struct ms_command){.kind = MS_KIND_OUTCOME_ACK, .id.seq = 1, .count = 1});
        commit(s);
    }
}

static inline enum ms_merge_state state_of(const struct script *s)
{
    static const uint8_t states[MS_LIFE_STATES] = {
        [MS_LIFE_READY] = MS_MERGE_QUEUED,     [MS_LIFE_DELAYED] = MS_MERGE_QUEUED,
        [MS_LIFE_LEASED] = MS_MERGE_IN_FLIGHT, [MS_LIFE_BURIED] = MS_MERGE_DEAD,
        [MS_LIFE_DONE] = MS_MERGE_DONE,        [MS_LIFE_CANCELLED] = MS_MERGE_CANCELLED,
    };
    const struct ms_uuid uuid = uuid_of(2);
    const struct ms_work *work = work_of(s, 2, 1);
    const struct ms_floor *floor = ms_floors_find(&s->master->floors, &uuid);

    if (work != NULL) {
        return (enum ms_merge_state)states[work->state];
    }
    return floor != NULL && ms_closed_has(&floor->closed, 1) ? MS_MERGE_CLOSED : MS_MERGE_NONE;
}

static inline void want_state(enum ms_merge_state wanted, const char *when)
{
    const enum ms_merge_state state = state_of(&here);

    ck_assert_msg(state == wanted, "%s: it is %s", when, ms_merge_state_name(state));
}

/* a is higher and has an outcome, or b is open: the outcome of a. */
static inline bool was_revoked(void)
{
    return find(&here, MS_KIND_REVOKE) != NULL;
}

#endif
