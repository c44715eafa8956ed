#include "core/io/thread_start.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "tests/support/suite.h"

static void *look(void *argument)
{
    sigset_t *mask = argument;

    pthread_sigmask(SIG_SETMASK, NULL, mask);
    return NULL;
}

START_TEST(test_signals_are_the_loops)
{
    sigset_t before, there, after;
    pthread_t thread;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ck_assert(ms_thread_start(&thread, look, &there));
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    ck_assert_int_eq(sigismember(&there, SIGTERM), 1);
    ck_assert_int_eq(sigismember(&there, SIGHUP), 1);
    ck_assert_int_eq(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}
END_TEST

/* By the wall clock that moment would be long ago. */
START_TEST(test_conditions_are_monotonic)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct timespec now, until;
    pthread_cond_t condition;

    ms_thread_init_condition(&condition);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    until.tv_nsec = 0;
    pthread_mutex_lock(&lock);
    ck_assert_int_eq(pthread_cond_timedwait(&condition, &lock, &until), ETIMEDOUT);
    pthread_mutex_unlock(&lock);
    clock_gettime(CLOCK_MONOTONIC, &now);
    ck_assert_int_ge(now.tv_sec, until.tv_sec);
    pthread_cond_destroy(&condition);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("thread_start");
    TCase *tcase = tcase_create("all");

    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, test_signals_are_the_loops);
    tcase_add_test(tcase, test_conditions_are_monotonic);
    suite_add_tcase(all, tcase);
    return all;
}

int main(void)
{
    return run_suite(suite());
}
