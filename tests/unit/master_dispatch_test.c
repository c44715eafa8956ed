/* Who gets what: never a type that was not announced, evenly, and nobody is woken for nothing. */
#include "master_crowd.h"

static void joins(struct script *s, ms_peer peer, bool runs_other)
{
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, (uint8_t)peer);
    struct ms_announced types[] = {{ECHO, "echo"}, {OTHER, "other"}};
    struct ms_announce body = {runs_other ? 2 : 1, types};

    greet(s, peer, &hello);
    receive(s, peer, &(struct ms_command){.kind = MS_KIND_ANNOUNCE, .body.announce = &body});
}

START_TEST(work_is_spread_evenly)
{
    struct script s;
    uint32_t counts[8] = {0};

    setup(&s);
    for (ms_peer peer = 1; peer <= 7; peer++) {
        joins(&s, peer, peer > 5);
        pull(&s, peer, 100);
    }
    client(&s, 20, 20);
    for (uint64_t seq = 1; seq <= 70; seq++) {
        submit(&s, 20, seq, "x");
        ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 1);
        counts[want(&s, MS_KIND_COMMAND)->effect.peer]++;
    }
    for (ms_peer peer = 1; peer <= 7; peer++) {
        ck_assert_uint_ge(counts[peer], 9);
        ck_assert_uint_le(counts[peer], 11);
    }
    teardown(&s);
}
END_TEST

START_TEST(only_those_who_announced_it)
{
    struct script s;
    struct ms_command command = submission(1, "x");

    setup(&s);
    joins(&s, 1, false);
    joins(&s, 2, true);
    client(&s, 20, 20);
    pull(&s, 1, 10);
    command.type = OTHER;
    receive(&s, 20, &command);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    pull(&s, 2, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.peer, 2);
    teardown(&s);
}
END_TEST

START_TEST(types_take_turns_for_credit)
{
    struct script s;

    setup(&s);
    joins(&s, 1, true);
    client(&s, 20, 20);
    for (uint64_t seq = 1; seq <= 8; seq++) {
        struct ms_command command = submission(seq, "x");

        command.type = seq <= 4 ? ECHO : OTHER;
        receive(&s, 20, &command);
    }
    uint32_t others = 0;
    for (int i = 0; i < 4; i++) {
        pull(&s, 1, 1);
        others += want(&s, MS_KIND_COMMAND)->effect.command.type == OTHER;
    }
    ck_assert_uint_eq(others, 2);
    teardown(&s);
}
END_TEST

START_TEST(idle_slaves_are_left_alone)
{
    enum { COUNT = 1000 };
    struct script s;

    setup(&s);
    for (ms_peer peer = 1; peer <= COUNT; peer++) {
        greet_quietly(&s, peer);
    }
    for (ms_peer peer = 1; peer <= COUNT; peer += 100) {
        announce(&s, peer, ECHO, "echo");
        pull(&s, peer, 1);
    }
    client(&s, 2000, 200);
    submit(&s, 2000, 1, "x");
    ck_assert_uint_eq(s.count, 2);
    ck_assert_uint_eq(stats_of(&s).profiles_count, 1);
    teardown(&s);
}
END_TEST

TESTS(work_is_spread_evenly, only_those_who_announced_it, types_take_turns_for_credit,
      idle_slaves_are_left_alone)
