/* A disk that does not answer: whoever closes the store is not kept for ever, is told, and what had been answered
 * before is there for the next one. */
#include <sys/wait.h>

#include "faults.h"
#include "tests/unit/io_store_entries.h"
#include "tests/support/suite.h"

#define CLOSE_TIMEOUT (200 * MS_MSEC)
#define WRITES        20u

static struct place place;
static ms_seq persisted;

static void on_event(void *context, const struct ms_event *event)
{
    (void)context;
    if (event->type == MS_EVENT_PERSISTED) {
        persisted = event->error == MS_E_OK ? event->seq : persisted;
    }
}

static struct ms_store *open_store(struct ev_loop *loop)
{
    const struct ms_store_options options = {.size = sizeof options,
                                             .loop = loop,
                                             .directory = place.data,
                                             .bytes_max = 8u << 20,
                                             .close_timeout = CLOSE_TIMEOUT,
                                             .event = on_event};
    struct ms_complaint complaint;
    enum ms_error error;
    struct ms_store *store = ms_store_open(&options, &error, &complaint);

    ck_assert_msg(store != NULL, "%s", complaint.text);
    return store;
}

/* A life that ends with a store that could not be closed. The thread keeps the directory as long as there is the
 * process, so it is one of its own. */
_Noreturn static void live(void)
{
    struct ms_store *store = open_store(EV_DEFAULT);
    struct entries entries = {0};
    bool is_closed;

    for (ms_seq seq = 1; seq <= WRITES; seq++) {
        if (seq == WRITES) {
            faults_arm(FAULT_HANG, 1, 0);
        }
        entries_put(&entries, seq);
        ms_store_write(store, seq, entries_take(&entries));
        while (seq < WRITES && persisted < seq) {
            ev_run(EV_DEFAULT, EVRUN_ONCE);
        }
    }
    ev_run(EV_DEFAULT, EVRUN_NOWAIT); /* hands it over */
    is_closed = ms_store_close(store);
    _exit(is_closed || persisted != WRITES - 1 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* All is committed, and the disk is gone before the log is moved into the database. */
_Noreturn static void live_until_the_checkpoint(void)
{
    struct ms_store *store = open_store(EV_DEFAULT);
    struct entries entries = {0};

    for (ms_seq seq = 1; seq <= WRITES; seq++) {
        entries_put(&entries, seq);
        ms_store_write(store, seq, entries_take(&entries));
        while (persisted < seq) {
            ev_run(EV_DEFAULT, EVRUN_ONCE);
        }
    }
    faults_arm(FAULT_HANG, 1, 0);
    _exit(ms_store_close(store) ? EXIT_SUCCESS : EXIT_FAILURE);
}

static bool count_one(void *context, ms_seq seq, struct ms_bytes entry)
{
    (void)entry;
    ++*(uint64_t *)context;
    ck_assert_uint_le(seq, WRITES);
    return true;
}

/* A process that lives so ends well; how many records are there then. */
static uint64_t records_after(void (*life)(void))
{
    struct ms_complaint complaint;
    struct ms_store *store;
    uint64_t count = 0;
    int status;
    pid_t child;

    place_make(&place);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        life();
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS, "it ended with %x",
                  (unsigned)status);
    store = open_store(NULL);
    ck_assert_int_eq(ms_store_replay(store, count_one, &count, &complaint), MS_E_OK);
    ck_assert(ms_store_close(store));
    place_remove(&place);
    return count;
}

START_TEST(test_closing_ends_although_the_disk_does_not_answer)
{
    ck_assert_uint_ge(records_after(live), WRITES - 1);
}
END_TEST

START_TEST(test_closing_ends_although_the_last_checkpoint_does_not)
{
    ck_assert_uint_eq(records_after(live_until_the_checkpoint), WRITES);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_stuck");
    TCase *io = tcase_create("stuck");

    tcase_set_timeout(io, 30);
    tcase_add_test(io, test_closing_ends_although_the_disk_does_not_answer);
    tcase_add_test(io, test_closing_ends_although_the_last_checkpoint_does_not);
    suite_add_tcase(all, io);
    return all;
}

int main(void)
{
    faults_install();
    return run_suite(suite());
}
