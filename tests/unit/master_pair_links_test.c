#include "master/pair_links.h"
#include "tests/support/suite.h"

#include <check.h>
#include <stdlib.h>

static struct ms_engine engine;
static struct ms_rng rng;
static struct ms_pair_links links;
static ms_time now;

static void on_step(struct ms_engine *self, ms_time at, const struct ms_event *event)
{
    (void)self, (void)event;
    ms_pair_links_tick(&links, at);
}

static ms_time on_deadline(const struct ms_engine *self)
{
    (void)self;
    return ms_pair_links_deadline(&links);
}

static const struct ms_engine_ops ops = {.name = "test", .step = on_step, .deadline = on_deadline};

static void set_up_as(uint8_t place)
{
    ck_assert(ms_engine_init(&engine, &ops));
    ms_rng_init(&rng, 5);
    now = 10 * MS_SEC;
    ms_pair_links_init(&links, &engine, &rng, place, "one:1,two:2");
}

static void set_up(void)
{
    set_up_as(1);
}

static void tear_down(void)
{
    ms_engine_finish(&engine);
}

/* Polls all effects; the last of that type, or one of type READY, which nobody emits here. */
static struct ms_effect last_of(enum ms_effect_type type)
{
    struct ms_effect found = {.type = MS_EFFECT_READY}, effect;

    while (ms_engine_poll(&engine, &effect)) {
        if (effect.type == type) {
            found = effect;
        }
    }
    return found;
}

static void tick(void)
{
    ms_engine_step(&engine, now, &(struct ms_event){.type = MS_EVENT_TICK});
}

static struct ms_pair_link *dialled(ms_peer peer)
{
    struct ms_effect effect;

    tick();
    effect = last_of(MS_EFFECT_CONNECT);
    ck_assert_int_eq(effect.type, MS_EFFECT_CONNECT);
    return ms_pair_links_opened(
        &links, now,
        &(struct ms_event){.type = MS_EVENT_PEER_OPENED, .tag = effect.tag, .peer = peer});
}

static struct ms_pair_link *greet(ms_peer peer, enum ms_role role, uint8_t id)
{
    const struct ms_pair_frame hello = {.role = role, .id = {{id}}};

    return ms_pair_links_greeted(&links, now, peer, &hello);
}

START_TEST(test_addresses_are_tried_in_turn)
{
    const char *const expected[] = {"one:1", "two:2", "one:1"};

    for (size_t i = 0; i < 3; i++) {
        struct ms_effect effect;

        now = ms_pair_links_deadline(&links) > now ? ms_pair_links_deadline(&links) : now;
        tick();
        effect = last_of(MS_EFFECT_CONNECT);
        ck_assert_str_eq(effect.text, expected[i]);
        ck_assert(ms_pair_links_failed(
            &links, now,
            &(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .tag = effect.tag, .count = 1}));
        ck_assert_int_gt(ms_pair_links_deadline(&links), now);
    }
}
END_TEST

static enum ms_error told_of_the_first(enum ms_error error)
{
    now = ms_pair_links_deadline(&links) > now ? ms_pair_links_deadline(&links) : now;
    tick();
    ms_pair_links_failed(&links, now,
                         &(struct ms_event){.type = MS_EVENT_PEER_CLOSED,
                                            .tag = last_of(MS_EFFECT_CONNECT).tag,
                                            .error = error});
    return links.told[0];
}

START_TEST(test_why_nobody_is_reached_is_said_until_somebody_greets)
{
    ck_assert_int_eq(told_of_the_first(MS_E_UNREACHABLE), MS_E_UNREACHABLE);
    ck_assert_int_eq(told_of_the_first(MS_E_TIMEOUT), MS_E_UNREACHABLE); /* of the other address */
    ck_assert_int_eq(links.told[1], MS_E_TIMEOUT);
    ck_assert_ptr_nonnull(greet(7, MS_ROLE_MASTER, 1));
    ck_assert_int_eq(links.told[0], MS_E_OK);
    ck_assert_int_eq(links.told[1], MS_E_OK);
}
END_TEST

