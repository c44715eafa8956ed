/* Which alarms a half of a pair tells, and in which order. */
#include "master/pair_alarms.h"

#include <stdio.h>

#include "master/state.h"
#include "tests/support/suite.h"
#include "tests/unit/master_halves.h"
#include "tests/unit/master_routes.h"

#define TYPE 5000

static const struct ms_uuid witness_id = {{0xbb}};
static const struct ms_uuid cluster = {{1, 2, 3}};

/* Both are members since epoch 1; witness: one is enrolled. */
static void begin_pair(bool has_witness, enum ms_failover failover)
{
    struct ms_decision decision = {.epoch = 1, .kind = MS_DECISION_JOIN};

    begin_world();
    failover_of_all = failover;
    for (int i = 0; i < 2; i++) {
        decision.set[i] = first_record(i).incarnation;
    }
    for (int i = 0; i < 2; i++) {
        struct ms_council_record record = first_record(i);

        record.voter = (struct ms_voter){cluster, 1, decision};
        record.lead = 0;
        record.is_fresh = false;
        record.is_complete = true;
        record.served = i == 0 ? 1 : 0;
        record.witnesses.count = has_witness ? 1 : 0;
        record.witnesses.ids[0] = has_witness ? witness_id : (struct ms_uuid){{0}};
        start_with(i, &record, false);
    }
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_SYNC);
}

static struct ms_pair_frame hello_of(enum ms_role role)
{
    return (struct ms_pair_frame){.role = role,
                                  .version_min = MS_PROTOCOL_MIN,
                                  .version_max = MS_PROTOCOL_MAX,
                                  .cluster = cluster,
                                  .id = witness_id};
}

static uint32_t greet(int place, const struct ms_pair_frame *hello)
{
    const uint32_t slot = connect_to(GUEST, place, 0);

    pass(2 * LATENCY);
    send_on(slot, GUEST, 0, &(struct ms_command){.kind = MS_KIND_PEER_HELLO, .body.pair = hello});
    pass(4 * LATENCY);
    return slot;
}

static void order(int place, enum ms_order what)
{
    const struct ms_pair_frame hello = hello_of(MS_ROLE_OPERATOR);
    const uint32_t slot = greet(place, &hello);

    send_on(slot, GUEST, 0, &(struct ms_command){.kind = MS_KIND_ORDER, .count = what});
    pass(10 * LATENCY);
}

/* Exactly these names, in that order. */
static void want(int place, const char *names)
{
    struct ms_pair_alarms alarms;
    char told[512];
    struct ms_text text;

    ms_pair_alarms(halves[place].pair, now, &alarms);
    ms_text_init(&text, told, sizeof told);
    for (uint32_t i = 0; i < alarms.count; i++) {
        const char *colon = strchr(alarms.texts[i], ':');

        ck_assert_ptr_nonnull(colon);
        ck_assert_uint_le(strlen(alarms.texts[i]), MS_DETAIL_MAX);
        ms_text_add(&text, "%s%.*s", i > 0 ? " " : "", (int)(colon - alarms.texts[i]),
                    alarms.texts[i]);
    }
    ck_assert_str_eq(told, names);
}

START_TEST(test_a_bootstrap_that_waits_says_for_what)
{
    struct ms_council_record record = first_record(0);
    struct ms_pair_alarms alarms;

    begin_world();
    start_with(0, &record, true); /* the other half is not there */
    pass(20 * MS_SEC);
    ms_pair_alarms(halves[0].pair, now, &alarms);
    ck_assert_uint_gt(alarms.count, 0);
    ck_assert_ptr_nonnull(strstr(alarms.texts[0], "--bootstrap waits until the other half"));
}
END_TEST

START_TEST(test_a_pair_with_its_witness_has_none)
{
    const struct ms_pair_frame hello = hello_of(MS_ROLE_WITNESS);

    begin_pair(true, MS_FAILOVER_QUORUM);
    want(0, "WITNESSES_LOST");
    greet(0, &hello);
    greet(1, &hello);
    want(0, "");
    want(1, "");
}
END_TEST

START_TEST(test_all_that_is_true_is_told)
{
    begin_pair(false, MS_FAILOVER_QUORUM);
    want(0, "AUTO_FAILOVER_DISARMED");
    order(0, MS_ORDER_HOLD);
    want(0, "HELD AUTO_FAILOVER_DISARMED");
    kill_half(1);
    pass(2 * MS_SEC);
    want(0, "DEGRADED HELD AUTO_FAILOVER_DISARMED");
}
END_TEST

