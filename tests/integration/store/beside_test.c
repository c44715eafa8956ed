/* A copy is taken beside a store, which then takes its place or is given up; in the n-th run the n-th operation of the disk fails.
 * A start finds what there was before, all of it, until the copy has taken the place, and then the copy: nothing in between. */
#include "faults.h"
#include "history.h"
#include "tests/support/suite.h"

#define WINDOWS 6u /* of each of the three lives */
#define NUMBER  7u

struct run {
    struct place place;
    struct history history;
    struct entries entries;
    struct ms_store *store;
    enum ms_clear ends_by;
    size_t own;      /* the last window of the own store; 0 = there was no other yet */
    size_t replaced; /* from that window on it is, or may be, the other; 0 = not yet asked for */
    size_t answered; /* windows */
    uint64_t persists, clears;
    bool has_no_room, is_failed;
    struct ms_complaint complaint;
};

static struct run run_;

static void on_event(void *context, const struct ms_event *event)
{
    struct run *run = context;

    if (event->type == MS_EVENT_ROOM) {
        return;
    }
    ck_assert_msg(!run->is_failed, "something was answered after the failure");
    if (event->error != MS_E_OK) {
        ck_assert_int_eq(event->error, MS_E_STORE_FAILED);
        run->is_failed = event->type == MS_EVENT_PERSISTED;
    } else if (event->type == MS_EVENT_CLEARED) {
        run->clears++;
        run->has_no_room = event->count > 0;
    } else {
        run->persists++;
    }
}

static bool open_store(struct run *run)
{
    struct ms_store_options options = {.size = sizeof options,
                                       .loop = EV_DEFAULT,
                                       .directory = run->place.data,
                                       .bytes_max = 8u << 20,
                                       .reserve = 32u << 10,
                                       .event = on_event,
                                       .context = run};
    enum ms_error error = MS_E_OK;

    run->is_failed = false;
    run->store = ms_store_open(&options, &error, &run->complaint);
    return run->store != NULL;
}

static bool write_windows(struct run *run, size_t count)
{
    while (count-- > 0) {
        const uint64_t before = run->persists;

        history_write(&run->history, &run->entries);
        ms_store_write(run->store, run->history.seq, entries_take(&run->entries));
        while (run->persists == before && !run->is_failed) {
            ev_run(EV_DEFAULT, EVRUN_ONCE);
        }
        if (run->is_failed) {
            return false;
        }
        run->answered = run->history.windows;
    }
    return true;
}

static bool replace(struct run *run, enum ms_clear how)
{
    const uint64_t before = run->clears;

    ms_store_clear(run->store, how, how == MS_CLEAR_ADOPT ? NUMBER : 0, MS_ASIDE_MERGED);
    while (run->clears == before && !run->is_failed) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
    return !run->is_failed;
}

/* The state that there was before is one window more. */
static void go_back(struct run *run)
{
    struct history *history = &run->history;

    history_clear(history);
    memcpy(history->lives[history->windows], history->lives[run->own], sizeof history->lives[0]);
    run->answered = run->replaced = history->windows;
}

/* False: the disk has failed. */
static bool copy(struct run *run)
{
    run->own = run->history.windows;
    if (!replace(run, MS_CLEAR_BESIDE)) {
        return false;
    }
    if (run->has_no_room) { /* nothing has changed */
        run->own = 0;
        return true;
    }
    history_clear(&run->history);
    if (!write_windows(run, WINDOWS)) {
        return false;
    }
    run->replaced = run->ends_by == MS_CLEAR_ADOPT ? run->history.windows : 0;
    if (!replace(run, run->ends_by)) {
        return false;
    }
    if (run->ends_by == MS_CLEAR_REVERT) {
        go_back(run);
    }
    run->own = 0;
    return true;
}

static bool play(struct run *run)
{
    bool is_good;

    if (!open_store(run)) {
        return false;
    }
    is_good = write_windows(run, WINDOWS) && copy(run) && write_windows(run, WINDOWS);
    return ms_store_close(run->store) && is_good;
}

