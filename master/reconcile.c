#include "master/reconcile.h"

#include "core/invariant.h"
#include "core/limits.h"
#include "master/clients.h"
#include "master/queue.h"
#include "master/recovery.h"
#include "master/state.h"

#define RUN_SPANS_KNOWN 256u /* of closed numbers, that are looked up; a longer run counts as new */

const char *ms_merge_state_name(enum ms_merge_state state)
{
    static const char *const names[MS_MERGE_STATES] = {
        [MS_MERGE_NONE] = "NONE",           [MS_MERGE_QUEUED] = "QUEUED",
        [MS_MERGE_IN_FLIGHT] = "IN_FLIGHT", [MS_MERGE_DEAD] = "DEAD",
        [MS_MERGE_DONE] = "DONE",           [MS_MERGE_CANCELLED] = "CANCELLED",
        [MS_MERGE_CLOSED] = "CLOSED",
    };

    ms_assert(state < MS_MERGE_STATES);
    return names[state];
}

void ms_reconcile_add(struct ms_reconcile_totals *totals, const struct ms_reconcile_totals *more)
{
    for (int a = 0; a < MS_MERGE_STATES; a++) {
        for (int b = 0; b < MS_MERGE_STATES; b++) {
            totals->cells[a][b] += more->cells[a][b];
        }
    }
    totals->adopted += more->adopted;
    totals->settled += more->settled;
    totals->lifted += more->lifted;
    totals->closed += more->closed;
    totals->outcome_conflict += more->outcome_conflict;
    totals->cancel_raced += more->cancel_raced;
    totals->refused += more->refused;
    totals->merges += more->merges;
}

void ms_reconcile_forget(struct ms_master *master)
{
    struct ms_reconcile *reconcile = &master->reconcile;

    ms_foreigners_finish(&reconcile->foreigners);
    reconcile->phase = MS_RECONCILE_OFF;
    reconcile->cursor = 0;
    reconcile->at = NULL;
    reconcile->until = 0;
    reconcile->portion = 0;
}

/* Commands and numbers that merges have changed here, or that are not the same over there. */
static uint64_t touched(const struct ms_reconcile_totals *totals)
{
    return totals->adopted + totals->settled + totals->lifted + totals->closed +
           totals->outcome_conflict + totals->cancel_raced + totals->refused;
}

bool ms_reconcile_was_known(const struct ms_master *master)
{
    const struct ms_reconcile *reconcile = &master->reconcile;

    ms_assert(reconcile->phase == MS_RECONCILE_DONE);
    return !reconcile->is_new && touched(&reconcile->totals) == reconcile->before[0];
}

bool ms_reconcile_has_refused(const struct ms_master *master)
{
    const struct ms_reconcile *reconcile = &master->reconcile;

    ms_assert(reconcile->phase == MS_RECONCILE_DONE);
    return reconcile->totals.refused > reconcile->before[1];
}

bool ms_reconcile_begin(struct ms_master *master)
{
    struct ms_reconcile *reconcile = &master->reconcile;

    ms_recovery_doubt(master);
    ms_reconcile_forget(master);
    if (!ms_foreigners_init(&reconcile->foreigners, ms_rng_next(&master->rng))) {
        ms_foreigners_finish(&reconcile->foreigners);
        return false;
    }
    reconcile->phase = MS_RECONCILE_GATHERING;
    reconcile->is_new = false;
    reconcile->before[0] = touched(&reconcile->totals);
    reconcile->before[1] = reconcile->totals.refused;
    return true;
}

enum ms_error ms_reconcile_take(struct ms_master *master, struct ms_bytes entries)
{
    struct ms_reconcile *reconcile = &master->reconcile;
    enum ms_error error;

    ms_assert(reconcile->phase == MS_RECONCILE_GATHERING);
    error = ms_foreigners_take(&reconcile->foreigners, entries);
    if (error != MS_E_OK) {
        ms_reconcile_forget(master);
    }
    return error;
}

/* The next phase, at its beginning. */
static void enter(struct ms_reconcile *reconcile, enum ms_reconcile_phase phase)
{
    reconcile->phase = phase;
    reconcile->cursor = 0;
    reconcile->at = phase == MS_RECONCILE_GENERAL ? reconcile->foreigners.general.first : NULL;
}

void ms_reconcile_end(struct ms_master *master)
{
    ms_assert(master->reconcile.phase == MS_RECONCILE_GATHERING);
    enter(&master->reconcile, MS_RECONCILE_GENERAL);
}

