/* Limits of routes: what is in hand, and how fast it gets there, of a type and of groups of slaves. */
#include "master/gates.h"

#include "master/reroute.h"
#include "master/slaves.h"
#include "master/state.h"
#include "master_frames.h"

#define CLIENT 50u

static struct script script;
static struct script *const s = &script;
static uint64_t next_seq;
static struct ms_route_name names[] = {{"a"}, {"b"}};

static void use(const struct ms_route_settings *route)
{
    struct ms_route_settings item = *route;

    ms_text_copy_name(item.pattern, "echo");
    ck_assert(ms_reroute(
        s->master, s->now,
        &(struct ms_routes){.items = &item, .count = 1, .names = names, .names_count = 2}));
    ms_master_check(s->master);
    s->count = 0;
    settle_down(s);
}

static void begin(void)
{
    setup(s);
    next_seq = 1;
    client(s, CLIENT, 50);
}

static void join(ms_peer peer, const char *group, uint64_t credit)
{
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, (uint8_t)peer);

    ms_text_copy_name(hello.group, group);
    greet(s, peer, &hello);
    announce(s, peer, ECHO, "echo");
    if (credit > 0) {
        pull(s, peer, credit);
    }
}

static void submit_many(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        submit(s, CLIENT, next_seq++, "x");
        ms_master_check(s->master);
    }
}

static uint32_t held_by(ms_peer peer)
{
    const struct ms_connection *connection = ms_connections_find(&s->master->connections, peer);

    ck_assert(connection != NULL && connection->session != NULL);
    return connection->session->held;
}

/* The first that the peer has in hand is done. */
static void finish_one(ms_peer peer)
{
    const struct ms_connection *connection = ms_connections_find(&s->master->connections, peer);
    const struct ms_slave *slave = ms_slave_of(connection->session);

    ck_assert(!ms_list_is_empty(&slave->held));
    result(s, peer, ms_work_of(ms_list_first(&slave->held))->token, MS_STATUS_OK, "r");
    settle_down(s);
    ms_master_check(s->master);
}

START_TEST(a_type_has_a_cap)
{
    begin();
    use(&(struct ms_route_settings){.concurrency = {[MS_ROUTE_ALL] = 3}});
    join(1, "", 10);
    join(2, "", 10);
    submit_many(8);
    ck_assert_uint_eq(held_by(1) + held_by(2), 3);
    for (uint32_t done = 1; done <= 5; done++) {
        finish_one(held_by(1) > 0 ? 1 : 2);
        ck_assert_uint_eq(held_by(1) + held_by(2), 3);
    }
    ck_assert_int_gt(ms_engine_deadline(&s->master->engine), s->now); /* nothing spins */
    use(&(struct ms_route_settings){.concurrency = {[MS_ROUTE_ALL] = 1}});
    ck_assert_uint_eq(held_by(1) + held_by(2), 3); /* what is there stays */
    submit_many(5);
    finish_one(held_by(1) > 0 ? 1 : 2);
    finish_one(held_by(1) > 0 ? 1 : 2);
    ck_assert_uint_eq(held_by(1) + held_by(2), 1);
    use(&(struct ms_route_settings){.concurrency = {[MS_ROUTE_ALL] = 4}});
    ck_assert_uint_eq(held_by(1) + held_by(2), 4);
    use(&(struct ms_route_settings){.is_fair = false});
    ck_assert_uint_eq(held_by(1) + held_by(2), 6);
    ck_assert_ptr_null(ms_lanes_find(&s->master->lanes, ECHO)->gates);
    teardown(s);
}
END_TEST

START_TEST(other_types_go_on)
{
    const struct ms_announced both[] = {{.type = ECHO, .name = "echo"},
                                        {.type = OTHER, .name = "other"}};
    const struct ms_announce types = {.count = 2, .types = both};
    struct ms_command command = submission(100, "y");

    begin();
    join(1, "", 0);
    receive(s, 1, &(struct ms_command){.kind = MS_KIND_ANNOUNCE, .body.announce = &types});
    use(&(struct ms_route_settings){.concurrency = {[MS_ROUTE_ALL] = 1}});
    submit_many(3);
    command.type = OTHER;
    receive(s, CLIENT, &command);
    command.id.seq++;
    receive(s, CLIENT, &command);
    pull(s, 1, 10);
    settle_down(s);
    ms_master_check(s->master);
    ck_assert_uint_eq(held_by(1), 3);
    teardown(s);
}
END_TEST

START_TEST(tokens_come_in_time)
{
    struct ms_route_settings route = {.is_fair = false};
    const ms_time period = MS_SEC / 2;
    uint32_t held = 2;

    ck_assert(ms_rate_parse("2/s", &route.rate[MS_ROUTE_ALL], NULL));
    begin();
    use(&route);
    join(1, "", 20);
    submit_many(6);
    ck_assert_uint_eq(held_by(1), 2);
    for (ms_time at = s->now + period; held < 6; at += period) {
        run_until(s, at - 1);
        ck_assert_uint_eq(held_by(1), held);
        ck_assert_int_gt(ms_engine_deadline(&s->master->engine), s->now);
        run_until(s, at);
        ck_assert_uint_eq(held_by(1), ++held);
        ms_master_check(s->master);
    }
    for (uint32_t i = 0; i < 10; i++) {
        receive(s, 1, &(struct ms_command){.kind = MS_KIND_BEAT});
        receive(s, CLIENT, &(struct ms_command){.kind = MS_KIND_BEAT});
        run_until(s, s->now + MS_SEC);
    }
    submit_many(5);
    ck_assert_uint_eq(held_by(1), 8); /* no more than the burst has gathered */
    teardown(s);
}
END_TEST

