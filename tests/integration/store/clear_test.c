/* A copy of a store is read out of it in pieces, then it is emptied, and a new life begins in it; in the n-th run the n-th
 * operation of the disk fails. Afterwards the store is that after some whole window: the emptying is one of them, all or
 * nothing. What was set aside is what there was. */
#include <sys/stat.h>

#include "faults.h"
#include "history.h"
#include "tests/support/suite.h"

#define WINDOWS 12u /* of each of the two lives */
#define NUMBER  7u

struct run {
    struct place place;
    struct history history;
    struct entries entries;
    struct ms_store *store;
    uint64_t number;
    size_t cleared_at; /* the window that is the emptying; 0 = not yet asked for */
    size_t answered;   /* windows */
    uint64_t answers, pieces;
    bool copied[HISTORY_RECORDS];
    ms_seq copied_to;
    bool is_copied; /* completely */
    bool is_failed;
    struct ms_complaint complaint;
};

static struct run run_;

/* A record of a piece was alive when the copy began, or came later. */
static void take_piece(struct run *run, const struct ms_event *event)
{
    struct ms_bytes rest = event->command->payload;
    struct ms_entry entry;

    run->pieces++;
    run->is_copied = rest.size == 0;
    while (rest.size > 0) {
        const struct ms_bytes before = rest;

        ck_assert(ms_record_next(&rest, &entry));
        ck_assert_uint_lt(entry.seq, HISTORY_RECORDS);
        ck_assert_uint_gt(entry.seq, run->copied_to);
        entries_check(entry.seq, (struct ms_bytes){before.data, before.size - rest.size},
                      run->history.sizes[entry.seq]);
        run->copied[entry.seq] = true;
        run->copied_to = entry.seq;
    }
}

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
    } else if (event->type == MS_EVENT_SCANNED) {
        take_piece(run, event);
    } else if (event->type == MS_EVENT_CLEARED) {
        run->answered = run->cleared_at;
        run->answers++;
    } else {
        run->answers++;
        /* What was written before the emptying is answered before it. */
        run->answered =
            run->answered < run->cleared_at ? run->cleared_at - 1 : run->history.windows;
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

static void write_window(struct run *run)
{
    history_write(&run->history, &run->entries);
    ms_store_write(run->store, run->history.seq, entries_take(&run->entries));
}

/* Until so many windows were answered, or the store has failed. */
static bool wait_for(struct run *run, size_t window)
{
    while (run->answered < window && !run->is_failed) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
    return !run->is_failed;
}

static bool write_windows(struct run *run, size_t until)
{
    while (run->history.windows < until && !run->is_failed) {
        write_window(run);
        wait_for(run, run->history.windows);
    }
    return !run->is_failed;
}

/* Piece by piece, with a commit between each two. What lived at its begin and lives at its end is in it. */
static bool copy(struct run *run)
{
    const size_t begin = run->history.windows;

    while (!run->is_copied) {
        const uint64_t pieces = run->pieces;

        ms_store_scan(run->store, run->copied_to, 60000);
        if (run->history.windows < WINDOWS) {
            write_window(run);
        }
        while ((run->pieces == pieces || run->answered < run->history.windows) && !run->is_failed) {
            ev_run(EV_DEFAULT, EVRUN_ONCE);
        }
        if (run->is_failed) {
            return false;
        }
    }
    for (ms_seq seq = 1; seq < HISTORY_RECORDS; seq++) {
        if (run->history.lives[begin][seq] && run->history.lives[run->history.windows][seq]) {
            ck_assert_msg(run->copied[seq], "record %llu is not in the copy",
                          (unsigned long long)seq);
        }
        ck_assert(!run->copied[seq] || run->history.sizes[seq] > 0);
    }
    return true;
}

static bool empty(struct run *run)
{
    write_window(run);
    history_clear(&run->history);
    run->cleared_at = run->history.windows;
    ms_store_clear(run->store, MS_CLEAR_ALL, run->number, MS_ASIDE_MERGED);
    write_window(run);
    return wait_for(run, run->history.windows);
}

static bool skip(void *context, ms_seq seq, struct ms_bytes entry)
{
    (void)context, (void)seq, (void)entry;
    return true;
}

static bool play(struct run *run)
{
    struct ms_complaint complaint;

    if (!open_store(run)) {
        return false;
    }
    if (!write_windows(run, WINDOWS / 2) || !copy(run) || !write_windows(run, WINDOWS) ||
        !empty(run) || !write_windows(run, 2 * WINDOWS)) {
        ms_store_close(run->store);
        return false;
    }
    if (!ms_store_close(run->store) || !open_store(run)) {
        return false;
    }
    if (ms_store_replay(run->store, skip, NULL, &complaint) != MS_E_OK) {
        ms_store_close(run->store);
        return false;
    }
    write_windows(run, 2 * WINDOWS + 4);
    return ms_store_close(run->store) && !run->is_failed;
}

static void name_aside(const struct run *run, char *path, size_t size)
{
    snprintf(path, size, "%s/divergent-%u.db", run->place.data, NUMBER);
}

/* The state before the emptying, all of it. */
static void judge_aside(struct run *run)
{
    char path[160];
    struct ms_store_options options = {
        .size = sizeof options, .directory = path, .is_read_only = true};
    struct history *before = calloc(1, sizeof *before);
    enum ms_error error = MS_E_OK;
    struct ms_store *aside;

    name_aside(run, path, sizeof path);
    aside = ms_store_open(&options, &error, &run->complaint);
    ck_assert_msg(aside != NULL, "%s", run->complaint.text);
    *before = run->history;
    before->windows = run->cleared_at - 1;
    history_judge(before, aside, run->cleared_at - 1);
    ms_store_close(aside);
    free(before);
}

/* Returns whether the fault was reached. */
static bool try_fault(enum fault fault, uint64_t n, uint64_t number, bool must_survive)
{
    struct run *run = &run_;
    bool is_reached, is_done;
    size_t window;
    char path[160];

    memset(run, 0, sizeof *run);
    run->history.random = 4711;
    run->number = number;
    place_make(&run->place);
    faults_arm(fault, n, (uint32_t)n * 2654435761u);
    is_done = play(run);
    is_reached = faults_settle();
    if (!is_reached) {
        ck_assert(is_done);
    }
    if (must_survive && run->answered > 0) {
        ck_assert_msg(is_done, "fault %d at %llu was not survived", (int)fault,
                      (unsigned long long)n);
    }
    ck_assert_msg(open_store(run), "fault %d at %llu: not opened again: %s", (int)fault,
                  (unsigned long long)n, run->complaint.text);
    window = history_judge(&run->history, run->store, run->answered);
    if (number != 0 && run->cleared_at != 0 && window >= run->cleared_at) {
        judge_aside(run);
    } else {
        name_aside(run, path, sizeof path);
        ck_assert_int_ne(access(path, F_OK), 0);
    }
    ms_store_close(run->store);
    entries_finish(&run->entries);
    place_remove(&run->place);
    return is_reached;
}

/* The first operations make the directory, and come in every run; of the others each one in which the emptying may
 * be, and some of the rest. */
static void try_all(enum fault fault, uint64_t number, bool must_survive)
{
    uint64_t n = 1, runs = 0;

    while (try_fault(fault, n, number, must_survive)) {
        const bool is_near = run_.cleared_at != 0 && run_.answered <= run_.cleared_at;

        n += is_near || fault == FAULT_SYNC ? 1 : 1 + n * 7919 % 23;
        runs++;
    }
    ck_assert_uint_gt(runs, 20);
    fprintf(stderr, "fault %d, number %llu: %llu runs\n", (int)fault, (unsigned long long)number,
            (unsigned long long)runs);
}

START_TEST(test_write_fails)
{
    try_all(FAULT_WRITE, _i == 0 ? 0 : NUMBER, false);
}
END_TEST

START_TEST(test_disk_is_full_once)
{
    try_all(FAULT_FULL, _i == 0 ? 0 : NUMBER, true);
}
END_TEST

START_TEST(test_sync_fails)
{
    try_all(FAULT_SYNC, _i == 0 ? 0 : NUMBER, false);
}
END_TEST

START_TEST(test_power_goes)
{
    try_all(FAULT_POWER, _i == 0 ? 0 : NUMBER, false);
}
END_TEST

START_TEST(test_allocation_fails)
{
    uint64_t n = 1;

    while (try_fault(FAULT_ALLOCATION, n, _i == 0 ? 0 : NUMBER, false)) {
        n += 1 + n / 10;
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_clear");
    TCase *io = tcase_create("clear");

    tcase_set_timeout(io, 250);
    tcase_add_loop_test(io, test_write_fails, 0, 2);
    tcase_add_loop_test(io, test_disk_is_full_once, 0, 2);
    tcase_add_loop_test(io, test_sync_fails, 0, 2);
    tcase_add_loop_test(io, test_power_goes, 0, 2);
    tcase_add_loop_test(io, test_allocation_fails, 0, 2);
    suite_add_tcase(all, io);
    return all;
}

int main(void)
{
    faults_install();
    return run_suite(suite());
}