static void merge_general(struct ms_master *master, ms_time now)
{
    struct ms_reconcile *reconcile = &master->reconcile;
    struct ms_record_room room;
    struct ms_record record;

    if (reconcile->at == NULL) {
        enter(reconcile, MS_RECONCILE_COMMANDS);
        return;
    }
    ms_foreign_read(reconcile->at, &room, &record);
    reconcile->at = reconcile->at->next;
    if (record.kind == MS_RECORD_TYPE) {
        ms_merge_type(master, now, &record);
    } else if (record.kind == MS_RECORD_SESSION) {
        ms_merge_session(master, now, &record);
    } else {
        ms_services_merge(master, &record);
    }
}

/* False when it has to wait for a later step. */
static bool merge_command(struct ms_master *master, ms_time now)
{
    struct ms_reconcile *reconcile = &master->reconcile;
    const uint32_t here = reconcile->cursor;
    const struct ms_foreign *foreign =
        ms_pool_next(&reconcile->foreigners.commands, &reconcile->cursor);

    if (foreign == NULL) {
        enter(reconcile, MS_RECONCILE_OPEN);
        return true;
    }
    if (ms_clients_is_own(master, &foreign->client->uuid)) {
        return true; /* see docs/decisions/0017-providers.md */
    }
    if (!ms_merge_command(master, now, foreign)) {
        reconcile->cursor = here;
        return false;
    }
    return true;
}

/* Closed by members of the array there, as far as it is open there; else by the books of its client. */
static bool is_over_there(const struct ms_master *master, const struct ms_work *work)
{
    const struct ms_foreigners *foreigners = &master->reconcile.foreigners;
    const struct ms_array *array = ms_work_array(work);
    const struct ms_id id = {work->client->uuid, work->seq};

    if (work->client->is_own) {
        return false;
    }
    if (array != NULL &&
        ms_foreigners_find(foreigners, &(struct ms_id){id.client, array->first}) != NULL) {
        return false; /* its own record has told */
    }
    return ms_foreigners_closed(foreigners, &id);
}

static void merge_open(struct ms_master *master, ms_time now)
{
    struct ms_reconcile *reconcile = &master->reconcile;
    struct ms_work *work = ms_pool_next(&master->queue.pool, &reconcile->cursor);

    if (work == NULL) {
        enter(reconcile, MS_RECONCILE_ARRAYS);
    } else if (!work->is_archived && is_over_there(master, work)) {
        ms_merge_closed(master, now, work);
    } else {
        ms_merge_own(master, work);
    }
}

static void merge_arrays(struct ms_master *master, ms_time now)
{
    struct ms_reconcile *reconcile = &master->reconcile;
    struct ms_array *array = ms_pool_next(&master->queue.arrays.pool, &reconcile->cursor);

    if (array == NULL) {
        enter(reconcile, MS_RECONCILE_NUMBERS);
    } else if (ms_foreigners_find(&reconcile->foreigners,
                                  &(struct ms_id){array->client->uuid, array->first}) == NULL) {
        ms_merge_closed_array(master, now, array);
    }
}

/* A run of spans of closed numbers; counts as one. */
static void close_run(struct ms_master *master, struct ms_floor *floor,
                      const struct ms_record *record)
{
    const uint64_t size = MS_CLOSED_SPAN_BYTES * 8, first = record->number * size;

    master->reconcile.is_new |= record->count > RUN_SPANS_KNOWN;
    for (uint64_t i = 0; i < record->count * size && !master->reconcile.is_new; i++) {
        master->reconcile.is_new = first + i > 0 && !ms_closed_has(&floor->closed, first + i);
    }
    ms_floors_close_range(master, floor, record->number * size, record->count * size, true);
    master->reconcile.totals.cells[MS_MERGE_CLOSED][MS_MERGE_NONE]++;
}

/* The bits of a span of closed numbers. */
static void close_span(struct ms_master *master, struct ms_floor *floor,
                       const struct ms_record *record)
{
    for (uint64_t i = 0; i < record->payload.size * 8; i++) {
        const uint64_t seq = record->number * MS_CLOSED_SPAN_BYTES * 8 + i;

        if ((record->payload.data[i / 8] >> (i % 8) & 1) == 0 || seq == 0) {
            continue;
        }
        const bool is_known = ms_closed_has(&floor->closed, seq);

        master->reconcile.totals
            .cells[MS_MERGE_CLOSED][is_known ? MS_MERGE_CLOSED : MS_MERGE_NONE]++;
        master->reconcile.is_new |= !is_known;
        if (!is_known) {
            ms_floors_close(master, floor, seq, true);
        }
    }
}