static void check_groups_are_capped(const struct ms_strategy *strategy)
{
    const struct ms_route_settings route = {.chain = {.count = 1, .strategies = {strategy}},
                                            .concurrency = {[MS_ROUTE_PER_GROUP] = 2}};

    begin();
    use(&route);
    join(1, "a", 10);
    join(2, "a", 10);
    join(3, "b", 10);
    join(4, "", 10);
    submit_many(20);
    ck_assert_uint_eq(held_by(1) + held_by(2), 2);
    ck_assert_uint_eq(held_by(3), 2);
    ck_assert_uint_eq(held_by(4), 2); /* those of no group are one, too */
    finish_one(3);
    ck_assert_uint_eq(held_by(3), 2);
    finish_one(held_by(1) > 0 ? 1 : 2);
    ck_assert_uint_eq(held_by(1) + held_by(2), 2);
    join(5, "b", 10);
    ck_assert_uint_eq(held_by(5), 0);
    finish_one(3);
    ck_assert_uint_eq(held_by(3) + held_by(5), 2);
    close_peer(s, 4); /* what it has counts as long as it may be there */
    join(6, "", 10);
    ck_assert_uint_eq(held_by(6), 0);
    use(&(struct ms_route_settings){.concurrency = {[MS_ROUTE_PER_GROUP] = 3}});
    ck_assert_uint_eq(held_by(6), 1);
    ck_assert_uint_eq(held_by(1) + held_by(2), 3);
    teardown(s);
}

START_TEST(groups_of_slaves_have_caps)
{
    static const struct ms_strategy *const strategies[] = {
        &ms_strategy_any, &ms_strategy_round_robin, &ms_strategy_least, &ms_strategy_random,
        &ms_strategy_weighted};

    for (size_t i = 0; i < sizeof strategies / sizeof strategies[0]; i++) {
        check_groups_are_capped(strategies[i]);
    }
}
END_TEST

START_TEST(groups_have_rates_and_are_forgotten)
{
    struct ms_route_settings route = {.is_fair = false};
    const struct ms_lane *lane;

    ck_assert(ms_rate_parse("1/s:2", &route.rate[MS_ROUTE_PER_GROUP], NULL));
    begin();
    use(&route);
    join(1, "a", 10);
    join(2, "b", 1);
    submit_many(6);
    ck_assert_uint_eq(held_by(1), 2);
    ck_assert_uint_eq(held_by(2), 1);
    run_until(s, s->now + MS_SEC);
    ck_assert_uint_eq(held_by(1), 3);
    lane = ms_lanes_find(&s->master->lanes, ECHO);
    ck_assert_uint_eq(ms_map_count(&lane->gates->by_group), 2);
    finish_one(2);
    finish_one(1);
    finish_one(1);
    finish_one(1);
    receive(s, 1, &(struct ms_command){.kind = MS_KIND_GOAWAY});
    receive(s, 2, &(struct ms_command){.kind = MS_KIND_GOAWAY});
    close_peer(s, 1);
    close_peer(s, 2);
    run_until(s, s->now + 600 * MS_SEC);
    ck_assert_uint_eq(ms_map_count(&lane->gates->by_group), 0);
    teardown(s);
}
END_TEST

/* Keys of one group that is not there go to the next, and come home with new commands. */
START_TEST(the_next_group_takes_what_nobody_is_there_for)
{
    const struct ms_terms terms = {.key = {(const uint8_t *)"k", 1}};
    const uint32_t home = ms_strategy_jump.place(terms.key.data, 1, 2);
    const struct ms_route_settings route = {
        .chain = {.count = 1, .strategies = {&ms_strategy_jump}},
        .groups = names,
        .groups_count = 2,
        .on_absent = MS_ROUTE_ABSENT_NEXT};
    struct ms_command command = submission(1, "x");

    begin();
    use(&route);
    join(1, "", 10); /* of neither */
    command.terms = &terms;
    receive(s, CLIENT, &command);
    settle_down(s);
    ck_assert_uint_eq(held_by(1), 0);
    join(2, names[1 - home].text, 10);
    settle_down(s);
    ck_assert_uint_eq(held_by(2), 1);
    join(3, names[home].text, 10);
    command.id.seq++;
    receive(s, CLIENT, &command);
    settle_down(s);
    ck_assert_uint_eq(held_by(2), 1);
    ck_assert_uint_eq(held_by(3), 1);
    ms_master_check(s->master);
    teardown(s);
}
END_TEST

START_TEST(a_route_has_a_priority_for_those_without)
{
    const struct ms_terms low = {.priority = -2};
    struct ms_command command = submission(2, "x");

    begin();
    join(1, "", 0);
    use(&(struct ms_route_settings){.priority = 3});
    command.terms = &low;
    receive(s, CLIENT, &command);
    submit(s, CLIENT, 3, "x");
    pull(s, 1, 2);
    ck_assert_uint_eq(find_nth(s, MS_KIND_COMMAND, 0)->effect.command.id.seq, 3);
    ck_assert_uint_eq(find_nth(s, MS_KIND_COMMAND, 1)->effect.command.id.seq, 2);
    teardown(s);
}
END_TEST

TESTS(a_type_has_a_cap, other_types_go_on, tokens_come_in_time, groups_of_slaves_have_caps,
      groups_have_rates_and_are_forgotten, the_next_group_takes_what_nobody_is_there_for,
      a_route_has_a_priority_for_those_without)