/* What came back is whole: the own store as it was, or what has taken its place. */
static void judge(struct run *run)
{
    const bool is_open = run->own > 0; /* both are there */
    const size_t from = is_open ? run->own : run->answered;
    const size_t window = history_judge(&run->history, run->store, from);

    if (is_open) {
        ck_assert_msg(window == run->own || (run->replaced > 0 && window >= run->replaced),
                      "window %zu came back: the own ended with %zu, the copy with %zu", window,
                      run->own, run->replaced);
    }
}

static bool has_two(const struct place *place)
{
    char path[sizeof place->data + sizeof "/store.new"];

    snprintf(path, sizeof path, "%s/store.new", place->data);
    return access(path, F_OK) == 0;
}

/* Returns whether the fault was reached. */
static bool try_fault(enum fault fault, uint64_t n, enum ms_clear ends_by, bool must_survive)
{
    struct run *run = &run_;
    bool is_reached, is_done;

    memset(run, 0, sizeof *run);
    run->history.random = 4711;
    run->ends_by = ends_by;
    place_make(&run->place);
    faults_arm(fault, n, (uint32_t)n * 2654435761u);
    is_done = play(run);
    is_reached = faults_settle();
    ck_assert(is_reached || is_done);
    if (must_survive && run->answered > 0) {
        ck_assert_msg(is_done, "fault %d at %llu was not survived", (int)fault,
                      (unsigned long long)n);
    }
    ck_assert_msg(open_store(run), "fault %d at %llu: not opened again: %s", (int)fault,
                  (unsigned long long)n, run->complaint.text);
    judge(run);
    ck_assert(!has_two(&run->place));
    ms_store_close(run->store);
    entries_finish(&run->entries);
    place_remove(&run->place);
    return is_reached;
}

/* One is being made, or takes the place of the other. */
static bool is_turning(const struct run *run)
{
    return run->own > 0 && (run->replaced > 0 || run->history.windows == run->own);
}

/* Writes are many: the logs grow. */
static uint64_t stride(enum fault fault, const struct run *run)
{
    if (is_turning(run)) {
        return fault == FAULT_WRITE || fault == FAULT_POWER ? 5 : 1;
    }
    return fault == FAULT_SYNC ? 3 : 29;
}

/* The operations by which the stores change, and some of those in between. */
static void try_all(enum fault fault, enum ms_clear ends_by, bool must_survive)
{
    uint64_t n = 1, runs = 0;

    while (try_fault(fault, n, ends_by, must_survive)) {
        n += 1 + n * 7919 % stride(fault, &run_);
        runs++;
    }
    ck_assert_uint_gt(runs, 20);
    fprintf(stderr, "fault %d, end %d: %llu runs\n", (int)fault, (int)ends_by,
            (unsigned long long)runs);
}

static enum ms_clear end_of(int i)
{
    return i == 0 ? MS_CLEAR_ADOPT : MS_CLEAR_REVERT;
}

START_TEST(test_write_fails)
{
    try_all(FAULT_WRITE, end_of(_i), false);
}
END_TEST

START_TEST(test_disk_is_full_once)
{
    try_all(FAULT_FULL, end_of(_i), true);
}
END_TEST

START_TEST(test_sync_fails)
{
    try_all(FAULT_SYNC, end_of(_i), false);
}
END_TEST

START_TEST(test_power_goes)
{
    try_all(FAULT_POWER, end_of(_i), false);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_beside");
    TCase *io = tcase_create("beside");

    tcase_set_timeout(io, 250);
    tcase_add_loop_test(io, test_write_fails, 0, 2);
    tcase_add_loop_test(io, test_disk_is_full_once, 0, 2);
    tcase_add_loop_test(io, test_sync_fails, 0, 2);
    tcase_add_loop_test(io, test_power_goes, 0, 2);
    suite_add_tcase(all, io);
    return all;
}

int main(void)
{
    faults_install();
    return run_suite(suite());
}
