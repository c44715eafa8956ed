/* What a slave says of itself and of its load, and what people change about it while it runs. */
#include "tests/unit/slave_script_work.h"

static void load_machine(uint16_t cpu, uint16_t memory)
{
    const struct ms_load load = {.cpu = cpu, .memory = memory};

    step(&(struct ms_event){.type = MS_EVENT_LOAD,
                            .command =
                                &(struct ms_command){.kind = MS_KIND_BEAT, .body.load = &load}});
}

static struct ms_load next_beat(void)
{
    now = ms_engine_deadline(engine);
    tick();
    const struct ms_command beat = expect_sent(MS_KIND_BEAT);

    ck_assert_ptr_nonnull(beat.body.load);
    const struct ms_load load = *beat.body.load;

    receive(&(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = beat.count});
    return load;
}

START_TEST(it_introduces_itself)
{
    const char *const labels[] = {"gpu", "zone=b"};
    struct ms_slave_config configured = config();

    configured.group = "render";
    configured.labels = labels;
    configured.labels_count = 2;
    configured.weight = 7;
    configured.slots_max = 8;
    create(configured);
    tick();
    const uint32_t tag = expect(MS_EFFECT_CONNECT).tag;

    peer = 900;
    step(&(struct ms_event){.type = MS_EVENT_PEER_OPENED, .peer = peer, .tag = tag});
    const struct ms_hello *hello = expect_sent(MS_KIND_HELLO).body.hello;

    ck_assert_str_eq(hello->group, "render");
    ck_assert_uint_eq(hello->labels_count, 2);
    ck_assert_str_eq(hello->labels[1], "zone=b");
    ck_assert_uint_eq(hello->weight, 7);
    ck_assert_uint_eq(hello->slots_max, 8);
    ck_assert((hello->features & MS_FEATURE_ADJUST) != 0);
    teardown();
}
END_TEST

START_TEST(beats_tell_the_load)
{
    setup();
    struct ms_load load = next_beat();

    ck_assert_uint_eq(load.cpu, MS_PERMILLE_UNKNOWN);
    ck_assert_uint_eq(load.running, 0);
    ck_assert_uint_eq(load.slots, 2);
    load_machine(125, 1000);
    expect_nothing();
    command(1);
    expect_run(1);
    load = next_beat();
    ck_assert_uint_eq(load.cpu, 125);
    ck_assert_uint_eq(load.memory, 1000);
    ck_assert_uint_eq(load.running, 1);
    ck_assert_uint_eq(load.queued, 0);
    teardown();
}
END_TEST

static void adjust(uint32_t slots, uint32_t level)
{
    receive(&(struct ms_command){.kind = MS_KIND_ADJUST, .count = slots, .index = level});
}

static void set_up_wide(void)
{
    struct ms_slave_config configured = config();

    configured.slots_max = 8;
    create(configured);
    come_up(2);
}

START_TEST(more_slots_are_granted_at_once)
{
    set_up_wide();
    adjust(5, 0);
    ck_assert_uint_eq(expect_sent(MS_KIND_BEAT).body.load->slots, 5);
    ck_assert_uint_eq(expect_sent(MS_KIND_PULL).count, 3);
    expect_nothing();
    ck_assert_uint_eq(stats().slots, 5);
    for (uint64_t n = 1; n <= 5; n++) {
        command(n);
        expect_run(n);
    }
    teardown();
}
END_TEST

/* What runs goes on; what was granted and is too much comes back. */
START_TEST(fewer_slots_hand_back_what_is_over)
{
    set_up_wide();
    command(1);
    expect_run(1);
    adjust(1, 0);
    ck_assert_uint_eq(expect_sent(MS_KIND_BEAT).body.load->slots, 1);
    expect_nothing();
    command(2); /* for the credit that the master still has */
    ck_assert_uint_eq(expect_sent(MS_KIND_RETURN).token.n, 2);
    finish(1);
    ck_assert_uint_eq(expect_result(1, MS_STATUS_OK).count, 1);
    acknowledge(1, 1);
    expect_nothing();
    command(3);
    expect_run(3);
    ck_assert_uint_eq(stats().running, 1);
    teardown();
}
END_TEST

/* The master still has the credit, so it is not told anew. */
START_TEST(slots_that_come_back)
{
    set_up_wide();
    adjust(1, 0);
    expect_sent(MS_KIND_BEAT);
    expect_nothing();
    adjust(3, 0);
    expect_sent(MS_KIND_BEAT);
    ck_assert_uint_eq(expect_sent(MS_KIND_PULL).count, 1);
    for (uint64_t n = 1; n <= 3; n++) {
        command(n);
        expect_run(n);
    }
    expect_nothing();
    teardown();
}
END_TEST

START_TEST(fewer_slots_than_run)
{
    set_up_wide();
    command(1);
    expect_run(1);
    command(2);
    expect_run(2);
    adjust(1, 0);
    expect_sent(MS_KIND_BEAT);
    ck_assert_uint_eq(stats().running, 2);
    finish(1);
    ck_assert_uint_eq(expect_result(1, MS_STATUS_OK).count, 0);
    finish(2);
    ck_assert_uint_eq(expect_result(2, MS_STATUS_OK).count, 1);
    teardown();
}
END_TEST

/* The next greeting says how many there are by then. */
START_TEST(slots_outlast_the_connection)
{
    set_up_wide();
    adjust(3, 0);
    expect_sent(MS_KIND_BEAT);
    expect_sent(MS_KIND_PULL);
    lose();
    now = ms_engine_deadline(engine);
    tick();
    const uint32_t tag = expect(MS_EFFECT_CONNECT).tag;

    peer = 901;
    step(&(struct ms_event){.type = MS_EVENT_PEER_OPENED, .peer = peer, .tag = tag});
    ck_assert_uint_eq(expect_sent(MS_KIND_HELLO).body.hello->slots, 3);
    teardown();
}
END_TEST

START_TEST(what_it_cannot_do_is_left)
{
    set_up_wide();
    adjust(9, 0); /* more than its executor runs */
    ck_assert_uint_eq(expect_sent(MS_KIND_BEAT).body.load->slots, 2);
    expect_nothing();
    teardown();
}
END_TEST

START_TEST(the_level_of_its_log)
{
    set_up_wide();
    adjust(0, 1 + MS_LEVEL_DEBUG);
    ck_assert_uint_eq(expect(MS_EFFECT_LEVEL).count, MS_LEVEL_DEBUG);
    ck_assert_uint_eq(expect_sent(MS_KIND_BEAT).body.load->slots, 2);
    teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slave/adjust");
    TCase *tests = tcase_create("adjust");

    tcase_add_test(tests, it_introduces_itself);
    tcase_add_test(tests, beats_tell_the_load);
    tcase_add_test(tests, more_slots_are_granted_at_once);
    tcase_add_test(tests, fewer_slots_hand_back_what_is_over);
    tcase_add_test(tests, slots_that_come_back);
    tcase_add_test(tests, fewer_slots_than_run);
    tcase_add_test(tests, slots_outlast_the_connection);
    tcase_add_test(tests, what_it_cannot_do_is_left);
    tcase_add_test(tests, the_level_of_its_log);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