/* Where witnesses are there, force would be wrong advice. */
START_TEST(test_a_takeover_that_is_left_to_an_operator_needs_no_force)
{
    const struct ms_pair_frame hello = hello_of(MS_ROLE_WITNESS);

    begin_pair(true, MS_FAILOVER_MANUAL);
    kill_half(0);
    pass(2 * MS_SEC);
    want(1, "PEER_LOST_NO_QUORUM WITNESSES_LOST");
    greet(1, &hello);
    want(1, "PEER_LOST_MANUAL");
}
END_TEST

START_TEST(test_witnesses_that_do_not_vote_are_no_reason_to_force)
{
    const struct ms_pair_frame hello = hello_of(MS_ROLE_WITNESS);

    begin_pair(true, MS_FAILOVER_QUORUM);
    kill_half(0);
    pass(2 * MS_SEC);
    want(1, "PEER_LOST_NO_QUORUM WITNESSES_LOST");
    greet(1, &hello);
    want(1, "PEER_LOST");
}
END_TEST

START_TEST(test_a_held_half_says_so_once)
{
    begin_pair(false, MS_FAILOVER_QUORUM);
    order(1, MS_ORDER_HOLD);
    want(1, "HELD AUTO_FAILOVER_DISARMED");
    kill_half(0);
    pass(2 * MS_SEC);
    want(1, "PEER_LOST_HELD AUTO_FAILOVER_DISARMED");
}
END_TEST

/* Started while the other half is away, with --failover evidence. */
static const char *text_alone(const struct ms_council_record *record, uint32_t place)
{
    static struct ms_pair_alarms alarms;
    struct ms_council_record again = *record;

    start_with(1, &again, false);
    pass(2 * MS_SEC);
    ms_pair_alarms(halves[1].pair, now, &alarms);
    ck_assert_uint_gt(alarms.count, place);
    return alarms.texts[place];
}

START_TEST(test_what_the_other_half_had_is_told_after_a_start)
{
    struct ms_council_record record;

    begin_pair(false, MS_FAILOVER_QUORUM);
    record = *ms_council_record(ms_pair_council(halves[1].pair));
    kill_half(0);
    kill_half(1);
    failover_of_all = MS_FAILOVER_EVIDENCE;
    ck_assert_ptr_nonnull(strstr(text_alone(&record, 0), "another --failover than this one when"));
    want(1, "CONFIG_MISMATCH PEER_LOST");
    kill_half(1);
    record.theirs = (struct ms_pair_settings){.failover = 0};
    ck_assert_ptr_nonnull(strstr(text_alone(&record, 0), "has not told yet how it is configured"));
    want(1, "PEER_LOST");
}
END_TEST

static void set_group(int place, const char *group)
{
    char line[64];
    struct ms_routes routes;

    snprintf(line, sizeof line, "group %s", group);
    routes = ROUTES("route echo", line);
    ck_assert(ms_pair_set_routes(halves[place].pair, now, &routes));
    ms_routes_finish(&routes);
    pass(1 * MS_SEC);
}

/* Each reign has the routes that its half was given last. */
START_TEST(test_routes_that_differ_are_told_of)
{
    begin_pair(false, MS_FAILOVER_EVIDENCE);
    set_group(0, "a");
    want(0, "");
    set_group(1, "b");
    want(0, "ROUTES_MISMATCH");
    want(1, "ROUTES_MISMATCH");
    set_group(1, "a");
    want(0, "");
    want(1, "");
    ck_assert_str_eq(ms_routes_find(&ms_pair_master(halves[0].pair)->routes, "echo")->group, "a");
    order(0, MS_ORDER_SWITCHOVER);
    pass(2 * MS_SEC);
    ck_assert_ptr_null(ms_pair_master(halves[0].pair));
    ck_assert_ptr_nonnull(ms_pair_master(halves[1].pair));
    ck_assert_str_eq(ms_routes_find(&ms_pair_master(halves[1].pair)->routes, "echo")->group, "a");
}
END_TEST

START_TEST(test_a_silent_active_is_told_of)
{
    begin_pair(false, MS_FAILOVER_EVIDENCE);
    want(1, "");
    is_cut = true;
    pass(2 * MS_SEC);
    want(1, "PEER_LOST PEER_SILENT");
}
END_TEST