START_TEST(test_refusal_of_one_who_is_here_says_nothing)
{
    struct ms_effect effect;

    tick();
    effect = last_of(MS_EFFECT_CONNECT);
    ck_assert_ptr_nonnull(greet(7, MS_ROLE_MASTER, 1));
    ck_assert(!ms_pair_links_failed(
        &links, now,
        &(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .tag = effect.tag, .count = 1}));
}
END_TEST

START_TEST(test_silence_is_no_refusal)
{
    struct ms_effect effect;

    tick();
    effect = last_of(MS_EFFECT_CONNECT);
    ck_assert(!ms_pair_links_failed(
        &links, now, &(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .tag = effect.tag}));
    ck_assert(!ms_pair_links_failed(
        &links, now,
        &(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .tag = effect.tag, .count = 1}));
}
END_TEST

START_TEST(test_who_does_not_greet_is_given_up)
{
    ck_assert_ptr_nonnull(dialled(7));
    now = ms_pair_links_deadline(&links);
    tick();
    ck_assert_uint_eq(last_of(MS_EFFECT_CLOSE).peer, 7);
    ck_assert_ptr_null(ms_pair_links_find(&links, 7));
    ck_assert_ptr_null(links.other);
}
END_TEST

/* Dials, and whoever is there greets and is refused. */
static const char *refused(ms_peer peer, bool is_self, const char **first_out)
{
    struct ms_effect effect;

    now = ms_pair_links_deadline(&links) > now ? ms_pair_links_deadline(&links) : now;
    tick();
    effect = last_of(MS_EFFECT_CONNECT);
    ck_assert_int_eq(effect.type, MS_EFFECT_CONNECT);
    ck_assert_ptr_nonnull(ms_pair_links_opened(
        &links, now,
        &(struct ms_event){.type = MS_EVENT_PEER_OPENED, .tag = effect.tag, .peer = peer}));
    if (is_self) {
        *first_out = ms_pair_links_refuse_self(&links, now, peer);
    } else {
        ms_pair_links_refuse(&links, now, peer, MS_E_OK);
    }
    ck_assert_uint_eq(last_of(MS_EFFECT_CLOSE).peer, peer);
    ck_assert_ptr_null(ms_pair_links_find(&links, peer));
    return effect.text;
}

START_TEST(test_an_own_address_is_passed_over_and_said_once)
{
    const ms_time begun = now;
    const char *first;

    ck_assert_str_eq(refused(7, true, &first), "one:1");
    ck_assert_str_eq(first, "one:1");
    ck_assert(!ms_pair_links_are_own(&links));
    while (now < begun + MS_PAIR_OWN_PAUSE - 2 * MS_PAIR_REFUSED_PAUSE) {
        ck_assert_str_eq(refused(8, false, &first), "two:2");
        ck_assert_int_ge(ms_pair_links_deadline(&links), now + MS_PAIR_REFUSED_PAUSE);
    }
    while (strcmp(refused(9, true, &first), "one:1") != 0) {
        ck_assert_str_eq(first, "two:2");
    }
    ck_assert_ptr_null(first);
    ck_assert(ms_pair_links_are_own(&links));
}
END_TEST

START_TEST(test_what_came_in_from_ourselves_says_nothing_of_an_address)
{
    ck_assert_ptr_null(ms_pair_links_refuse_self(&links, now, 5));
    ck_assert_uint_eq(last_of(MS_EFFECT_CLOSE).peer, 5);
    ck_assert(!ms_pair_links_are_own(&links));
    tick();
    ck_assert_str_eq(last_of(MS_EFFECT_CONNECT).text, "one:1");
}
END_TEST