static void merge_numbers_of(struct ms_master *master, const struct ms_foreign_client *client)
{
    struct ms_floor *floor = ms_floors_wake(master, &client->uuid);
    struct ms_record_room room;
    struct ms_record record;

    if (floor == NULL) {
        master->reconcile.phase = MS_RECONCILE_FAILED;
        return;
    }
    if (floor->client != NULL && floor->client->is_own) {
        return;
    }
    floor->is_durable = true;
    master->reconcile.totals
        .cells[MS_MERGE_CLOSED]
              [client->closed.floor > floor->closed.floor ? MS_MERGE_NONE : MS_MERGE_CLOSED] +=
        client->closed.floor > 0;
    master->reconcile.is_new |= client->closed.floor > floor->closed.floor;
    ms_floors_raise(master, floor, client->closed.floor);
    for (const struct ms_foreign_entry *at = client->spans.first; at != NULL; at = at->next) {
        ms_foreign_read(at, &room, &record);
        if (record.kind == MS_RECORD_CLOSED_RUN) {
            close_run(master, floor, &record);
        } else {
            close_span(master, floor, &record);
        }
    }
    if (floor->client == NULL) {
        ms_floors_sleep(master, floor);
    }
}

static void merge_numbers(struct ms_master *master)
{
    struct ms_reconcile *reconcile = &master->reconcile;
    const struct ms_foreign_client *client =
        ms_pool_next(&reconcile->foreigners.clients, &reconcile->cursor);

    if (client == NULL) {
        enter(reconcile, MS_RECONCILE_DURABLE);
    } else {
        merge_numbers_of(master, client);
    }
}

/* What is closed goes with the next flush, which comes at the end of a step. */
static void find_durable(struct ms_master *master)
{
    struct ms_reconcile *reconcile = &master->reconcile;

    if (master->journal.has_closed) {
        reconcile->until = 0;
        return;
    }
    if (reconcile->until == 0) {
        reconcile->until = master->journal.last;
    }
    if (ms_journal_covers(&master->journal, reconcile->until)) {
        ms_foreigners_finish(&reconcile->foreigners);
        reconcile->phase = MS_RECONCILE_DONE;
        reconcile->totals.merges++;
    }
}

/* One command or so; false when nothing more can be done now. */
static bool go_on(struct ms_master *master, ms_time now)
{
    switch (master->reconcile.phase) {
    case MS_RECONCILE_GENERAL:
        merge_general(master, now);
        return true;
    case MS_RECONCILE_COMMANDS:
        return merge_command(master, now);
    case MS_RECONCILE_OPEN:
        merge_open(master, now);
        return true;
    case MS_RECONCILE_ARRAYS:
        merge_arrays(master, now);
        return true;
    case MS_RECONCILE_NUMBERS:
        merge_numbers(master);
        return true;
    case MS_RECONCILE_DURABLE:
        find_durable(master);
        return false;
    default:
        return false;
    }
}

/* What clients submit now is durable behind all that was merged before it: the next portion waits until this one is. */
static bool is_held(const struct ms_master *master)
{
    const struct ms_reconcile *reconcile = &master->reconcile;

    return reconcile->portion >= MS_MERGE_PORTION_BYTES &&
           !ms_journal_covers(&master->journal, reconcile->portion_last);
}

void ms_reconcile_run(struct ms_master *master, ms_time now)
{
    struct ms_reconcile *reconcile = &master->reconcile;
    struct ms_journal *journal = &master->journal;
    uint32_t burst = MS_SWEEP_BURST;

    if (is_held(master)) {
        return;
    }
    if (reconcile->portion >= MS_MERGE_PORTION_BYTES) {
        reconcile->portion = 0;
    }
    while (burst-- > 0 && reconcile->portion < MS_MERGE_PORTION_BYTES && !journal->is_failed &&
           ms_engine_room(&master->engine) > MS_DISPATCH_BURST) {
        const bool is_counted =
            reconcile->phase > MS_RECONCILE_GENERAL; /* types and sessions are nobody's */
        const size_t before = journal->size;
        const bool is_going = go_on(master, now);

        reconcile->portion += journal->size - before;
        reconcile->portion_last = journal->last;
        reconcile->is_new |= is_counted && journal->size != before;
        if (!is_going) {
            return;
        }
    }
}

bool ms_reconcile_is_behind(const struct ms_master *master)
{
    const struct ms_reconcile *reconcile = &master->reconcile;

    return reconcile->phase >= MS_RECONCILE_GENERAL && reconcile->phase < MS_RECONCILE_DURABLE &&
           !is_held(master);
}