/* One start of the standby, from that record. */
static void start_counted(struct ms_council_record record, uint64_t life)
{
    ms_council_record_start(&record, life);
    start_with(1, &record, false);
    pass(20 * MS_SEC);
}

/* Set back to before its last start, it begins anew by itself; that it did is told until it is started again. */
START_TEST(test_an_old_copy_is_told_of)
{
    struct ms_council_record copy;

    begin_pair(false, MS_FAILOVER_EVIDENCE);
    copy = *ms_council_record(ms_pair_council(halves[1].pair));
    kill_half(1);
    pass(2 * MS_SEC);
    start_counted(copy, 1);
    want(1, "");
    copy = *ms_council_record(ms_pair_council(halves[1].pair));
    kill_half(1);
    start_counted(copy, 2);
    want(1, "");
    kill_half(1);
    pass(2 * MS_SEC);
    is_cut = true;
    start_counted(copy, 3); /* nobody has told it */
    want(1, "PEER_LOST");
    is_cut = false;
    pass(20 * MS_SEC);
    want(1, "OLD_COPY");
    want(0, "");
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_SYNC);
    copy = *ms_council_record(ms_pair_council(halves[1].pair));
    kill_half(1);
    pass(2 * MS_SEC);
    start_counted(copy, 4);
    want(1, "");
}
END_TEST

START_TEST(test_an_old_copy_waits_for_the_active_half)
{
    struct ms_council_record copy;

    begin_pair(false, MS_FAILOVER_EVIDENCE);
    copy = *ms_council_record(ms_pair_council(halves[1].pair));
    copy.is_fresh = copy.is_outlived = true;
    kill_half(1);
    kill_half(0);
    start_counted(copy, 1);
    want(1, "OLD_COPY");
}
END_TEST

START_TEST(test_force_is_remembered_until_both_are_in_sync)
{
    struct ms_council_record record;

    begin_pair(false, MS_FAILOVER_QUORUM);
    kill_half(0);
    pass(2 * MS_SEC);
    order(1, MS_ORDER_FORCE);
    pass(1 * MS_SEC);
    want(1, "DEGRADED FORCED AUTO_FAILOVER_DISARMED");
    for (int i = 0; i < 2; i++) { /* another epoch, and another life, make no difference */
        record = *ms_council_record(ms_pair_council(halves[1].pair));
        kill_half(1);
        start_with(1, &record, false);
        pass(20 * MS_SEC);
        ck_assert_int_eq(ms_council_record(ms_pair_council(halves[1].pair))->voter.accepted.kind,
                         MS_DECISION_INCUMBENT);
        want(1, "DEGRADED FORCED AUTO_FAILOVER_DISARMED");
    }
    record = first_record(0);
    record.incarnation.bytes[1] = 2;
    clear(&halves[0]);
    start_with(0, &record, false);
    pass(5 * MS_SEC);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_PAIR);
    want(1, "AUTO_FAILOVER_DISARMED");
}
END_TEST

START_TEST(test_others_that_are_refused_are_told_of_for_a_while)
{
    struct ms_pair_frame hello = hello_of(MS_ROLE_WITNESS);

    begin_pair(false, MS_FAILOVER_EVIDENCE);
    hello.cluster.bytes[0] = 9;
    greet(0, &hello);
    want(0, "WITNESS_FOREIGN");
    hello = hello_of(MS_ROLE_WITNESS);
    hello.version_min = hello.version_max = MS_PROTOCOL_MAX + 1;
    greet(0, &hello);
    want(0, "WITNESS_FOREIGN WITNESS_VERSION");
    pass(MS_NOTICE_KEEP);
    want(0, "");
}
END_TEST

START_TEST(test_a_peer_that_is_none_is_told_of)
{
    struct ms_pair_frame hello = hello_of(MS_ROLE_MASTER);

    begin_pair(false, MS_FAILOVER_EVIDENCE);
    kill_half(1);
    pass(2 * MS_SEC);
    hello.version_min = hello.version_max = MS_PROTOCOL_MAX + 1;
    greet(0, &hello);
    hello = hello_of(MS_ROLE_MASTER); /* node 0: our own place */
    greet(0, &hello);
    hello.node = 1;
    hello.cluster.bytes[0] = 9;
    greet(0, &hello);
    want(0, "DEGRADED PEER_ROLE PEER_FOREIGN PEER_VERSION");
}
END_TEST

