/* An alarm when work waits while a slave that runs it has nothing to do. */
#include "master/selfcheck.h"

#include "master/slaves.h"
#include "master/state.h"
#include "master_frames.h"

#define SLAVE  1u
#define SECOND 2u
#define CLIENT 50u

static struct script script;
static struct script *const s = &script;

/* So many checks, at which everybody is known to be alive. */
static void check(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        run_until(s, s->now + MS_SELF_CHECK_PERIOD);
        for (ms_peer peer = SLAVE; peer <= SECOND; peer++) {
            receive(s, peer, &(struct ms_command){.kind = MS_KIND_BEAT});
        }
        receive(s, CLIENT, &(struct ms_command){.kind = MS_KIND_BEAT});
        tick_at(s, s->now);
    }
}

/* The first slave has asked for nothing; the other one runs something else. */
static void begin(void)
{
    setup(s);
    greet(s, SLAVE,
          &(struct ms_hello){.role = MS_ROLE_SLAVE,
                             .version_min = 1,
                             .version_max = 1,
                             .node = uuid_of(SLAVE),
                             .name = "lazy",
                             .slots = 1});
    announce(s, SLAVE, ECHO, "echo");
    greet(s, SECOND,
          &(struct ms_hello){.role = MS_ROLE_SLAVE,
                             .version_min = 1,
                             .version_max = 1,
                             .node = uuid_of(SECOND),
                             .name = "other",
                             .slots = 1});
    announce(s, SECOND, ECHO + 1, "other");
    pull(s, SECOND, 1);
    client(s, CLIENT, 50);
}

static const char *told(void)
{
    static char words[MS_DETAIL_MAX];
    struct ms_text text;

    ms_text_init(&text, words, sizeof words);
    ms_selfcheck_tell(&s->master->selfcheck, &text);
    return words;
}

START_TEST(nothing_waits)
{
    begin();
    check(2 * MS_SELF_CHECKS);
    ck_assert_str_eq(told(), "none");
    teardown(s);
}
END_TEST

START_TEST(a_slave_that_asks_for_nothing_is_told)
{
    begin();
    submit(s, CLIENT, 1, "x");
    check(MS_SELF_CHECKS - 1);
    ck_assert_str_eq(told(), "none");
    check(3);
    ck_assert_ptr_nonnull(strstr(told(), "WORK_WAITS: commands of echo wait, and slave lazy,"));
    pull(s, SLAVE, 1);
    ck_assert_ptr_nonnull(find(s, MS_KIND_COMMAND));
    check(2);
    ck_assert_str_eq(told(), "none");
    teardown(s);
}
END_TEST

START_TEST(one_that_is_busy_or_cordoned_is_not)
{
    uint64_t token;

    begin();
    pull(s, SLAVE, 1);
    submit(s, CLIENT, 1, "x");
    token = token_of(want(s, MS_KIND_COMMAND));
    submit(s, CLIENT, 2, "x");
    check(2 * MS_SELF_CHECKS);
    ck_assert_str_eq(told(), "none");
    result(s, SLAVE, token, MS_STATUS_OK, "done");
    ms_slaves_cordon(s->master, ms_pool_at(&s->master->slaves, 0));
    check(2 * MS_SELF_CHECKS);
    ck_assert_str_eq(told(), "none");
    teardown(s);
}
END_TEST

START_TEST(one_that_gets_something_now_and_then_is_not)
{
    begin();
    submit(s, CLIENT, 1, "x");
    for (uint64_t i = 1; i < 5; i++) {
        submit(s, CLIENT, i + 1, "x");
        check(MS_SELF_CHECKS - 1);
        pull(s, SLAVE, 1);
        result(s, SLAVE, token_of(want(s, MS_KIND_COMMAND)), MS_STATUS_OK, "done");
    }
    ck_assert_str_eq(told(), "none");
    teardown(s);
}
END_TEST

TESTS(nothing_waits, a_slave_that_asks_for_nothing_is_told, one_that_is_busy_or_cordoned_is_not,
      one_that_gets_something_now_and_then_is_not)
