/* A process that writes is killed, at a moment that nobody chose, again and again: what it was told to be
 * durable is there. The same directory is used from life to life. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "history.h"

#define LIVES           60u
#define DESCRIPTORS_MAX 64 /* that a test has open */

/* Seen by both: what the child was told before it died. */
struct shared {
    struct history history;
    size_t answered;
};

static struct shared *shared;
static struct place place;
static int news; /* the child's end: one byte for each answer */

static void on_event(void *context, const struct ms_event *event)
{
    (void)context;
    if (event->type == MS_EVENT_PERSISTED) {
        if (event->error != MS_E_OK) {
            _exit(3);
        }
        shared->answered = shared->history.windows;
        if (write(news, "", 1) != 1) {
            _exit(4);
        }
    }
}

static struct ms_store *open_store(struct ev_loop *loop)
{
    struct ms_store_options options = {.size = sizeof options,
                                       .loop = loop,
                                       .directory = place.data,
                                       .bytes_max = 8u << 20,
                                       .event = on_event};
    struct ms_complaint complaint;
    enum ms_error error;
    struct ms_store *store = ms_store_open(&options, &error, &complaint);

    ck_assert_msg(store != NULL, "%s", complaint.text);
    return store;
}

/* Each assertion tells check where it is, in a file that parent and child share; of a child that is killed in the midst of
 * that, half a word would stay. */
static void leave_check(void)
{
    const int nowhere = open("/dev/null", O_WRONLY);

    for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS_MAX; fd++) {
        if (fd != news && fd != nowhere && fcntl(fd, F_GETFD) >= 0) {
            dup2(nowhere, fd);
        }
    }
}

/* Writes window after window until it is killed, or has written all that a history holds. */
_Noreturn static void live(void)
{
    struct ms_store *store = open_store(EV_DEFAULT);
    struct entries entries = {0};

    while (shared->history.windows < HISTORY_WINDOWS - 1 &&
           shared->history.seq < HISTORY_RECORDS - 8) {
        const size_t window = shared->history.windows + 1;

        history_write(&shared->history, &entries);
        ms_store_write(store, shared->history.seq, entries_take(&entries));
        while (shared->answered < window) {
            ev_run(EV_DEFAULT, EVRUN_ONCE);
        }
    }
    _exit(0);
}

/* Returns whether the child was killed in the midst of its work. */
static bool live_and_die(unsigned life)
{
    int ends[2], status;
    unsigned answers = life * 37 % 40;
    uint8_t byte;
    pid_t child;

    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(ends[0]);
        news = ends[1];
        leave_check();
        live();
    }
    close(ends[1]);
    for (unsigned i = 0; i <= answers && read(ends[0], &byte, 1) == 1; i++) {
    }
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    close(ends[0]);
    ck_assert_msg(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "the child ended with %d",
                  status);
    return WIFSIGNALED(status);
}

START_TEST(test_killed_again_and_again)
{
    unsigned killed = 0;

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    place_make(&place);
    for (unsigned life = 0; life < LIVES; life++) {
        struct ms_store *store;
        size_t window;

        killed += live_and_die(life);
        store = open_store(NULL);
        window = history_judge(&shared->history, store, shared->answered);
        ck_assert(ms_store_close(store));
        if (window > HISTORY_WINDOWS - 10 || shared->history.seq > HISTORY_RECORDS - 100) {
            const uint32_t random = shared->history.random;

            place_empty(place.data);
            memset(shared, 0, sizeof *shared);
            shared->history.random = random;
        } else {
            history_resume(&shared->history, window);
            shared->answered = window;
        }
    }
    ck_assert_uint_gt(killed, LIVES / 2);
    place_remove(&place);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_kill");
    TCase *io = tcase_create("kill");

    tcase_set_timeout(io, 250);
    tcase_add_test(io, test_killed_again_and_again);
    suite_add_tcase(all, io);
    return all;
}

ENTRIES_MAIN(suite)