START_TEST(test_a_second_one_in_the_place_of_the_peer_is_refused)
{
    struct ms_pair_frame hello = hello_of(MS_ROLE_MASTER);
    ms_epoch epoch;

    begin_pair(true, MS_FAILOVER_QUORUM);
    epoch = stats_of(0).epoch;
    hello.node = 1;
    hello.id.bytes[0] = 77;
    greet(0, &hello);
    want(0, "PEER_TWICE WITNESSES_LOST");
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert_uint_eq(stats_of(0).epoch, epoch);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_SYNC);
    pass(MS_NOTICE_KEEP);
    want(0, "WITNESSES_LOST");
}
END_TEST

/* The client has heard of it elsewhere. The pair goes on. */
START_TEST(test_an_epoch_that_nobody_knows_of_is_told_of)
{
    const uint8_t place = (uint8_t)_i;
    struct ms_hello hello = {
        .role = MS_ROLE_CLIENT, .version_min = 1, .version_max = 1, .node = {{3}}};
    ms_epoch epoch;
    uint32_t slot;

    begin_pair(true, MS_FAILOVER_QUORUM);
    epoch = stats_of(0).epoch;
    hello.epoch = epoch + 2 * MS_EPOCH_FORCED_STEP;
    slot = connect_to(GUEST, place, 0);
    pass(2 * LATENCY);
    send_on(slot, GUEST, 0, &(struct ms_command){.kind = MS_KIND_HELLO, .body.hello = &hello});
    pass(MS_NOTICE_SHOWN_WAIT + 20 * LATENCY);
    want(place, "EPOCH_SHOWN WITNESSES_LOST");
    want(1 - place, "WITNESSES_LOST");
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert_uint_eq(stats_of(0).epoch, epoch);
    pass(MS_NOTICE_SHOWN_KEEP);
    want(place, "WITNESSES_LOST");
}
END_TEST

static uint32_t join_in(enum ms_role role, uint8_t name)
{
    const struct ms_hello hello = {.role = role,
                                   .version_min = 1,
                                   .version_max = 1,
                                   .features = MS_FEATURES_ALL,
                                   .slots = role == MS_ROLE_SLAVE ? 1 : 0,
                                   .node = {{name}}};
    const uint32_t slot = connect_to(GUEST, 0, 0);

    pass(2 * LATENCY);
    send_on(slot, GUEST, 0, &(struct ms_command){.kind = MS_KIND_HELLO, .body.hello = &hello});
    pass(20 * LATENCY);
    return slot;
}

/* A client, and a slave that knows what it wants. */
static uint32_t bring_client(void)
{
    static const struct ms_announced types[] = {{TYPE, "work"}};
    static const struct ms_announce announce = {1, types};
    const uint32_t slave = join_in(MS_ROLE_SLAVE, 1);

    send_on(slave, GUEST, 0,
            &(struct ms_command){.kind = MS_KIND_ANNOUNCE, .body.announce = &announce});
    pass(10 * LATENCY);
    return join_in(MS_ROLE_CLIENT, 2);
}

static void submit(uint32_t slot, uint64_t seq)
{
    send_on(slot, GUEST, 0,
            &(struct ms_command){.kind = MS_KIND_SUBMIT,
                                 .id = {.seq = seq},
                                 .type = TYPE,
                                 .attempts_max = 1,
                                 .payload = ms_bytes_of("x")});
    pass(30 * LATENCY);
}

static const struct ms_command *last_ack(void)
{
    for (size_t i = heard_count; i > 0; i--) {
        if (heard[i - 1]->event.type == MS_EVENT_RECEIVED &&
            heard[i - 1]->command.kind == MS_KIND_SUBMIT_ACK) {
            return &heard[i - 1]->command;
        }
    }
    return NULL;
}