START_TEST(test_a_dial_that_is_not_wanted_any_more_is_closed)
{
    struct ms_effect effect;

    tick();
    effect = last_of(MS_EFFECT_CONNECT);
    ck_assert_ptr_nonnull(greet(3, MS_ROLE_MASTER, 1));
    ck_assert_ptr_null(ms_pair_links_opened(
        &links, now,
        &(struct ms_event){.type = MS_EVENT_PEER_OPENED, .tag = effect.tag, .peer = 4}));
    ck_assert_uint_eq(last_of(MS_EFFECT_CLOSE).peer, 4);
    ck_assert_uint_eq(links.other->peer, 3);
}
END_TEST

/* Both keep the same of two connections: the one that the backup has dialled. */
START_TEST(test_of_two_connections_the_same_stands_on_both_sides)
{
    ck_assert_ptr_nonnull(dialled(7)); /* we are the backup */
    ck_assert_ptr_nonnull(greet(7, MS_ROLE_MASTER, 1));
    ck_assert_ptr_null(greet(8, MS_ROLE_MASTER, 1));
    ck_assert_uint_eq(links.other->peer, 7);
    tear_down();
    set_up_as(0);
    ck_assert_ptr_nonnull(dialled(8)); /* the same from the primary's side */
    ck_assert_ptr_nonnull(greet(8, MS_ROLE_MASTER, 1));
    ck_assert_ptr_nonnull(greet(7, MS_ROLE_MASTER, 1));
    ck_assert_uint_eq(links.other->peer, 7);
    ck_assert_ptr_null(ms_pair_links_find(&links, 8));
}
END_TEST

START_TEST(test_a_witness_has_one_connection)
{
    const struct ms_council_party party = {.is_witness = true, .id = {{9}}};

    ck_assert_ptr_nonnull(greet(3, MS_ROLE_WITNESS, 9));
    ck_assert_ptr_nonnull(greet(4, MS_ROLE_WITNESS, 9));
    ck_assert_ptr_null(ms_pair_links_find(&links, 3));
    ck_assert_uint_eq(ms_pair_links_of(&links, &party)->peer, 4);
}
END_TEST

START_TEST(test_operators_give_way)
{
    for (ms_peer peer = 1; peer <= MS_PAIR_LINKS_MAX; peer++) {
        ck_assert_ptr_nonnull(greet(peer, MS_ROLE_OPERATOR, 0));
    }
    ck_assert_ptr_null(greet(1000, MS_ROLE_OPERATOR, 0));
    ck_assert_ptr_nonnull(greet(1001, MS_ROLE_MASTER, 1));
    ck_assert_ptr_nonnull(greet(1002, MS_ROLE_WITNESS, 2));
}
END_TEST

START_TEST(test_a_lost_half_is_dialled_at_once)
{
    struct ms_pair_link *link = greet(3, MS_ROLE_MASTER, 1);

    ck_assert_int_gt(ms_pair_links_deadline(&links), now);
    ms_pair_links_forget(&links, now, link);
    ck_assert_int_eq(ms_pair_links_deadline(&links), now);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pair_links");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, test_addresses_are_tried_in_turn);
    tcase_add_test(all, test_silence_is_no_refusal);
    tcase_add_test(all, test_why_nobody_is_reached_is_said_until_somebody_greets);
    tcase_add_test(all, test_refusal_of_one_who_is_here_says_nothing);
    tcase_add_test(all, test_who_does_not_greet_is_given_up);
    tcase_add_test(all, test_a_dial_that_is_not_wanted_any_more_is_closed);
    tcase_add_test(all, test_an_own_address_is_passed_over_and_said_once);
    tcase_add_test(all, test_what_came_in_from_ourselves_says_nothing_of_an_address);
    tcase_add_test(all, test_of_two_connections_the_same_stands_on_both_sides);
    tcase_add_test(all, test_a_witness_has_one_connection);
    tcase_add_test(all, test_operators_give_way);
    tcase_add_test(all, test_a_lost_half_is_dialled_at_once);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
