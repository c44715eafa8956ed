/* One scenario, run again and again; in the n-th run the n-th operation of the disk fails, until a run
 * completes without reaching it. After each run the store is opened on a sound disk: every record that was
 * answered is there, and the state is that after some whole window. */
#include "faults.h"
#include "history.h"
#include "tests/support/suite.h"

#define WINDOWS 40u
#define REOPEN  20u /* the scenario closes and opens once in its midst */

struct run {
    struct place place;
    struct history history;
    struct entries entries;
    struct ms_store *store;
    size_t written, answered; /* windows */
    uint64_t answers;
    bool is_failed, is_refused; /* opening was */
    struct ms_complaint complaint;
};

static struct run run_;

static void on_event(void *context, const struct ms_event *event)
{
    struct run *run = context;

    if (event->type != MS_EVENT_PERSISTED) {
        return;
    }
    ck_assert_msg(!run->is_failed, "something was answered after the failure");
    if (event->error != MS_E_OK) {
        ck_assert_int_eq(event->error, MS_E_STORE_FAILED);
        ck_assert_ptr_nonnull(ms_store_failure(run->store));
        run->is_failed = true;
        return;
    }
    run->answered = run->written;
    run->answers++;
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
    if (run->store == NULL) {
        ck_assert_int_ne(error, MS_E_OK);
        ck_assert_str_ne(run->complaint.text, "");
        run->is_refused = true;
    }
    return run->store != NULL;
}

static bool skip(void *context, ms_seq seq, struct ms_bytes entry)
{
    (void)context;
    (void)seq;
    (void)entry;
    return true;
}

/* Writes windows up to `until`; false when the store failed. */
static bool write_windows(struct run *run, size_t until)
{
    while (run->written < until && !run->is_failed) {
        const uint64_t answers = run->answers;

        history_write(&run->history, &run->entries);
        run->written++;
        ms_store_write(run->store, run->history.seq, entries_take(&run->entries));
        while (run->answers == answers && !run->is_failed) {
            ev_run(EV_DEFAULT, EVRUN_ONCE);
        }
    }
    if (run->is_failed) {
        ms_store_write(run->store, run->history.seq, (struct ms_bytes){0}); /* for nothing */
        ev_run(EV_DEFAULT, EVRUN_NOWAIT);
    }
    return !run->is_failed;
}

static void play(struct run *run)
{
    struct ms_complaint complaint;

    if (!open_store(run)) {
        return;
    }
    if (write_windows(run, REOPEN) && ms_store_close(run->store)) {
        if (!open_store(run) || ms_store_replay(run->store, skip, NULL, &complaint) != MS_E_OK) {
            ms_store_close(run->store);
            return;
        }
        write_windows(run, WINDOWS);
    } else if (!run->is_failed) {
        return; /* closing failed */
    }
    ms_store_close(run->store);
}

/* Returns whether the fault was reached. */
static bool try_fault(enum fault fault, uint64_t n, bool must_survive)
{
    struct run *run = &run_;
    bool is_reached;

    memset(run, 0, sizeof *run);
    run->history.random = 12345;
    place_make(&run->place);
    faults_arm(fault, n, (uint32_t)n * 2654435761u);
    play(run);
    is_reached = faults_settle();
    if (!is_reached || (must_survive && !run->is_refused)) {
        ck_assert_msg(run->written == WINDOWS && run->answered == WINDOWS,
                      "fault %d at %llu: %zu windows written, %zu answered", (int)fault,
                      (unsigned long long)n, run->written, run->answered);
    }
    ck_assert_msg(open_store(run), "fault %d at %llu: not opened again: %s", (int)fault,
                  (unsigned long long)n, run->complaint.text);
    history_judge(&run->history, run->store, run->answered);
    ms_store_close(run->store);
    entries_finish(&run->entries);
    place_remove(&run->place);
    return is_reached;
}

/* Every n at first, and again from time to time: the same steps come over and over. */
static void try_all(enum fault fault, bool must_survive)
{
    uint64_t n = 1, runs = 0;

    while (try_fault(fault, n, must_survive)) {
        n += 1 + (n > 150 ? (n * 7919) % 5 : 0);
        runs++;
    }
    ck_assert_uint_gt(runs, 20);
    fprintf(stderr, "fault %d: %llu runs, the last at operation %llu\n", (int)fault,
            (unsigned long long)runs, (unsigned long long)n);
}

START_TEST(test_write_fails)
{
    try_all(FAULT_WRITE, false);
}
END_TEST

START_TEST(test_disk_is_full_once)
{
    try_all(FAULT_FULL, true);
}
END_TEST

START_TEST(test_sync_fails)
{
    try_all(FAULT_SYNC, false);
}
END_TEST

START_TEST(test_power_goes)
{
    try_all(FAULT_POWER, false);
}
END_TEST

START_TEST(test_allocation_fails)
{
    uint64_t n = 1;

    while (try_fault(FAULT_ALLOCATION, n, false)) {
        n += 1 + n / 20;
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_crash");
    TCase *io = tcase_create("crash");

    tcase_set_timeout(io, 250);
    tcase_add_test(io, test_write_fails);
    tcase_add_test(io, test_disk_is_full_once);
    tcase_add_test(io, test_sync_fails);
    tcase_add_test(io, test_power_goes);
    tcase_add_test(io, test_allocation_fails);
    suite_add_tcase(all, io);
    return all;
}

int main(void)
{
    faults_install();
    return run_suite(suite());
}