/* A standby whose disk is stuck is there, and answers everything but what waits for it. */
START_TEST(test_a_stuck_standby_holds_nothing_back)
{
    begin_pair(false, MS_FAILOVER_EVIDENCE);
    stuck_until[1] = now + 60 * MS_SEC;
    submit(bring_client(), 1);
    pass(MS_STANDBY_SLOW);
    ck_assert_uint_lt(stats_of(0).covered, stats_of(0).durable);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    pass(1 * MS_SEC);
    ck_assert_uint_eq(stats_of(0).covered, stats_of(0).durable);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_CATCHUP);
    want(0, "STANDBY_SLOW");
    pass(52 * MS_SEC);
    submit(bring_client(), 2);
    ck_assert_uint_eq(last_ack()->id.seq, 2);
    ck_assert_uint_eq(last_ack()->copies, 1);
    pass(3 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_SOLO); /* it writes again, for how long? */
    want(0, "STANDBY_SLOW");
    pass(MS_STANDBY_WELL);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    submit(bring_client(), 3);
    ck_assert_uint_eq(last_ack()->id.seq, 3);
    ck_assert_uint_eq(last_ack()->copies, 2);
    ck_assert_uint_eq(stats_of(0).slow_total, 1);
    ck_assert(stores_are_equal());
    want(0, "");
}
END_TEST

/* As long as nobody votes, it has to be waited for. */
START_TEST(test_a_stuck_standby_that_is_waited_for_is_told_of)
{
    struct ms_pair_alarms alarms;

    begin_pair(true, MS_FAILOVER_QUORUM);
    stuck_until[1] = now + 60 * MS_SEC;
    submit(bring_client(), 1);
    pass(MS_STANDBY_SLOW + 2 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    want(0, "STANDBY_SLOW WITNESSES_LOST");
    ms_pair_alarms(halves[0].pair, now, &alarms);
    ck_assert_ptr_nonnull(strstr(alarms.texts[0], "work waits"));
}
END_TEST

/* An acknowledgement on its way to the active tells of another log. */
static bool spoil_an_ack(void)
{
    for (size_t i = 0; i < things_count; i++) {
        struct thing *thing = things[i];

        if (thing->place == 0 && thing->event.type == MS_EVENT_RECEIVED &&
            thing->command.kind == MS_KIND_LOG_ACK && thing->command.count != 0) {
            thing->command.count ^= 1;
            return true;
        }
    }
    return false;
}

START_TEST(test_logs_that_differ_are_told_of)
{
    uint32_t client;

    begin_pair(false, MS_FAILOVER_EVIDENCE);
    client = bring_client();
    send_on(client, GUEST, 0,
            &(struct ms_command){.kind = MS_KIND_SUBMIT,
                                 .id = {.seq = 1},
                                 .type = TYPE,
                                 .attempts_max = 1,
                                 .payload = ms_bytes_of("x")});
    for (int i = 0; !spoil_an_ack(); i++) {
        ck_assert_int_lt(i, 1000);
        pass(LATENCY / 4);
    }
    pass(5 * MS_SEC);
    ck_assert_uint_eq(stats_of(0).differences_total, 1);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    want(0, "LOGS_DIFFERED");
    ck_assert(stores_are_equal());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pair_alarms");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, begin_world, end_world);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, test_a_bootstrap_that_waits_says_for_what);
    tcase_add_test(all, test_a_pair_with_its_witness_has_none);
    tcase_add_test(all, test_all_that_is_true_is_told);
    tcase_add_test(all, test_a_takeover_that_is_left_to_an_operator_needs_no_force);
    tcase_add_test(all, test_witnesses_that_do_not_vote_are_no_reason_to_force);
    tcase_add_test(all, test_a_held_half_says_so_once);
    tcase_add_test(all, test_what_the_other_half_had_is_told_after_a_start);
    tcase_add_test(all, test_routes_that_differ_are_told_of);
    tcase_add_test(all, test_a_silent_active_is_told_of);
    tcase_add_test(all, test_an_old_copy_is_told_of);
    tcase_add_test(all, test_an_old_copy_waits_for_the_active_half);
    tcase_add_test(all, test_force_is_remembered_until_both_are_in_sync);
    tcase_add_test(all, test_others_that_are_refused_are_told_of_for_a_while);
    tcase_add_test(all, test_a_peer_that_is_none_is_told_of);
    tcase_add_test(all, test_a_second_one_in_the_place_of_the_peer_is_refused);
    tcase_add_loop_test(all, test_an_epoch_that_nobody_knows_of_is_told_of, 0, MS_MASTERS);
    tcase_add_test(all, test_a_stuck_standby_holds_nothing_back);
    tcase_add_test(all, test_a_stuck_standby_that_is_waited_for_is_told_of);
    tcase_add_test(all, test_logs_that_differ_are_told_of);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
